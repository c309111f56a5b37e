// Exceptions and what else happens to threads: starts, exits, kills, suspensions, policies, snapshots.
#include "kernel/task/suspend_token.h"
#include "tests/kernel/syscalls/exception_rig.h"

namespace jacinth::kernel {

using abi::ExceptionState;
using abi::ExceptionType;
using abi::ThreadState;

namespace {

/// A process that is ready to start, with its first thread.
struct Child {
  Handle process{};
  Handle thread{};
};

Child unstarted(ExceptionRig& k, Handle job) {
  GuestAddr out = k.room(8);
  REQUIRE(k.call("process_create", job, k.user_text("child"), 5, 0, out, out + 4) == Status::kOk);
  Child child{.process = k.peek<Handle>(out)};
  child.thread = k.make("thread_create", child.process, k.user_text("t"), 1, 0);
  return child;
}

void start(ExceptionRig& k, const Child& child) {
  REQUIRE(k.call("process_start", child.process, child.thread, GuestAddr(0x100'0000), GuestAddr(0x200'0000), Handle{0},
                 0) == Status::kOk);
  k.run();
}

ThreadState state_of(ExceptionRig& k, Handle thread) {
  return k.info<abi::InfoThread>(thread, abi::InfoTopic::kThread).state;
}

}  // namespace

// --- starting ---

TEST_CASE("a debugger holds each new thread before its first instruction") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  Handle plain = k.attach(k.process_handle);
  Thread& thread = k.make_thread(k.object<Process>(k.process_handle));
  REQUIRE(contains(thread.signals(), Signals::kThreadRunning));
  k.run();
  REQUIRE(thread.info_state() == ThreadState::kBlockedException);
  auto [info, exception] = k.take(debugger);
  REQUIRE(info.type == ExceptionType::kThreadStarting);
  REQUIRE(info.tid == thread.koid());
  REQUIRE(k.quiet(plain));
  // The answer does not matter.
  k.close(exception);
  REQUIRE(thread.info_state() == ThreadState::kRunning);
  REQUIRE(k.quiet(plain));
  k.put_on_cpu(thread);
}

TEST_CASE("the nearest job with a debugger hears of a new process, then the debugger of that of its thread") {
  ExceptionRig k;
  Handle outer = k.attach_debugger(k.handle(k.job()));
  Handle inner = k.attach_debugger(k.inner_job);
  Child child = unstarted(k, k.inner_job);
  Handle debugger = k.attach_debugger(child.process);
  start(k, child);

  auto [info, exception] = k.take(inner);
  REQUIRE(info.type == ExceptionType::kProcessStarting);
  REQUIRE(info.pid == k.basic(child.process).koid);
  REQUIRE(info.tid == k.basic(child.thread).koid);
  REQUIRE(k.basic(k.make("exception_get_process", exception)).koid == info.pid);
  REQUIRE(k.quiet(outer));
  REQUIRE(k.quiet(debugger));
  auto waits_for = [&] {
    return k.info<abi::InfoThread>(child.thread, abi::InfoTopic::kThread).wait_exception_channel_type;
  };
  REQUIRE(waits_for() == HandledBy::kJobDebugger);

  k.close(exception);
  k.run();
  REQUIRE(k.quiet(outer));
  REQUIRE(waits_for() == HandledBy::kDebugger);
  k.answer(k.take(debugger).exception, ExceptionState::kHandled);
  k.run();
  REQUIRE(state_of(k, child.thread) == ThreadState::kRunning);
}

TEST_CASE("a job's debugger hears of no thread but the first") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.inner_job);
  Thread& thread = k.make_thread(k.object<Process>(k.process_handle));
  k.run();
  REQUIRE(thread.info_state() == ThreadState::kRunning);
  k.fault(thread);
  REQUIRE(k.quiet(debugger));
}

TEST_CASE("a thread that starts suspended is shown to the debugger first") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  Handle thread = k.make("thread_create", k.process_handle, k.user_text("t"), 1, 0);
  Handle token = k.make("task_suspend", thread);
  REQUIRE(k.call("thread_start", thread, GuestAddr(0x100'0000), GuestAddr(0x200'0000), 0, 0) == Status::kOk);
  k.run();
  REQUIRE(state_of(k, thread) == ThreadState::kBlockedException);
  k.close(k.take(debugger).exception);
  k.run();
  REQUIRE(state_of(k, thread) == ThreadState::kSuspended);
  k.close(token);
  REQUIRE(state_of(k, thread) == ThreadState::kRunning);
}

// --- exiting ---

TEST_CASE("a thread that exits waits for its debugger") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  k.start(k.victim(), "thread_exit");
  REQUIRE(k.state() == ThreadState::kDying);
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kDebugger);
  REQUIRE_FALSE(k.victim_process().dead());
  auto [info, exception] = k.take(debugger);
  REQUIRE(info.type == ExceptionType::kThreadExiting);
  REQUIRE(info.tid == k.victim().koid());
  REQUIRE(k.report().header.type == ExceptionType::kThreadExiting);

  k.close(exception);
  REQUIRE(k.state() == ThreadState::kDead);
  REQUIRE(k.victim_process().dead());
  REQUIRE(k.read_nothing(debugger) == Status::kPeerClosed);
}

