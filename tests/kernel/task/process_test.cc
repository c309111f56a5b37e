// Processes: their states, their ends and return codes.
#include "kernel/task/process.h"

#include "kernel/abi/task.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

struct NewProcess {
  Ref<Process> process;
  Ref<Thread> thread;
  Handle process_handle;
  Handle thread_handle;
};

NewProcess unstarted(KernelRig& k) {
  NewProcess made;
  made.process = *Process::create(k.job(), "child");
  made.thread = make_object<Thread>(made.process, "t");
  made.process_handle = k.handle(made.process);
  made.thread_handle = k.handle(made.thread);
  return made;
}

constexpr GuestAddr kEntry{0x40'0000};
constexpr GuestAddr kStack{0x50'0000};

}  // namespace

TEST_CASE("process_create gives a process without threads and its root region", "[zx_process_create]") {
  KernelRig k;
  GuestAddr out = k.room(2 * sizeof(Handle));
  REQUIRE(k.call("process_create", k.handle(k.job()), k.user_text("new"), 3, 0, out, out + sizeof(Handle)) ==
          Status::kOk);
  Ref<Process> process = k.object<Process>(k.peek<Handle>(out, 0));
  REQUIRE(process->name() == "new");
  REQUIRE(process->process_state() == Process::State::kInitial);
  REQUIRE(process->related_koid() == k.job()->koid());
  REQUIRE(k.object<AddressRegion>(k.peek<Handle>(out, 1)) == process->memory().root());
  REQUIRE(k.process()->handles().find(k.peek<Handle>(out, 0))->rights == abi::default_rights(ObjectType::kProcess));
}

TEST_CASE("process_create checks options, policy, name, job and rights", "[zx_process_create]") {
  KernelRig k;
  GuestAddr out = k.room(2 * sizeof(Handle));
  GuestAddr name = k.user_text("p");
  Handle job = k.handle(k.job());
  size_t handles = k.process()->handles().size();
  auto create = [&](Handle parent, GuestAddr text, uint32_t options, GuestAddr vmar) {
    return k.call("process_create", parent, text, 1, options, out, vmar);
  };
  REQUIRE(create(job, name, 2, out + 4) == Status::kInvalidArgs);
  REQUIRE(create(job, GuestAddr(0), 0, out + 4) == Status::kInvalidArgs);
  REQUIRE(create(Handle{0}, name, 0, out + 4) == Status::kBadHandle);
  REQUIRE(create(job, name, 0, GuestAddr(0x10)) == Status::kInvalidArgs);
  REQUIRE(k.process()->handles().size() == handles);
  REQUIRE(k.job()->processes().size() == 1);
  REQUIRE(create(k.handle(k.process()), name, 0, out + 4) == Status::kWrongType);
  REQUIRE(create(k.handle(k.job(), Rights::kManageJob), name, 0, out + 4) == Status::kAccessDenied);
  REQUIRE(create(k.handle(k.job(), Rights::kWrite), name, 0, out + 4) == Status::kOk);
}

TEST_CASE("a policy can forbid new processes", "[zx_process_create]") {
  KernelRig k;
  Ref<Job> strict = *Job::create(k.job());
  std::array<abi::PolicyBasicV2, 1> deny{{{abi::PolicyCondition::kNewProcess, abi::PolicyAction::kDeny}}};
  REQUIRE(strict->set_basic_policy(abi::PolicyOption::kAbsolute, deny) == Status::kOk);
  Ref<Process> process = k.make_unstarted(strict);
  auto thread = make_object<Thread>(process, "t");
  REQUIRE(thread->start({}, true) == Status::kOk);
  GuestAddr out = k.room(2 * sizeof(Handle));
  REQUIRE(k.call_as(*thread, "process_create", Handle{0x13}, KernelRig::kMemory, 1, 0, out, out + 4) ==
          Status::kAccessDenied);
}

TEST_CASE("a process without page tables is none", "[zx_process_create]") {
  KernelRig k;
  GuestAddr out = k.room(2 * sizeof(Handle));
  Handle job = k.handle(k.job());
  GuestAddr name = k.user_text("p");
  k.kernel().vm().pmm().fail_after(0);
  REQUIRE(k.call("process_create", job, name, 1, 0, out, out + 4) == Status::kNoMemory);
  k.kernel().vm().pmm().never_fail();
  REQUIRE(k.job()->processes().size() == 1);
}

TEST_CASE("process_start moves its argument into the process and runs the thread from its entry",
          "[zx_process_start]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    KernelRig k(arch);
    NewProcess child = unstarted(k);
    Handle argument = k.handle(k.job());

    REQUIRE(k.call("process_start", child.process_handle, child.thread_handle, kEntry, kStack, argument, 0x77) ==
            Status::kOk);

    REQUIRE(k.process()->handles().find(argument) == nullptr);
    REQUIRE(child.process->handles().size() == 1);
    const Registers& r = child.thread->registers();
    REQUIRE(r.pc == kEntry.value);
    REQUIRE(stack_pointer(arch, r) == kStack.value);
    auto first = Handle{static_cast<uint32_t>(arch == Arch::kArm64 ? r.gpr[0] : r.gpr[kRdi])};
    REQUIRE(child.process->handles().find(first)->object == k.job());
    REQUIRE((arch == Arch::kArm64 ? r.gpr[1] : r.gpr[kRsi]) == 0x77);
    REQUIRE(contains(child.thread->signals(), Signals::kThreadRunning));
  }
}

