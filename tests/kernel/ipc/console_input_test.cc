// What is typed at the serial console arrives byte by byte, in virtual time.
#include "kernel/ipc/console_input.h"

#include "kernel/abi/resource.h"
#include "kernel/hw/resource.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

constexpr Duration kByte = ConsoleInput::kByteTime;

struct Rig : IpcRig {
  explicit Rig(Options options = {}) : IpcRig(Arch::kArm64, std::move(options)) {}
  Handle debug = handle(Resource::create_ranged_root(core(), abi::ResourceKind::kSystem, "all"));
  GuestAddr buffer = room(64);
  GuestAddr actual = room(8);

  ConsoleInput& input() { return kernel().console_input(); }
  Made& read(size_t size = 64) { return start(main_thread(), "debug_read", debug, buffer, size, actual); }
  std::string text() {
    std::string text(peek<uint64_t>(actual), '\0');
    REQUIRE(process()->memory().read(buffer, std::as_writable_bytes(std::span(text))) == Status::kOk);
    return text;
  }
  std::string now_read(size_t size = 64) {
    REQUIRE(read(size).status() == Status::kOk);
    return text();
  }
};

}  // namespace

TEST_CASE("a byte of console input arrives when the line has carried it") {
  ConsoleInput input;
  input.feed(Time{1000}, "abc");
  input.feed(Time{0}, "de");  // The line is busy.
  REQUIRE(input.next() == Time{1000});
  REQUIRE(input.arrived(Time{999}, 9).empty());
  REQUIRE(input.arrived(Time{1000}, 9) == "a");
  REQUIRE(input.arrived(Time{1000} + kByte, 9) == "ab");
  REQUIRE(input.arrived(Time{1000} + kByte, 1) == "a");
  input.drop(2);
  REQUIRE(input.next() == Time{1000} + Duration{2 * kByte.ns});
  input.drop(1);
  REQUIRE(input.next() == Time{1000} + Duration{3 * kByte.ns});
  REQUIRE(input.arrived(Time{1'000'000'000}, 9) == "de");
  input.drop(2);
  REQUIRE(input.next() == Time::never());
  // After a pause the line is free.
  input.feed(Time{2'000'000'000}, "f");
  REQUIRE(input.next() == Time{2'000'000'000});
}

TEST_CASE("debug_read waits for the first byte and takes what else is there", "[zx_debug_read]") {
  Rig k;
  k.input().feed(Time{5000}, "one\rtwo");
  Made& first = k.read();
  REQUIRE(first.status() == Status::kParked);
  k.advance_to(Time{4999});
  REQUIRE(first.status() == Status::kParked);
  k.advance_to(Time{5000});
  REQUIRE(first.status() == Status::kOk);
  REQUIRE(k.text() == "o");
  k.advance_to(Time{5000} + Duration{6 * kByte.ns});
  REQUIRE(k.now_read(2) == "ne");
  REQUIRE(k.now_read() == "\ntwo");  // Return is a line feed.
  REQUIRE(k.now_read(0).empty());
}

TEST_CASE("the job's timer slack does not hold a byte back", "[zx_debug_read]") {
  Rig k;
  abi::PolicyTimerSlack slack = {.min_slack = Duration{1'000'000}, .default_mode = abi::TimerSlack::kLate};
  Handle job = k.make("job_create", k.handle(k.job()), 0);
  REQUIRE(k.call("job_set_policy", job, abi::PolicyOption::kRelative, abi::PolicyTopic::kTimerSlack, k.user(slack),
                 1) == Status::kOk);
  Ref<Process> other = k.make_process(k.object<Job>(job), "slack");
  Handle theirs = k.handle(other, k.object<Object>(k.debug), Rights::kNone);
  k.input().feed(Time{5000}, "x");
  Made& read =
      k.start(*other->threads().begin()->second, "debug_read", theirs, KernelRig::kMemory, 1, KernelRig::kMemory + 8);
  k.core().arm(Time{5001}, *other);  // What slack would join it to.
  k.advance_to(Time{5000});
  REQUIRE(read.status() == Status::kOk);
}

TEST_CASE("a reader sleeps on when nothing is on its way, and wakes for more", "[zx_debug_read]") {
  Rig k;
  Made& read = k.read();
  REQUIRE(k.main_thread().info_state() == abi::ThreadState::kBlocked);
  k.advance_to(Time{1'000'000});
  REQUIRE(read.status() == Status::kParked);
  k.input().feed(Time{2'000'000}, "late");
  k.run();
  REQUIRE(read.status() == Status::kParked);
  k.advance_to(Time{2'000'000});
  REQUIRE(read.status() == Status::kOk);
  REQUIRE(k.text() == "l");
}

TEST_CASE("debug_read needs the resource, and a kernel that has serial calls on", "[zx_debug_read]") {
  Rig k;
  k.input().feed(Time{0}, "abc");
  auto status = [&](Handle resource, GuestAddr buffer, GuestAddr actual) {
    return k.call("debug_read", resource, buffer, 8, actual);
  };
  REQUIRE(status(Rig::kBad, k.buffer, k.actual) == Status::kBadHandle);
  REQUIRE(status(k.event(), k.buffer, k.actual) == Status::kWrongType);
  REQUIRE(status(k.handle(Resource::create_ranged_root(k.core(), abi::ResourceKind::kIrq, "irq")), k.buffer,
                 k.actual) == Status::kWrongType);
  // The byte that could not be stored is gone.
  k.advance_to(Time{1'000'000});
  REQUIRE(status(k.debug, Rig::kNowhere, k.actual) == Status::kInvalidArgs);
  REQUIRE(k.now_read() == "bc");
  for (const char* off : {"false", "output-only"}) {
    Rig silent(Options{{"kernel.enable-serial-syscalls", off}});
    REQUIRE(silent.read().status() == Status::kNotSupported);
  }
}

TEST_CASE("a reader that is killed or suspended leaves the input as it was", "[zx_debug_read]") {
  Rig k;
  Ref<Process> other = k.make_process("reader");
  Thread& thread = *other->threads().begin()->second;
  Handle theirs = k.handle(other, k.object<Object>(k.debug), Rights::kNone);
  k.input().feed(Time{5000}, "x");
  k.start(thread, "debug_read", theirs, KernelRig::kMemory, 1, KernelRig::kMemory + 8);
  REQUIRE(k.call("task_kill", k.handle(other)) == Status::kOk);
  k.advance_to(Time{6000});
  REQUIRE(k.now_read() == "x");
}

TEST_CASE("console input comes through a snapshot", "[zx_debug_read]") {
  Rig k;
  k.input().feed(Time{5000}, "abc");
  Made& read = k.read();
  k.reload();
  k.advance_to(Time{5000} + kByte);
  REQUIRE(read.status() == Status::kOk);
  REQUIRE(k.text() == "ab");
  k.reload();
  k.advance_to(Time{1'000'000});
  REQUIRE(k.now_read() == "c");
}

}  // namespace jacinth::kernel
