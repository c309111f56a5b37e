// The table of calls, and how a trap finds its handler.
#include "kernel/syscalls/kernel.h"

#include <set>
#include <vector>

#include "kernel/abi/task.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

/// Writes down what it hears.
struct Listener final : KernelObserver {
  void call_entered(Thread&, const Trap&) override { heard.emplace_back("entered"); }
  void call_parked(Thread&, const Trap&) override { heard.emplace_back("parked"); }
  void call_resumed(Thread&, const Trap&) override { heard.emplace_back("resumed"); }
  void call_left(Thread&, const Trap&, int64_t result) override { heard.push_back("left " + std::to_string(result)); }
  void call_abandoned(Thread&, const Trap&) override { heard.emplace_back("abandoned"); }
  void exception(Thread&, const Exception&) override { heard.emplace_back("exception"); }
  void crashed(Thread&, const Exception& e) override {
    heard.emplace_back("crashed");
    crash = e;
  }
  void process_exited(Process&) override { heard.emplace_back("process exited"); }
  void thread_exited(Thread&) override { heard.emplace_back("thread exited"); }

  using Heard = std::vector<std::string>;
  Heard heard;
  std::optional<Exception> crash;
};

}  // namespace

TEST_CASE("every call of the ABI has one row, with a sentence") {
  REQUIRE(syscall_table().size() == abi::syscalls().size());
  for (const TableEntry& entry : syscall_table()) {
    CAPTURE(entry.info->name);
    REQUIRE_FALSE(entry.row->sentence.empty());
    REQUIRE(entry.row->sentence.back() == '.');
    // A call that traps has a handler, one that does not has none.
    REQUIRE((entry.row->handler != nullptr) == (entry.info->number >= 0));
    if (entry.info->number >= 0) {
      REQUIRE((entry.row->handler == unsupported) == (entry.row->support == Support::kAbsent));
    }
  }
}

TEST_CASE("an absent call gives its error, is named once and counted") {
  KernelRig k;
  std::vector<UnsupportedUse> told;
  k.kernel().unsupported().set_hook([&](Thread& thread, const UnsupportedUse& use) {
    REQUIRE(&thread == &k.main_thread());
    told.push_back(use);
    return false;
  });
  for (int i = 0; i < 3; ++i) REQUIRE(k.call("guest_create", 0x11 + i, 2, 3, 4) == Status::kNotSupported);
  REQUIRE(k.call("pci_init", 0, 0, 0) == Status::kNotSupported);

  REQUIRE(told.size() == 2);
  REQUIRE(told[0].call == "zx_guest_create");
  REQUIRE(told[0].trap.arguments[0] == 0x11);
  REQUIRE(told[0].status == Status::kNotSupported);
  const auto& uses = k.kernel().unsupported().uses();
  REQUIRE(uses.at({"zx_guest_create", ""}).count == 3);
  REQUIRE(uses.at({"zx_pci_init", ""}).count == 1);
  REQUIRE_FALSE(k.kernel().outcome().has_value());
}

TEST_CASE("the policy can stop the machine at what we lack") {
  KernelRig k;
  k.kernel().unsupported().set_hook([](Thread&, const UnsupportedUse&) { return true; });
  REQUIRE(k.call("guest_create", 1, 2, 3, 4) == Status::kNotSupported);
  REQUIRE(k.kernel().outcome()->kind == Outcome::Kind::kUnsupported);
  REQUIRE(k.kernel().schedule(0) == nullptr);
}

TEST_CASE("a number that no call has is a bad system call") {
  KernelRig k;
  Listener listener;
  k.kernel().tasks().add_observer(listener);
  k.trap(k.main_thread(), 5000, {});
  k.kernel().schedule(0);
  REQUIRE(k.process()->dead());
  REQUIRE(k.process()->return_code() == static_cast<int64_t>(abi::TaskRetcode::kExceptionKill));
  REQUIRE(listener.crash->type == abi::ExceptionType::kPolicyError);
  REQUIRE(listener.crash->synth_code == static_cast<uint32_t>(abi::ExceptionPolicyCode::kBadSyscall));
  REQUIRE(listener.crash->synth_data == 5000);
  k.kernel().tasks().remove_observer(listener);
}