TEST_CASE("nobody but a debugger hears of an exit") {
  ExceptionRig k;
  std::array<Handle, 3> handlers = {k.attach(k.thread_handle), k.attach(k.process_handle), k.attach(k.inner_job)};
  k.start(k.victim(), "thread_exit");
  REQUIRE(k.victim_process().dead());
  REQUIRE(k.read_nothing(handlers[0]) == Status::kPeerClosed);
  REQUIRE(k.read_nothing(handlers[1]) == Status::kPeerClosed);
  REQUIRE(k.quiet(handlers[2]));
}

TEST_CASE("threads that are killed say so to the debugger and wait for nothing") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  Thread& second = k.make_thread(k.object<Process>(k.process_handle));
  k.run();
  k.close(k.take(debugger).exception);
  k.run();
  std::array<Koid, 2> koids = {k.victim().koid(), second.koid()};
  k.start(second, "process_exit", 5);
  REQUIRE(k.victim_process().dead());
  REQUIRE(k.victim_process().return_code() == 5);
  for (Koid koid : koids) {
    auto [info, exception] = k.take(debugger);
    REQUIRE(info.type == ExceptionType::kThreadExiting);
    REQUIRE(info.tid == koid);
    REQUIRE(k.basic(k.make("exception_get_thread", exception)).koid == koid);
    k.answer(exception, ExceptionState::kHandled);
  }
  REQUIRE(k.read_nothing(debugger) == Status::kPeerClosed);
}

TEST_CASE("a thread that exits under a debugger that goes away exits") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  k.start(k.victim(), "thread_exit");
  k.close(debugger);
  REQUIRE(k.state() == ThreadState::kDead);
}

TEST_CASE("a kill ends the wait of a thread that exits") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  k.start(k.victim(), "thread_exit");
  Handle exception = k.take(debugger).exception;
  REQUIRE(k.call("task_kill", k.process_handle) == Status::kOk);
  REQUIRE(k.state() == ThreadState::kDead);
  REQUIRE(k.victim_process().dead());
  k.close(exception);
}

TEST_CASE("a handler that ends the thread lets its debugger hear of the exit") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  k.fault(k.victim());
  k.answer(k.take(debugger).exception, ExceptionState::kThreadExit);
  REQUIRE(k.state() == ThreadState::kDying);
  auto [info, exception] = k.take(debugger);
  REQUIRE(info.type == ExceptionType::kThreadExiting);
  k.close(exception);
  REQUIRE(k.victim_process().dead());
  REQUIRE(k.victim_process().return_code() == 0);
}

// --- kills ---

TEST_CASE("a kill ends an exception at once, and its handle does nothing any more",
          "[zx_task_kill][zx_exception_get_thread]") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  Handle job = k.attach(k.inner_job);
  k.fault(k.victim());
  Handle exception = k.take(channel).exception;
  REQUIRE(k.call("task_kill", k.process_handle) == Status::kOk);
  REQUIRE(k.state() == ThreadState::kDead);
  REQUIRE(k.victim_process().return_code() == static_cast<int64_t>(abi::TaskRetcode::kSyscallKill));

  REQUIRE(k.basic(k.make("exception_get_thread", exception)).koid == k.basic(k.thread_handle).koid);
  REQUIRE(k.basic(k.make("exception_get_process", exception)).koid == k.basic(k.process_handle).koid);
  REQUIRE(k.set(exception, abi::Property::kExceptionStrategy, abi::ExceptionStrategy::kSecondChance) ==
          Status::kBadState);
  k.answer(exception, ExceptionState::kHandled);
  REQUIRE(k.state() == ThreadState::kDead);
  REQUIRE(k.quiet(job));
}

TEST_CASE("other threads run on while one is in an exception, and can kill the process") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  Thread& second = k.make_thread(k.object<Process>(k.process_handle));
  k.run();
  k.fault(k.victim());
  REQUIRE(second.info_state() == ThreadState::kRunning);
  REQUIRE(k.call_as(second, "syscall_test_0") == Status::kOk);
  k.start(second, "process_exit", 9);
  REQUIRE(k.victim_process().dead());
  REQUIRE(k.victim_process().return_code() == 9);
  k.close(k.take(channel).exception);
}

TEST_CASE("a thousand exceptions in flight die with their process") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  Ref<Process> process = k.object<Process>(k.process_handle);
  for (int i = 0; i < 1000; ++i) {
    Thread& thread = k.make_thread(process);
    k.fault(thread);
  }
  size_t before = k.core().objects().size();
  REQUIRE(k.call("task_kill", k.process_handle) == Status::kOk);
  k.close(channel);
  REQUIRE(k.core().objects().size() + 2000 <= before);
}

// --- suspension ---

