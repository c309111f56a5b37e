// Calls that are not made, and have results that were asked for.
#include "kernel/syscalls/injection.h"

#include "kernel/inspect/strace.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

Injection injection(std::string_view call, Status error) {
  return {.number = KernelRig::number(call), .result = abi::raw(error)};
}

struct InjectingRig : KernelRig {
  explicit InjectingRig(Injection what) : KernelRig(Arch::kArm64, {}, {what}) {}

  /// What a thread's next calls return, each a call that succeeds when it is made.
  std::vector<Status> calls(Thread& thread, size_t count) {
    std::vector<Status> results;
    for (size_t i = 0; i < count; ++i) results.push_back(call_as(thread, "event_create", 0, room(4)));
    return results;
  }
  const Injector::Chosen& chosen() { return kernel().injector()->chosen().begin()->second; }
};

constexpr Status kOk = Status::kOk;
constexpr Status kPut = Status::kNoMemory;
using Results = std::vector<Status>;

}  // namespace

TEST_CASE("whose turn it is: from the first, every so many, up to the last") {
  auto turns = [](Injection what) {
    std::string text;
    for (uint64_t nth = 1; nth <= 9; ++nth) text += what.takes(nth) ? 'x' : '.';
    return text;
  };
  REQUIRE(turns({}) == "xxxxxxxxx");
  REQUIRE(turns({.first = 3}) == "..xxxxxxx");
  REQUIRE(turns({.first = 3, .last = 3}) == "..x......");
  REQUIRE(turns({.first = 3, .last = 5}) == "..xxx....");
  REQUIRE(turns({.first = 2, .step = 3}) == ".x..x..x.");
  REQUIRE(turns({.first = 2, .last = 7, .step = 3}) == ".x..x....");
  REQUIRE(turns({.first = 1, .last = 1, .step = 9}) == "x........");
}

TEST_CASE("an injected call is not made, and writes nothing") {
  InjectingRig k(injection("event_create", kPut));
  GuestAddr out = k.room(4);
  k.poke(out, uint32_t{0x1234});
  size_t handles = k.process()->handles().size();

  REQUIRE(k.call("event_create", 0, out) == kPut);

  REQUIRE(k.peek<uint32_t>(out) == 0x1234);
  REQUIRE(k.process()->handles().size() == handles);
  // Other calls are their own.
  REQUIRE(k.call("eventpair_create", 0, k.room(4), k.room(4)) == kOk);
}

TEST_CASE("any number can be a result, all 64 bits of it") {
  InjectingRig k({.number = KernelRig::number("ticks_get_via_kernel"), .result = 0x1234'5678'9abc'def0});
  REQUIRE(k.value("ticks_get_via_kernel") == 0x1234'5678'9abc'def0);
}

TEST_CASE("each thread has a count of its own") {
  Injection what = injection("event_create", kPut);
  what.first = 2;
  what.last = 2;
  InjectingRig k(what);
  Thread& other = k.thread();
  REQUIRE(k.calls(k.main_thread(), 3) == Results{kOk, kPut, kOk});
  REQUIRE(k.calls(other, 3) == Results{kOk, kPut, kOk});
  REQUIRE(k.chosen().made == 6);
  REQUIRE(k.chosen().injected == 2);
}

TEST_CASE("a call that waits counts once") {
  Injection what = injection("nanosleep", Status::kCanceled);
  what.first = 2;
  InjectingRig k(what);
  Made& made = k.start(k.main_thread(), "nanosleep", Time{100});
  REQUIRE_FALSE(made.over);
  k.advance_to(Time{100});
  REQUIRE(made.status() == kOk);
  REQUIRE(k.chosen().made == 1);
  REQUIRE(k.call("nanosleep", Time{1'000'000}) == Status::kCanceled);
}

TEST_CASE("counts are saved and loaded, and a digest has them") {
  Injection what = injection("event_create", kPut);
  what.first = 3;
  what.step = 2;
  InjectingRig k(what);
  Digest before = k.digest();
  REQUIRE(k.calls(k.main_thread(), 2) == Results{kOk, kOk});
  REQUIRE(k.digest() != before);
  k.reload();
  REQUIRE(k.calls(k.main_thread(), 3) == Results{kPut, kOk, kPut});
  REQUIRE(k.chosen().made == 5);
  REQUIRE(k.chosen().injected == 2);
}

TEST_CASE("a thread that ended leaves no count behind") {
  InjectingRig k(injection("event_create", kPut));
  Ref<Process> other = k.make_process();
  Thread& thread = *other->threads().begin()->second;
  k.calls(thread, 1);
  REQUIRE(k.chosen().by_thread.size() == 1);
  k.start(thread, "process_exit", 0);
  REQUIRE(k.chosen().by_thread.empty());
  REQUIRE(k.chosen().made == 1);
}

TEST_CASE("a trace says which results were put in, and shows no results of those calls") {
  struct Lines final : LineSink {
    void line(std::string_view text) override { last = text; }
    std::string last;
  };
  Injection what = injection("event_create", kOk);
  what.last = 1;
  InjectingRig k(what);
  Lines lines;
  Strace strace(k.core(), lines, {});
  GuestAddr out = k.room(4);
  REQUIRE(k.call("event_create", 0, out) == kOk);
  REQUIRE(lines.last.find(fmt::format("zx_event_create(options=0, out={:#x}) = ZX_OK (INJECTED) <", out.value)) !=
          std::string::npos);
  REQUIRE(k.call("event_create", 0, out) == kOk);
  REQUIRE(lines.last.find("INJECTED") == std::string::npos);
  REQUIRE(lines.last.find("<event:") != std::string::npos);
}

}  // namespace jacinth::kernel
