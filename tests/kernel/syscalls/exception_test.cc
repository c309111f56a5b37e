// Exception channels and objects: who is asked in which order, and what the answers do.
#include "tests/kernel/syscalls/exception_rig.h"

namespace jacinth::kernel {

using abi::ExceptionChannelOptions;
using abi::ExceptionStrategy;
using abi::InfoTopic;
using abi::Property;
using abi::ThreadState;

// --- channels ---

TEST_CASE("an exception channel can be read, waited for and moved, and nothing else",
          "[zx_task_create_exception_channel]") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  REQUIRE(k.basic(channel).rights == (Rights::kTransfer | Rights::kWait | Rights::kRead));
  REQUIRE(k.basic(channel).type == ObjectType::kChannel);
  REQUIRE(k.write(channel, "hello") == Status::kAccessDenied);
}

TEST_CASE("every kind of task has its channel, and jobs and processes one for debuggers",
          "[zx_task_create_exception_channel]") {
  ExceptionRig k;
  for (Handle task : {k.thread_handle, k.process_handle, k.inner_job}) {
    REQUIRE(k.attach_status(task) == Status::kOk);
  }
  REQUIRE(k.attach_status(k.process_handle, ExceptionChannelOptions::kDebugger) == Status::kOk);
  REQUIRE(k.attach_status(k.inner_job, ExceptionChannelOptions::kDebugger) == Status::kOk);
  REQUIRE(k.attach_status(k.thread_handle, ExceptionChannelOptions::kDebugger) == Status::kInvalidArgs);
}

TEST_CASE("a channel is refused in the documented order", "[zx_task_create_exception_channel]") {
  ExceptionRig k;
  REQUIRE(k.attach_status(k.kBad, ExceptionChannelOptions{2}) == Status::kInvalidArgs);
  REQUIRE(k.attach_status(k.kBad) == Status::kBadHandle);
  REQUIRE(k.attach_status(k.event()) == Status::kAccessDenied);  // An event lacks MANAGE_THREAD.
  for (Rights right : {Rights::kInspect, Rights::kDuplicate, Rights::kTransfer, Rights::kManageThread}) {
    Rights most = abi::default_rights(ObjectType::kProcess) & ~right;
    REQUIRE(k.attach_status(k.handle(k.object<Process>(k.process_handle), most)) == Status::kAccessDenied);
  }
  REQUIRE(k.attach_status(k.duplicate(k.process_handle, abi::default_rights(ObjectType::kProcess) &
                                                            ~Rights::kEnumerate)) == Status::kAccessDenied);
  REQUIRE(k.attach_status(k.handle(k.object<Process>(k.process_handle), Rights::kInspect | Rights::kDuplicate |
                                                                            Rights::kTransfer | Rights::kManageThread |
                                                                            Rights::kEnumerate)) == Status::kOk);
  // A pointer that cannot be written: the channel is gone again.
  REQUIRE(k.call("task_create_exception_channel", k.thread_handle, 0, k.kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.attach_status(k.thread_handle) == Status::kOk);
}

TEST_CASE("a task has one channel of a kind at a time", "[zx_task_create_exception_channel]") {
  ExceptionRig k;
  for (Handle task : {k.thread_handle, k.process_handle, k.inner_job}) {
    Handle channel = k.attach(task);
    REQUIRE(k.attach_status(task) == Status::kAlreadyBound);
    k.close(channel);
    REQUIRE(k.attach_status(task) == Status::kOk);
  }
}

TEST_CASE("the dead have no channels, and theirs close", "[zx_task_create_exception_channel]") {
  ExceptionRig k;
  Handle of_thread = k.attach(k.thread_handle);
  Handle of_process = k.attach(k.process_handle);
  Handle of_debugger = k.attach_debugger(k.process_handle);
  Handle of_job = k.attach(k.inner_job);
  REQUIRE(k.call("task_kill", k.inner_job) == Status::kOk);
  REQUIRE(k.take(of_debugger).info.type == abi::ExceptionType::kThreadExiting);
  for (Handle channel : {of_thread, of_process, of_debugger, of_job}) {
    REQUIRE(k.read_nothing(channel) == Status::kPeerClosed);
  }
  for (Handle task : {k.thread_handle, k.process_handle, k.inner_job}) {
    REQUIRE(k.attach_status(task) == Status::kBadState);
  }
}

TEST_CASE("the job's policy on channels counts", "[zx_task_create_exception_channel]") {
  ExceptionRig k;
  Ref<Job> strict = *Job::create(k.job());
  std::array<abi::PolicyBasicV2, 1> deny{{{abi::PolicyCondition::kNewChannel, abi::PolicyAction::kDeny}}};
  REQUIRE(strict->set_basic_policy(abi::PolicyOption::kRelative, deny) == Status::kOk);
  Ref<Process> caller = k.make_process(strict, "caller");
  Thread& thread = *caller->threads().begin()->second;
  REQUIRE(k.call_as(thread, "task_create_exception_channel", k.kBad, 0, GuestAddr(0)) == Status::kAccessDenied);
}

// --- the message ---

TEST_CASE("a fault stops its thread and arrives as a message with an exception",
          "[zx_task_create_exception_channel][zx_exception_get_thread][zx_exception_get_process]") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  k.fault(k.victim());
  REQUIRE(k.state() == ThreadState::kBlockedException);
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kProcess);
  REQUIRE(contains(k.signals(channel), Signals::kChannelReadable));

  auto [info, exception] = k.take(channel);
  REQUIRE(info.tid == k.victim().koid());
  REQUIRE(info.pid == k.victim_process().koid());
  REQUIRE(info.type == abi::ExceptionType::kUndefinedInstruction);
  REQUIRE(k.basic(exception).type == ObjectType::kException);
  REQUIRE(k.basic(exception).rights ==
          (Rights::kTransfer | Rights::kInspect | Rights::kGetProperty | Rights::kSetProperty));
  REQUIRE(k.basic(k.make("exception_get_thread", exception)).koid == info.tid);
  REQUIRE(k.basic(k.make("exception_get_process", exception)).koid == info.pid);

  k.answer(exception, abi::ExceptionState::kHandled);
  REQUIRE(k.state() == ThreadState::kRunning);
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kNone);
  k.put_on_cpu(k.victim());
}