TEST_CASE("process_start gives away a handle that it also works with", "[zx_process_start]") {
  for (bool thread : {false, true}) {
    KernelRig k;
    NewProcess n = unstarted(k);
    Handle given = thread ? n.thread_handle : n.process_handle;
    REQUIRE(k.call("process_start", n.process_handle, n.thread_handle, kEntry, kStack, given, 0) == Status::kOk);
    REQUIRE(k.process()->handles().find(given) == nullptr);
    REQUIRE(n.process->handles().size() == 1);
  }
}

TEST_CASE("process_start takes the argument away even when it fails", "[zx_process_start]") {
  KernelRig k;
  NewProcess child = unstarted(k);
  auto start = [&](Handle process, Handle thread, Handle argument, GuestAddr entry = kEntry) {
    return k.call("process_start", process, thread, entry, kStack, argument, 0);
  };

  for (auto [process, thread, expected] : {
           std::tuple(Handle{0}, child.thread_handle, Status::kBadHandle),
           std::tuple(child.thread_handle, child.thread_handle, Status::kWrongType),
           std::tuple(k.handle(child.process, Rights::kRead), child.thread_handle, Status::kAccessDenied),
           std::tuple(child.process_handle, k.handle(child.thread, Rights::kRead), Status::kAccessDenied),
           std::tuple(child.process_handle, k.handle(Ref<Object>(&k.main_thread())), Status::kAccessDenied),
           std::tuple(k.handle(k.process()), k.handle(Ref<Object>(&k.main_thread())), Status::kBadState),
       }) {
    Handle argument = k.handle(k.job());
    REQUIRE(start(process, thread, argument) == expected);
    REQUIRE(k.process()->handles().find(argument) == nullptr);
  }
  Handle argument = k.handle(k.job(), Rights::kRead);
  REQUIRE(start(child.process_handle, child.thread_handle, argument) == Status::kAccessDenied);
  REQUIRE(k.process()->handles().find(argument) == nullptr);
  REQUIRE(start(child.process_handle, child.thread_handle, Handle{0}, GuestAddr(uint64_t{1} << 63)) ==
          Status::kInvalidArgs);
  REQUIRE(child.process->handles().size() == 0);
  REQUIRE(child.process->process_state() == Process::State::kInitial);

  // A value that stands for nothing is as good as none.
  REQUIRE(start(child.process_handle, child.thread_handle, argument) == Status::kOk);
  REQUIRE(child.process->handles().size() == 0);
  REQUIRE(child.thread->registers().gpr[0] == 0);
}

TEST_CASE("a process ends with the code of the first exit, all its threads with it", "[zx_process_exit]") {
  KernelRig k;
  Ref<Process> process = k.make_process();
  Thread& other = k.make_thread(process);
  Ref<Thread> keep(&other);
  Thread& first = *process->threads().begin()->second;

  Made& exit = k.start(first, "process_exit", -5);

  REQUIRE_FALSE(exit.over);
  REQUIRE(process->dead());
  REQUIRE(process->return_code() == -5);
  REQUIRE(process->threads().empty());
  REQUIRE(keep->info_state() == abi::ThreadState::kDead);
  process->kill(9);
  REQUIRE(process->return_code() == -5);
}