TEST_CASE("the run is over when the initial process is dead") {
  KernelRig k;
  k.kernel().set_initial_process(k.process());
  Ref<Process> other = k.make_process();
  k.start(*other->threads().begin()->second, "process_exit", 1);
  REQUIRE_FALSE(k.kernel().outcome().has_value());
  k.start(k.main_thread(), "process_exit", 42);
  REQUIRE(k.kernel().outcome()->kind == Outcome::Kind::kExited);
  REQUIRE(k.kernel().outcome()->return_code == 42);
  REQUIRE(k.kernel().schedule(0) == nullptr);
}

TEST_CASE("who waits on what can be told when nothing runs") {
  KernelRig k;
  k.start(k.main_thread(), "nanosleep", Time::never());
  REQUIRE(k.kernel().schedule(0) == nullptr);
  REQUIRE(k.core().next_deadline() == Time::never());
  std::vector<Thread*> blocked = k.kernel().blocked_threads();
  REQUIRE(blocked == std::vector<Thread*>{&k.main_thread()});
  REQUIRE(blocked[0]->wait().reason == BlockReason::kSleeping);
  REQUIRE(blocked[0]->call().trap.number == KernelRig::number("nanosleep"));
}

TEST_CASE("an exception that nobody handles kills the process, and is told before") {
  KernelRig k;
  Listener listener;
  k.kernel().tasks().add_observer(listener);
  k.kernel().schedule(0);
  ExceptionInfo fault{.kind = ExceptionInfo::Kind::kPageFault, .pc = GuestAddr(0x1000), .address = GuestAddr(0xdead)};
  REQUIRE(k.kernel().page_fault_stop(0, fault) == Next::kSwitch);
  REQUIRE(k.process()->dead());
  REQUIRE(k.process()->return_code() == static_cast<int64_t>(abi::TaskRetcode::kExceptionKill));
  REQUIRE(listener.heard == Listener::Heard{"exception", "crashed", "thread exited", "process exited"});
  REQUIRE(listener.crash->type == abi::ExceptionType::kFatalPageFault);
  REQUIRE(listener.crash->cause.address == GuestAddr(0xdead));
  k.kernel().tasks().remove_observer(listener);
}

TEST_CASE("an observer hears of calls from entry to end") {
  KernelRig k;
  Listener listener;
  k.kernel().tasks().add_observer(listener);
  REQUIRE(k.call("syscall_test_1", 9) == Status{9});
  k.start(k.main_thread(), "nanosleep", Time{10});
  k.advance_to(Time{10});
  k.start(k.main_thread(), "thread_exit");
  REQUIRE(listener.heard == Listener::Heard{"entered", "left 9", "entered", "parked", "resumed", "left 0", "entered",
                                            "abandoned", "thread exited", "process exited"});
  k.kernel().tasks().remove_observer(listener);
}

TEST_CASE("calls from anywhere but the vDSO are refused") {
  FakePlatform platform;
  Kernel kernel(platform, {});
  Ref<Process> process = *Process::create(kernel.root_job(), "p");
  auto thread = make_object<Thread>(process, "t");
  REQUIRE(thread->start({}, true) == Status::kOk);
  REQUIRE(kernel.schedule(0) == &thread->context());

  int64_t result = 0;
  Trap trap{.number = KernelRig::number("syscall_test_0"), .return_address = GuestAddr(0x1234)};
  REQUIRE(kernel.system_call(0, trap, result) == Next::kSwitch);
  REQUIRE(result == abi::raw(Status::kBadSyscall));
  kernel.schedule(0);
  REQUIRE(process->dead());
}

}  // namespace jacinth::kernel