TEST_CASE("handles from an exception have the rights of the handle that made the channel",
          "[zx_exception_get_thread][zx_exception_get_process]") {
  ExceptionRig k;
  constexpr Rights kFew = Rights::kInspect | Rights::kDuplicate | Rights::kTransfer | Rights::kManageThread;
  Handle channel = k.attach(k.duplicate(k.process_handle, kFew | Rights::kEnumerate | Rights::kRead));
  k.fault(k.victim());
  Handle exception = k.take(channel).exception;
  REQUIRE(k.basic(k.make("exception_get_thread", exception)).rights == (kFew | Rights::kEnumerate | Rights::kRead));
  REQUIRE(k.basic(k.make("exception_get_process", exception)).rights == (kFew | Rights::kEnumerate | Rights::kRead));

  GuestAddr out = k.room(4);
  for (const char* name : {"exception_get_thread", "exception_get_process"}) {
    REQUIRE(k.call(name, k.kBad, out) == Status::kBadHandle);
    REQUIRE(k.call(name, channel, out) == Status::kWrongType);
    REQUIRE(k.call(name, exception, k.kNowhere) == Status::kInvalidArgs);
  }
}

TEST_CASE("a thread's handler is told nothing of the process", "[zx_exception_get_process]") {
  ExceptionRig k;
  Handle channel = k.attach(k.thread_handle);
  Handle of_process = k.attach(k.process_handle);
  k.fault(k.victim());
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kThread);
  Handle exception = k.take(channel).exception;
  REQUIRE(k.call("exception_get_process", exception, k.room(4)) == Status::kAccessDenied);
  REQUIRE(k.call("exception_get_thread", exception, k.room(4)) == Status::kOk);

  k.close(exception);
  REQUIRE(k.call("exception_get_process", k.take(of_process).exception, k.room(4)) == Status::kOk);
}

