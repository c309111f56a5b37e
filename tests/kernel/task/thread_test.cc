// Threads: start, suspension, ends, and what they wait on.
#include "kernel/task/thread.h"

#include "kernel/task/suspend_token.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

constexpr GuestAddr kEntry{0x40'0000};
constexpr GuestAddr kStack{0x50'0000};

Handle thread_create(KernelRig& k) {
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("thread_create", k.handle(k.process()), k.user_text("worker"), 6, 0, out) == Status::kOk);
  return k.peek<Handle>(out);
}

}  // namespace

TEST_CASE("a thread runs from its entry with both arguments", "[zx_thread_create][zx_thread_start]") {
  KernelRig k;
  Handle handle = thread_create(k);
  Ref<Thread> thread = k.object<Thread>(handle);
  REQUIRE(thread->name() == "worker");
  REQUIRE(thread->info_state() == abi::ThreadState::kNew);
  REQUIRE(thread->signals() == Signals::kNone);
  REQUIRE(thread->related_koid() == k.process()->koid());

  REQUIRE(k.call("thread_start", handle, kEntry, kStack, 11, 22) == Status::kOk);
  REQUIRE(thread->info_state() == abi::ThreadState::kRunning);
  REQUIRE(thread->signals() == Signals::kThreadRunning);
  const Registers& r = thread->registers();
  REQUIRE(r.pc == kEntry.value);
  REQUIRE(r.sp == kStack.value);
  REQUIRE(r.gpr[0] == 11);
  REQUIRE(r.gpr[1] == 22);
  for (size_t i = 2; i < r.gpr.size(); ++i) REQUIRE(r.gpr[i] == 0);

  REQUIRE(k.call("thread_start", handle, kEntry, kStack, 0, 0) == Status::kBadState);
}

TEST_CASE("a new thread of x86-64 finds flags and floating point as after reset", "[zx_thread_start]") {
  KernelRig k(Arch::kX86_64);
  Handle handle = thread_create(k);
  REQUIRE(k.call("thread_start", handle, kEntry, kStack, 0, 0) == Status::kOk);
  const Registers& r = k.object<Thread>(handle)->registers();
  REQUIRE(r.flags == 0x202);
  REQUIRE(r.fpcr == 0x1f80);
  REQUIRE(r.x87_control == 0x37f);
}

TEST_CASE("thread_start cannot start the first thread of a process", "[zx_thread_start]") {
  KernelRig k;
  Ref<Process> process = *Process::create(k.job(), "p");
  Handle thread = k.handle(make_object<Thread>(process, "t"));
  REQUIRE(k.call("thread_start", thread, kEntry, kStack, 0, 0) == Status::kBadState);
}

TEST_CASE("a thread begins only at an address that guests have", "[zx_thread_start]") {
  for (auto [arch, top] : {std::pair(Arch::kArm64, uint64_t{1} << 48), std::pair(Arch::kX86_64, uint64_t{1} << 47)}) {
    KernelRig k(arch);
    Handle handle = thread_create(k);
    for (uint64_t entry : {top, top + 1, uint64_t{1} << 63, ~uint64_t{0}}) {
      REQUIRE(k.call("thread_start", handle, GuestAddr(entry), kStack, 0, 0) == Status::kInvalidArgs);
    }
    REQUIRE(k.call("thread_start", handle, GuestAddr(top / 2), GuestAddr(~uint64_t{0}), 0, 0) == Status::kOk);
  }
}

TEST_CASE("thread_create checks options, name, process and rights", "[zx_thread_create]") {
  KernelRig k;
  GuestAddr out = k.room(sizeof(Handle));
  GuestAddr name = k.user_text("t");
  Handle process = k.handle(k.process());
  REQUIRE(k.call("thread_create", process, name, 1, 1, out) == Status::kInvalidArgs);
  REQUIRE(k.call("thread_create", process, GuestAddr(0), 1, 0, out) == Status::kInvalidArgs);
  REQUIRE(k.call("thread_create", process, GuestAddr(0x10), 1, 0, out) == Status::kInvalidArgs);
  REQUIRE(k.call("thread_create", k.handle(k.job()), name, 1, 0, out) == Status::kWrongType);
  REQUIRE(k.call("thread_create", k.handle(k.process(), Rights::kWrite), name, 1, 0, out) == Status::kAccessDenied);
  REQUIRE(k.call("thread_create", process, k.user_text(std::string(100, 'n')), 100, 0, out) == Status::kOk);
  REQUIRE(k.object<Thread>(k.peek<Handle>(out))->name() == std::string(31, 'n'));
}