TEST_CASE("the last thread to exit ends its process", "[zx_thread_exit]") {
  KernelRig k;
  Ref<Process> process = k.make_process();
  Thread& first = *process->threads().begin()->second;
  Thread& second = k.make_thread(process);

  k.start(first, "thread_exit");
  REQUIRE_FALSE(process->dead());
  k.start(second, "thread_exit");
  REQUIRE(process->dead());
  REQUIRE(process->return_code() == 0);
  REQUIRE(contains(process->signals(), Signals::kProcessTerminated));
}

TEST_CASE("what a dead process held is closed before it counts as terminated") {
  // A watcher of both hears of the handles first.
  KernelRig k;
  Ref<Process> process = k.make_process();
  Ref<Job> held = *Job::create(k.job());
  Koid koid = held->koid();
  k.handle(process, held, Rights::kNone);
  held = nullptr;

  struct Watch final : Observer {
    explicit Watch(KernelRig& rig) : k(rig) {}
    void on_signals(Signals signals, Signals) override {
      if (!contains(signals, Signals::kProcessTerminated)) return;
      ++told;
      held_was_gone = k.core().objects().find(watched) == nullptr;
    }
    void on_handle_closed() override {}
    KernelRig& k;
    Koid watched{};
    int told = 0;
    bool held_was_gone = false;
  } watch(k);
  watch.watched = koid;
  process->observers().add(*process, watch, 0);

  process->kill(1);
  k.kernel().settle();
  REQUIRE(watch.told == 1);
  REQUIRE(watch.held_was_gone);
  watch.unlink();
}

TEST_CASE("a process that was never started dies with its last handle") {
  KernelRig k;
  NewProcess child = unstarted(k);
  child.thread = nullptr;
  k.close(child.thread_handle);
  k.close(child.process_handle);
  REQUIRE(child.process->dead());
  REQUIRE(k.job()->processes().size() == 1);
}

TEST_CASE("a started process lives on without handles") {
  KernelRig k;
  Ref<Process> process = k.make_process();
  Koid koid = process->koid();
  k.close(k.handle(process));
  process = nullptr;
  k.kernel().settle();
  REQUIRE(k.core().objects().find(koid) != nullptr);
  REQUIRE(k.job()->processes().size() == 2);
}

TEST_CASE("killing a process ends its threads wherever they are", "[zx_task_kill]") {
  KernelRig k;
  Ref<Process> process = k.make_process();
  Ref<Thread> ready = process->threads().begin()->second;
  Ref<Thread> parked(&k.make_thread(process));
  Ref<Thread> suspended(&k.make_thread(process));
  k.start(*parked, "nanosleep", Time::never());
  REQUIRE(suspended->suspend() == Status::kOk);
  k.run();
  REQUIRE(suspended->info_state() == abi::ThreadState::kSuspended);

  REQUIRE(k.call("task_kill", k.handle(process)) == Status::kOk);
  for (const Ref<Thread>& thread : {ready, parked, suspended}) {
    REQUIRE(thread->info_state() == abi::ThreadState::kDead);
    REQUIRE(contains(thread->signals(), Signals::kThreadTerminated));
  }
  REQUIRE(process->return_code() == static_cast<int64_t>(abi::TaskRetcode::kSyscallKill));
}

TEST_CASE("task_kill needs DESTROY and takes no thread", "[zx_task_kill]") {
  KernelRig k;
  REQUIRE(k.call("task_kill", k.handle(Ref<Object>(&k.main_thread()))) == Status::kWrongType);
  REQUIRE(k.call("task_kill", k.handle(k.process(), Rights::kWrite)) == Status::kAccessDenied);
  REQUIRE(k.call("task_kill", Handle{0x1234}) == Status::kBadHandle);
}