// --- who is asked ---

TEST_CASE("debugger, thread, process and every job up to the root are asked in turn",
          "[zx_task_create_exception_channel]") {
  ExceptionRig k;
  std::vector<std::pair<Handle, HandledBy>> handlers = {
      {k.attach_debugger(k.process_handle), HandledBy::kDebugger},
      {k.attach(k.thread_handle), HandledBy::kThread},
      {k.attach(k.process_handle), HandledBy::kProcess},
      {k.attach(k.inner_job), HandledBy::kJob},
      {k.attach(k.handle(k.job())), HandledBy::kJob},
      {k.attach(k.handle(k.kernel().root_job())), HandledBy::kJob},
  };
  Handle job_debugger = k.attach_debugger(k.inner_job);
  k.fault(k.victim());
  for (size_t i = 0; i < handlers.size(); ++i) {
    CAPTURE(i);
    for (size_t other = i + 1; other < handlers.size(); ++other) REQUIRE(k.quiet(handlers[other].first));
    REQUIRE(k.waits_for() == handlers[i].second);
    k.answer(k.take(handlers[i].first).exception, abi::ExceptionState::kTryNext);
  }
  REQUIRE(k.quiet(job_debugger));
  REQUIRE(k.victim_process().dead());
  REQUIRE(k.victim_process().return_code() == ExceptionRig::kKilled);
}

TEST_CASE("whoever handles it is the last to be asked") {
  for (size_t helper = 0; helper < 4; ++helper) {
    CAPTURE(helper);
    ExceptionRig k;
    std::array<Handle, 4> handlers = {k.attach_debugger(k.process_handle), k.attach(k.thread_handle),
                                      k.attach(k.process_handle), k.attach(k.inner_job)};
    k.fault(k.victim());
    for (size_t i = 0; i <= helper; ++i) {
      k.answer(k.take(handlers[i]).exception,
               i == helper ? abi::ExceptionState::kHandled : abi::ExceptionState::kTryNext);
    }
    for (Handle handler : handlers) REQUIRE(k.quiet(handler));
    REQUIRE(k.state() == ThreadState::kRunning);
  }
}

TEST_CASE("a debugger with a second chance is asked again after the process") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  Handle process = k.attach(k.process_handle);
  Handle job = k.attach(k.inner_job);
  k.fault(k.victim());
  Handle first = k.take(debugger).exception;
  REQUIRE(k.property<ExceptionStrategy>(first, Property::kExceptionStrategy) == ExceptionStrategy::kFirstChance);
  REQUIRE(k.set(first, Property::kExceptionStrategy, ExceptionStrategy::kSecondChance) == Status::kOk);
  k.close(first);

  Handle in_process = k.take(process).exception;
  REQUIRE(k.property<ExceptionStrategy>(in_process, Property::kExceptionStrategy) == ExceptionStrategy::kSecondChance);
  REQUIRE(k.set(in_process, Property::kExceptionStrategy, ExceptionStrategy::kFirstChance) == Status::kBadState);
  k.close(in_process);

  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kDebugger);
  k.close(k.take(debugger).exception);
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kJob);
  k.close(k.take(job).exception);
  REQUIRE(k.quiet(debugger) == false);  // It exits, which the debugger hears of.
  REQUIRE(k.victim_process().dead());
}

TEST_CASE("the answer is forgotten from one handler to the next") {
  ExceptionRig k;
  Handle thread = k.attach(k.thread_handle);
  Handle process = k.attach(k.process_handle);
  k.fault(k.victim());
  Handle exception = k.take(thread).exception;
  using State = abi::ExceptionState;
  REQUIRE(k.property<State>(exception, Property::kExceptionState) == State::kTryNext);
  for (State state : {State::kHandled, State::kThreadExit, State::kTryNext}) {
    REQUIRE(k.set(exception, Property::kExceptionState, state) == Status::kOk);
    REQUIRE(k.property<State>(exception, Property::kExceptionState) == state);
  }
  k.close(exception);
  REQUIRE(k.property<State>(k.take(process).exception, Property::kExceptionState) == State::kTryNext);
}