TEST_CASE("a thread in an exception is suspended when that is over", "[zx_task_suspend]") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  k.fault(k.victim());
  Handle exception = k.take(channel).exception;
  Handle token = k.make("task_suspend", k.thread_handle);
  k.run();
  REQUIRE(k.state() == ThreadState::kBlockedException);
  REQUIRE_FALSE(contains(k.victim().signals(), Signals::kThreadSuspended));

  k.answer(exception, ExceptionState::kHandled);
  k.run();
  REQUIRE(k.state() == ThreadState::kSuspended);
  k.close(token);
  REQUIRE(k.state() == ThreadState::kRunning);
}

TEST_CASE("a suspension that ends during an exception leaves nothing behind", "[zx_task_suspend]") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  k.fault(k.victim());
  Handle exception = k.take(channel).exception;
  k.close(k.make("task_suspend", k.process_handle));
  k.run();
  REQUIRE(k.state() == ThreadState::kBlockedException);
  k.answer(exception, ExceptionState::kHandled);
  k.run();
  REQUIRE(k.state() == ThreadState::kRunning);
}

// --- policies ---

TEST_CASE("a policy exception has its code, and a thread that it is handled for goes on with the call's result",
          "[zx_job_set_policy]") {
  for (abi::PolicyAction action : {abi::PolicyAction::kAllowException, abi::PolicyAction::kDenyException}) {
    ExceptionRig k;
    Ref<Job> strict = *Job::create(k.job());
    std::array<abi::PolicyBasicV2, 1> policy{{{abi::PolicyCondition::kNewEvent, action}}};
    REQUIRE(strict->set_basic_policy(abi::PolicyOption::kRelative, policy) == Status::kOk);
    Ref<Process> process = k.make_process(strict, "strict");
    Handle channel = k.attach(k.handle(process));
    Ref<Thread> thread = process->threads().begin()->second;
    k.thread_handle = k.handle(Ref<Object>(thread));
    k.run();
    Made& made = k.start(*thread, "event_create", 0, KernelRig::kMemory);
    k.run();
    REQUIRE(k.state() == ThreadState::kBlockedException);
    abi::ExceptionReport report = k.report();
    REQUIRE(report.header.type == ExceptionType::kPolicyError);
    REQUIRE(report.synth_code == static_cast<uint32_t>(abi::ExceptionPolicyCode::kNewEvent));
    REQUIRE(report.synth_data == 0);
    k.answer(k.take(channel).exception, ExceptionState::kHandled);
    k.run();
    REQUIRE(made.over);
    REQUIRE(made.status() == (action == abi::PolicyAction::kAllowException ? Status::kOk : Status::kAccessDenied));
    REQUIRE_FALSE(process->dead());
  }
}

TEST_CASE("a call that is none is a policy error with its number") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  k.trap(k.victim(), 5000, {});
  k.run();
  abi::ExceptionReport report = k.report();
  REQUIRE(report.synth_code == static_cast<uint32_t>(abi::ExceptionPolicyCode::kBadSyscall));
  REQUIRE(report.synth_data == 5000);
  k.answer(k.take(channel).exception, ExceptionState::kHandled);
  REQUIRE(k.state() == ThreadState::kRunning);
}

// --- snapshots ---

TEST_CASE("threads in exceptions come through a snapshot, in any state") {
  ExceptionRig k;
  Handle debugger = k.attach_debugger(k.process_handle);
  Handle plain = k.attach(k.process_handle);
  k.reload();
  k.fault(k.victim());
  k.reload();
  Handle exception = k.take(debugger).exception;
  REQUIRE(k.set(exception, abi::Property::kExceptionStrategy, abi::ExceptionStrategy::kSecondChance) == Status::kOk);
  k.reload();
  k.close(exception);
  k.reload();
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kProcess);
  exception = k.take(plain).exception;
  Handle token = k.make("task_suspend", k.thread_handle);
  k.reload();
  k.close(exception);
  REQUIRE(k.waits_for() == abi::ExceptionChannelType::kDebugger);
  exception = k.take(debugger).exception;
  REQUIRE(k.set(exception, abi::Property::kExceptionState, ExceptionState::kHandled) == Status::kOk);
  k.reload();
  k.close(exception);
  k.run();
  REQUIRE(k.state() == ThreadState::kSuspended);
  k.reload();
  k.close(token);
  k.start(k.victim(), "thread_exit");
  k.reload();
  REQUIRE(k.state() == ThreadState::kDying);
  exception = k.take(debugger).exception;
  k.reload();
  k.close(exception);
  REQUIRE(k.state() == ThreadState::kDead);
  k.reload();
  REQUIRE(k.read_nothing(debugger) == Status::kPeerClosed);
}

TEST_CASE("a start that a debugger looks at comes through a snapshot") {
  ExceptionRig k;
  Handle inner = k.attach_debugger(k.inner_job);
  Child child = unstarted(k, k.inner_job);
  Handle debugger = k.attach_debugger(child.process);
  start(k, child);
  k.reload();
  k.close(k.take(inner).exception);
  k.reload();
  k.run();
  REQUIRE(k.take(debugger).info.type == ExceptionType::kThreadStarting);
}

}  // namespace jacinth::kernel