TEST_CASE("threads made beyond number cost only what is there", "[zx_thread_create]") {
  KernelRig k;
  std::vector<Handle> handles;
  for (int i = 0; i < 2000; ++i) handles.push_back(k.handle(make_object<Thread>(k.process(), "t")));
  for (Handle handle : handles) k.close(handle);
  REQUIRE(k.process()->threads().size() == 1);
}

// --- suspension ---

TEST_CASE("a suspended thread stops until its last token is closed", "[zx_task_suspend]") {
  KernelRig k;
  Thread& thread = k.thread();
  Handle handle = k.handle(Ref<Object>(&thread));
  GuestAddr out = k.room(2 * sizeof(Handle));
  REQUIRE(k.call("task_suspend", handle, out) == Status::kOk);
  REQUIRE(k.call("task_suspend_token", handle, out + sizeof(Handle)) == Status::kOk);
  k.run();
  REQUIRE(thread.info_state() == abi::ThreadState::kSuspended);
  REQUIRE(thread.signals() == Signals::kThreadSuspended);

  k.close(k.peek<Handle>(out, 0));
  k.run();
  REQUIRE(thread.info_state() == abi::ThreadState::kSuspended);
  k.close(k.peek<Handle>(out, 1));
  k.run();
  REQUIRE(thread.info_state() == abi::ThreadState::kRunning);
  REQUIRE(thread.signals() == Signals::kThreadRunning);
}

TEST_CASE("a call that waits is broken off by suspension, to be made again", "[zx_task_suspend]") {
  KernelRig k;
  Thread& thread = k.thread();
  Made& sleep = k.start(thread, "nanosleep", Time{1000});
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("task_suspend", k.handle(Ref<Object>(&thread)), out) == Status::kOk);
  k.run();
  REQUIRE(thread.info_state() == abi::ThreadState::kSuspended);
  REQUIRE(thread.registers().gpr[0] == static_cast<uint64_t>(int64_t{abi::raw(Status::kInterruptedRetry)}));

  // Its old deadline means nothing any more.
  k.advance_to(Time{1000});
  REQUIRE(thread.info_state() == abi::ThreadState::kSuspended);
  k.close(k.peek<Handle>(out));
  REQUIRE(sleep.status() == Status::kInterruptedRetry);
  REQUIRE(thread.info_state() == abi::ThreadState::kRunning);
}

TEST_CASE("a thread that is suspended before it starts never gets to run", "[zx_task_suspend]") {
  KernelRig k;
  Handle handle = thread_create(k);
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("task_suspend", handle, out) == Status::kOk);
  REQUIRE(k.call("thread_start", handle, kEntry, kStack, 0, 0) == Status::kOk);
  REQUIRE(k.object<Thread>(handle)->signals() == Signals::kThreadRunning);
  k.run();
  REQUIRE(k.object<Thread>(handle)->info_state() == abi::ThreadState::kSuspended);
  k.close(k.peek<Handle>(out));
  REQUIRE(k.object<Thread>(handle)->info_state() == abi::ThreadState::kRunning);
}

TEST_CASE("suspending a process suspends the threads it has and those it gets", "[zx_task_suspend]") {
  KernelRig k;
  Ref<Process> process = k.make_process();
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("task_suspend", k.handle(process), out) == Status::kOk);
  Thread& late = k.make_thread(process);
  k.run();
  for (auto& [order, thread] : process->threads()) REQUIRE(thread->info_state() == abi::ThreadState::kSuspended);
  k.close(k.peek<Handle>(out));
  REQUIRE(late.info_state() == abi::ThreadState::kRunning);
}

TEST_CASE("nobody suspends itself, its own process, a job or the dead", "[zx_task_suspend]") {
  KernelRig k;
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("task_suspend", k.handle(Ref<Object>(&k.main_thread())), out) == Status::kNotSupported);
  REQUIRE(k.call("task_suspend", k.handle(k.process()), out) == Status::kNotSupported);
  REQUIRE(k.call("task_suspend", k.handle(k.job()), out) == Status::kWrongType);
  REQUIRE(k.call("task_suspend", k.handle(k.process(), Rights::kRead), out) == Status::kAccessDenied);
  Ref<Process> dead = k.make_process();
  Handle thread = k.handle(Ref<Object>(dead->threads().begin()->second));
  dead->kill(0);
  k.kernel().settle();
  REQUIRE(k.call("task_suspend", k.handle(dead), out) == Status::kBadState);
  REQUIRE(k.call("task_suspend", thread, out) == Status::kBadState);
}

}  // namespace jacinth::kernel