TEST_CASE("a report of x86-64 has CR2 for page faults alone", "[zx_object_get_info]") {
  ExceptionRig k(Arch::kX86_64);
  Handle channel = k.attach(k.process_handle);
  k.fault(k.victim(), {.kind = ExceptionInfo::Kind::kGeneral, .address = GuestAddr(uint64_t{1} << 63), .vector = 13});
  REQUIRE(k.report().x86_64.vector == 13);
  REQUIRE(k.report().x86_64.cr2 == 0);
  k.answer(k.take(channel).exception, abi::ExceptionState::kHandled);
}

TEST_CASE("bad properties of exceptions are refused") {
  ExceptionRig k;
  Handle channel = k.attach_debugger(k.process_handle);
  k.fault(k.victim());
  Handle exception = k.take(channel).exception;
  GuestAddr value = k.user(uint32_t{3});
  for (Property property : {Property::kExceptionState, Property::kExceptionStrategy}) {
    REQUIRE(k.call("object_set_property", exception, property, value, 4) == Status::kInvalidArgs);
    REQUIRE(k.call("object_set_property", exception, property, value, 3) == Status::kBufferTooSmall);
    REQUIRE(k.call("object_get_property", exception, property, value, 3) == Status::kBufferTooSmall);
    REQUIRE(k.call("object_set_property", exception, property, k.kNowhere, 4) == Status::kInvalidArgs);
    REQUIRE(k.call("object_get_property", exception, property, k.kNowhere, 4) == Status::kInvalidArgs);
    REQUIRE(k.call("object_set_property", k.process_handle, property, value, 4) == Status::kWrongType);
    REQUIRE(k.call("object_get_property", k.process_handle, property, value, 4) == Status::kWrongType);
  }
}

TEST_CASE("a handler that closes its channel counts as one that did not help") {
  ExceptionRig k;
  Handle thread = k.attach(k.thread_handle);
  Handle process = k.attach(k.process_handle);
  k.fault(k.victim());
  k.close(thread);  // The message was never read.
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kProcess);
  Handle exception = k.take(process).exception;
  k.close(process);  // Who has the exception still decides.
  k.answer(exception, abi::ExceptionState::kHandled);
  REQUIRE(k.state() == ThreadState::kRunning);

  k.fault(k.victim());
  REQUIRE(k.victim_process().dead());
}

TEST_CASE("an exception in flight to somebody who dies goes to the next") {
  ExceptionRig k;
  Handle job = k.attach(k.inner_job);
  Ref<Process> handler = k.make_process("handler");
  Thread& thread = *handler->threads().begin()->second;
  Handle task = k.handle(handler, k.object<Process>(k.process_handle), abi::default_rights(ObjectType::kProcess));
  REQUIRE(k.call_as(thread, "task_create_exception_channel", task, 0, KernelRig::kMemory) == Status::kOk);
  k.fault(k.victim());
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kProcess);
  REQUIRE(k.call("task_kill", k.handle(handler)) == Status::kOk);
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kJob);
  k.answer(k.take(job).exception, abi::ExceptionState::kHandled);
  REQUIRE(k.state() == ThreadState::kRunning);
}

TEST_CASE("a handler that faults itself goes to its own handlers") {
  ExceptionRig k;
  Handle first = k.attach(k.process_handle);
  Ref<Process> other = k.make_process("other");
  Handle second = k.attach(k.handle(other));
  k.run();
  k.fault(k.victim());
  k.fault(*other->threads().begin()->second);
  REQUIRE(k.take(second).info.pid == other->koid());
  REQUIRE(k.take(first).info.pid == k.victim_process().koid());
}