TEST_CASE("a program of July 2020 kills single threads, and with the last of them the process", "[zx_task_kill]") {
  KernelRig k;
  k.core().vm().set_july_2020();
  Ref<Process> process = k.make_process();
  Ref<Thread> first = process->threads().begin()->second;
  Ref<Thread> second(&k.make_thread(process));
  Ref<Thread> fresh = make_object<Thread>(process, "fresh");
  k.start(*first, "nanosleep", Time::never());
  auto kill = [&](const Ref<Thread>& thread, Rights rights = Rights::kDestroy) {
    return k.call("task_kill", k.handle(Ref<Object>(thread), rights));
  };
  REQUIRE(kill(first, Rights::kWrite) == Status::kAccessDenied);

  // What was not started yet still can be.
  REQUIRE(kill(fresh) == Status::kOk);
  REQUIRE(fresh->info_state() == abi::ThreadState::kNew);

  REQUIRE(kill(first) == Status::kOk);
  REQUIRE(first->info_state() == abi::ThreadState::kDead);
  REQUIRE(contains(first->signals(), Signals::kThreadTerminated));
  REQUIRE(kill(first) == Status::kOk);
  REQUIRE_FALSE(process->dead());

  REQUIRE(second->suspend() == Status::kOk);
  k.run();
  REQUIRE(kill(second) == Status::kOk);
  REQUIRE(second->info_state() == abi::ThreadState::kDead);
  REQUIRE(process->dead());
  REQUIRE(process->return_code() == 0);
}

TEST_CASE("a thread of July 2020 that kills itself does not come back", "[zx_task_kill]") {
  KernelRig k;
  k.core().vm().set_july_2020();
  Ref<Process> process = k.make_process();
  Ref<Thread> first = process->threads().begin()->second;
  Ref<Thread> second(&k.make_thread(process));
  Made& kill = k.start(*first, "task_kill", k.handle(process, Ref<Object>(first), Rights::kDestroy));
  REQUIRE_FALSE(kill.over);
  REQUIRE(first->info_state() == abi::ThreadState::kDead);
  REQUIRE_FALSE(process->dead());
}

TEST_CASE("the debug address can be set once, after the linker's marks") {
  KernelRig k;
  REQUIRE(k.process()->set_debug_address(0) == Status::kInvalidArgs);
  REQUIRE(k.process()->set_debug_address(1) == Status::kOk);
  REQUIRE(k.process()->set_debug_address(0x1000) == Status::kOk);
  REQUIRE(k.process()->set_debug_address(0x2000) == Status::kAccessDenied);
  REQUIRE(k.process()->debug_address() == 0x1000);
}

TEST_CASE("a bad handle meets the job's policy", "[zx_task_kill]") {
  KernelRig k;
  Ref<Job> strict = *Job::create(k.job());
  std::array<abi::PolicyBasicV2, 1> kill{{{abi::PolicyCondition::kBadHandle, abi::PolicyAction::kKill}}};
  REQUIRE(strict->set_basic_policy(abi::PolicyOption::kAbsolute, kill) == Status::kOk);
  Ref<Process> process = *Process::create(strict, "strict");
  auto thread = make_object<Thread>(process, "t");
  REQUIRE(thread->start({}, true) == Status::kOk);

  k.start(*thread, "task_kill", Handle{0x1237});
  REQUIRE(process->dead());
  REQUIRE(process->return_code() == static_cast<int64_t>(abi::TaskRetcode::kPolicyKill));
}

TEST_CASE("a policy exception that nobody handles ends the process", "[zx_task_kill]") {
  KernelRig k;
  Ref<Job> strict = *Job::create(k.job());
  std::array<abi::PolicyBasicV2, 1> raise{{{abi::PolicyCondition::kBadHandle, abi::PolicyAction::kAllowException}}};
  REQUIRE(strict->set_basic_policy(abi::PolicyOption::kAbsolute, raise) == Status::kOk);
  Ref<Process> process = *Process::create(strict, "strict");
  auto thread = make_object<Thread>(process, "t");
  REQUIRE(thread->start({}, true) == Status::kOk);

  k.start(*thread, "task_kill", Handle{0x1237});
  k.run();
  REQUIRE(process->dead());
  REQUIRE(process->return_code() == static_cast<int64_t>(abi::TaskRetcode::kExceptionKill));
}

}  // namespace jacinth::kernel
