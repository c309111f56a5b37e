// Words for tests of exceptions: who handles them, and what becomes of the thread meanwhile.
//
// The main thread plays the handler; `victim` is a thread of another process, in a job of its own below the main one.
#pragma once

#include <cstring>
#include <optional>
#include <string>

#include "kernel/abi/exception.h"
#include "kernel/abi/info_task.h"
#include "kernel/abi/property.h"
#include "kernel/abi/task.h"
#include "kernel/task/exception_object.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {

using HandledBy = abi::ExceptionChannelType;

struct ExceptionRig : IpcRig {
  using Type = abi::ExceptionType;
  using State = abi::ExceptionState;
  static constexpr auto kKilled = static_cast<int64_t>(abi::TaskRetcode::kExceptionKill);

  explicit ExceptionRig(Arch arch = Arch::kArm64, Options options = {}) : IpcRig(arch, std::move(options)) {
    Ref<Job> inner = *Job::create(job());
    Ref<Process> child = make_process(inner, "victim");
    inner_job = handle(inner);
    process_handle = handle(child);
    thread_handle = handle(Ref<Object>(child->threads().begin()->second));
    settle_start();
  }

  Handle inner_job{}, process_handle{}, thread_handle{};

  Thread& victim() { return *object<Thread>(thread_handle); }
  Process& victim_process() { return *object<Process>(process_handle); }
  /// Threads get through their first moment.
  void settle_start() { run(); }

  /// Makes `thread` the one that the CPU runs.
  void put_on_cpu(Thread& thread) {
    ThreadContext* context = nullptr;
    for (size_t turn = 0; turn < 1000 && context != &thread.context(); ++turn) {
      kernel().tasks().scheduler().yield(0, platform().now());
      context = kernel().schedule(0);
      REQUIRE(context != nullptr);
    }
    REQUIRE(context == &thread.context());
  }
  void fault(Thread& thread, ExceptionInfo info) {
    put_on_cpu(thread);
    if (info.kind == ExceptionInfo::Kind::kPageFault) {
      REQUIRE(kernel().page_fault_stop(0, info) == Next::kSwitch);
    } else {
      REQUIRE(kernel().exception(0, info) == Next::kSwitch);
    }
  }
  void fault(Thread& thread) {
    fault(thread, {.kind = ExceptionInfo::Kind::kUndefinedInstruction, .pc = GuestAddr(0x1000)});
  }

  Status attach_status(Handle task, abi::ExceptionChannelOptions options = abi::ExceptionChannelOptions::kNone) {
    return call("task_create_exception_channel", task, options, room(sizeof(Handle)));
  }
  Handle attach(Handle task) { return make("task_create_exception_channel", task, 0); }
  Handle attach_debugger(Handle task) {
    return make("task_create_exception_channel", task, abi::ExceptionChannelOptions::kDebugger);
  }

  struct Taken {
    abi::ExceptionInfo info;
    Handle exception{};
  };
  /// What arrived on an exception channel; it must have.
  Taken take(Handle channel) {
    Received received = receive(channel);
    REQUIRE(received.text.size() == sizeof(abi::ExceptionInfo));
    REQUIRE(received.handles.size() == 1);
    Taken taken;
    std::memcpy(&taken.info, received.text.data(), sizeof taken.info);
    taken.exception = received.handles[0];
    return taken;
  }
  Type type_of(const Taken& taken) { return taken.info.type; }
  bool quiet(Handle channel) { return read_nothing(channel) == Status::kShouldWait; }
  bool arrived(Handle channel) { return read_nothing(channel) == Status::kBufferTooSmall; }

  template <class T>
  Status set(Handle object, abi::Property property, T value) {
    return call("object_set_property", object, property, user(value), sizeof value);
  }
  template <class T>
  T property(Handle object, abi::Property property) {
    GuestAddr out = room(sizeof(T));
    REQUIRE(call("object_get_property", object, property, out, sizeof(T)) == Status::kOk);
    return peek<T>(out);
  }
  void answer(Handle exception, State state) {
    REQUIRE(set(exception, abi::Property::kExceptionState, state) == Status::kOk);
    close(exception);
  }

  template <class T>
  T info(Handle object, abi::InfoTopic topic) {
    GuestAddr out = room(sizeof(T));
    REQUIRE(call("object_get_info", object, topic, out, sizeof(T), nullptr, nullptr) == Status::kOk);
    return peek<T>(out);
  }
  abi::ThreadState state() { return info<abi::InfoThread>(thread_handle, abi::InfoTopic::kThread).state; }
  HandledBy waits_for() {
    return info<abi::InfoThread>(thread_handle, abi::InfoTopic::kThread).wait_exception_channel_type;
  }
  Status report_status() {
    return call("object_get_info", thread_handle, abi::InfoTopic::kThreadExceptionReport, room(64), 64, nullptr,
                nullptr);
  }
  abi::ExceptionReport report() {
    return info<abi::ExceptionReport>(thread_handle, abi::InfoTopic::kThreadExceptionReport);
  }
};

}  // namespace jacinth::kernel