TEST_CASE("a handler can end the thread alone") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  Thread& other = k.make_thread(k.object<Process>(k.process_handle));
  k.run();
  k.fault(k.victim());
  k.answer(k.take(channel).exception, abi::ExceptionState::kThreadExit);
  REQUIRE(k.state() == ThreadState::kDead);
  REQUIRE_FALSE(k.victim_process().dead());
  REQUIRE(other.info_state() == ThreadState::kRunning);
}

// --- reports ---

TEST_CASE("a report tells what the processor found, and the status behind a page fault", "[zx_object_get_info]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    ExceptionRig k(arch);
    Handle channel = k.attach(k.process_handle);
    REQUIRE(k.report_status() == Status::kBadState);
    k.fault(k.victim(), {.kind = ExceptionInfo::Kind::kPageFault,
                         .pc = GuestAddr(0x1234),
                         .address = GuestAddr(0xdead'0008),
                         .access = AccessKind::kWrite,
                         .vector = 14,
                         .error_code = 6,
                         .syndrome = 0x9200'0045});
    abi::ExceptionReport report = k.report();
    REQUIRE(report.header.size == sizeof report);
    REQUIRE(report.header.type == abi::ExceptionType::kFatalPageFault);
    if (arch == Arch::kArm64) {
      REQUIRE(report.arm_64.esr == 0x9200'0045);
      REQUIRE(report.arm_64.far == 0xdead'0008);
    } else {
      REQUIRE(report.x86_64.vector == 14);
      REQUIRE(report.x86_64.err_code == 6);
      REQUIRE(report.x86_64.cr2 == 0xdead'0008);
    }
    REQUIRE(static_cast<Status>(report.synth_code) == Status::kNotFound);

    auto old = k.info<abi::ExceptionReportV1>(k.thread_handle, InfoTopic::kThreadExceptionReportV1);
    REQUIRE(old.header.size == sizeof old);
    old.header.size = sizeof report;
    REQUIRE(std::memcmp(&old, &report, sizeof old) == 0);

    GuestAddr out = k.room(64);
    REQUIRE(k.call("object_get_info", k.thread_handle, InfoTopic::kThreadExceptionReport, out, sizeof report - 1,
                   nullptr, nullptr) == Status::kBufferTooSmall);
    REQUIRE(k.call("object_get_info", k.process_handle, InfoTopic::kThreadExceptionReport, out, sizeof report, nullptr,
                   nullptr) == Status::kWrongType);
    k.answer(k.take(channel).exception, abi::ExceptionState::kHandled);
    REQUIRE(k.report_status() == Status::kBadState);
  }
}

TEST_CASE("a process lists its threads by koid, in the order of their starts", "[zx_object_get_info]") {
  ExceptionRig k;
  Thread& second = k.make_thread(k.object<Process>(k.process_handle));
  GuestAddr out = k.room(16);
  REQUIRE(k.call("object_get_info", k.process_handle, InfoTopic::kProcessThreads, out, 16, nullptr, nullptr) ==
          Status::kOk);
  REQUIRE(k.peek<Koid>(out, 0) == k.victim().koid());
  REQUIRE(k.peek<Koid>(out, 1) == second.koid());
}

TEST_CASE("a debugger shows in what is told of a process and a job", "[zx_object_get_info]") {
  ExceptionRig k;
  auto debugged = [&] {
    auto process = k.info<abi::InfoProcess>(k.process_handle, InfoTopic::kProcess);
    auto old = k.info<abi::InfoProcessV1>(k.process_handle, InfoTopic::kProcessV1);
    REQUIRE(old.debugger_attached == contains(process.flags, abi::InfoProcessFlags::kDebuggerAttached));
    REQUIRE(old.debugger_attached == k.info<abi::InfoJob>(k.inner_job, InfoTopic::kJob).debugger_attached);
    return old.debugger_attached;
  };
  k.attach(k.process_handle);
  REQUIRE_FALSE(debugged());
  Handle of_process = k.attach_debugger(k.process_handle);
  Handle of_job = k.attach_debugger(k.inner_job);
  REQUIRE(debugged());
  k.close(of_process);
  k.close(of_job);
  REQUIRE_FALSE(debugged());
}

}  // namespace jacinth::kernel
