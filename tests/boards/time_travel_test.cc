// Debugging a run forwards and backwards: what is met on the way there is met on the way back, and looking at a run
// does not change it.
#include "emu/debug/time_travel.h"

#include <algorithm>

#include "kernel/inspect/debug_events.h"
#include "kernel/inspect/debug_target.h"
#include "tests/support/guest_run.h"
#include "tests/support/test.h"

namespace jacinth::boards {
namespace {

using emu::DebugStop;
using Reason = emu::DebugStop::Reason;

constexpr Arch kBoth[] = {Arch::kArm64, Arch::kX86_64};

/// A program that somebody debugs.
struct Debugged {
  explicit Debugged(const GuestOptions& options, emu::TimeTravelOptions travel = {.checkpoint_gap = 20'000})
      : run(options),
        target(run.system().kernel()),
        events(run.system().kernel()),
        time(run.system(), target, events, travel) {}

  DebugStop go() { return time.resume({}); }
  DebugStop back() { return time.resume({.backwards = true}); }
  DebugStop step(uint64_t thread) { return time.resume({.step_thread = thread}); }
  DebugStop step_back(uint64_t thread) { return time.resume({.backwards = true, .step_thread = thread}); }
  uint64_t pc(uint64_t thread) { return target.registers(thread)->pc; }
  std::string digest() { return run.system().digest().text(); }

  GuestRun run;
  kernel::DebugTarget target;
  kernel::DebugEvents events;
  emu::TimeTravel time;
};

/// A stop, and everything that the machine is at it.
struct Seen {
  Reason reason = Reason::kStepped;
  emu::TaskId who;
  emu::Position position;
  uint64_t pc = 0;
  uint64_t call = 0;
  std::string digest;
  bool operator==(const Seen&) const = default;
};

Seen seen(Debugged& debugged, const DebugStop& stop) {
  Seen result{.reason = stop.reason, .who = stop.who, .position = debugged.time.position(), .call = stop.call};
  if (auto registers = debugged.target.registers(stop.who.thread)) result.pc = registers->pc;
  result.digest = debugged.digest();
  return result;
}

std::string straight_digest(const GuestOptions& options) {
  GuestRun straight(options);
  REQUIRE(straight.run() == emu::RunEnd::kStopped);
  return straight.system().digest().text();
}

TEST_CASE("every call that is stopped at on the way there is stopped at on the way back", "[time_travel]") {
  for (Arch arch : kBoth) {
    for (const char* name : {"threads", "channels", "processes", "faults"}) {
      INFO(arch_name(arch) << " " << name);
      GuestOptions options{.arch = arch, .name = name};
      std::string expected = straight_digest(options);
      Debugged debugged(options);
      debugged.time.catch_calls({{}});
      std::vector<Seen> there;
      DebugStop stop = debugged.go();
      while (stop.reason != Reason::kEnded && there.size() < 400) {
        there.push_back(seen(debugged, stop));
        stop = debugged.go();
      }
      REQUIRE(there.size() > 50);
      if (stop.reason == Reason::kEnded) REQUIRE(debugged.digest() == expected);

      for (auto expected_stop = there.rbegin(); expected_stop != there.rend(); ++expected_stop) {
        stop = debugged.back();
        Seen now = seen(debugged, stop);
        REQUIRE(now.position.code_bytes == expected_stop->position.code_bytes);
        REQUIRE(now.reason == expected_stop->reason);
        REQUIRE(now.who == expected_stop->who);
        REQUIRE(now.call == expected_stop->call);
        REQUIRE(now.pc == expected_stop->pc);
      }
      REQUIRE(debugged.back().reason == Reason::kHistoryBegin);

      debugged.time.catch_calls({});
      REQUIRE(debugged.go().reason == Reason::kEnded);
      REQUIRE(debugged.digest() == expected);
    }
  }
}

TEST_CASE("steps there are steps back", "[time_travel]") {
  for (Arch arch : kBoth) {
    for (const char* name : {"threads", "channels"}) {
      INFO(arch_name(arch) << " " << name);
      GuestOptions options{.arch = arch, .name = name};
      std::string expected = straight_digest(options);
      Debugged debugged(options);
      debugged.time.catch_calls({{.before = false}});
      DebugStop stop = debugged.go();
      for (int i = 0; i < 20; ++i) stop = debugged.go();
      debugged.time.catch_calls({});
      uint64_t thread = stop.who.thread;
      std::vector<uint64_t> pcs = {debugged.pc(thread)};
      std::vector<uint64_t> places = {debugged.time.position().code_bytes};
      for (int i = 0; i < 120; ++i) {
        stop = debugged.step(thread);
        REQUIRE(stop.reason == Reason::kStepped);
        REQUIRE(stop.who.thread == thread);
        pcs.push_back(debugged.pc(thread));
        places.push_back(debugged.time.position().code_bytes);
      }
      for (size_t i = pcs.size() - 1; i-- > 0;) {
        stop = debugged.step_back(thread);
        REQUIRE(stop.reason == Reason::kStepped);
        REQUIRE(stop.who.thread == thread);
        REQUIRE(debugged.pc(thread) == pcs[i]);
        REQUIRE(debugged.time.position().code_bytes <= places[i]);
      }
      REQUIRE(debugged.go().reason == Reason::kEnded);
      REQUIRE(debugged.digest() == expected);
    }
  }
}

TEST_CASE("a watched place stops everything that writes there, forwards and backwards, the kernel too",
          "[time_travel]") {
  for (Arch arch : kBoth) {
    INFO(arch_name(arch));
    GuestOptions options{.arch = arch, .name = "channels"};
    std::string expected = straight_digest(options);
    Debugged debugged(options);
    debugged.time.catch_calls({{.before = false}});
    DebugStop stop = debugged.go();
    for (int i = 0; i < 10; ++i) stop = debugged.go();
    debugged.time.catch_calls({});
    uint64_t sp = stack_pointer(arch, *debugged.target.registers(stop.who.thread));
    uint32_t point = debugged.time.add({.kind = emu::StopPoint::Kind::kWrite,
                                        .process = stop.who.process,
                                        .address = GuestAddr(sp - 256),
                                        .size = 256});
    std::vector<uint64_t> there;
    for (int i = 0; i < 60; ++i) {
      stop = debugged.go();
      REQUIRE(stop.reason == Reason::kPoint);
      REQUIRE(stop.point == point);
      there.push_back(debugged.time.position().code_bytes);
    }
    REQUIRE(std::ranges::is_sorted(there));
    // The same, with arm64's before and x86-64's behind the access changed.
    std::vector<uint64_t> back;
    while (back.size() + 1 < there.size()) {
      stop = debugged.back();
      REQUIRE(stop.reason == Reason::kPoint);
      back.push_back(debugged.time.position().code_bytes);
    }
    std::ranges::reverse(back);
    REQUIRE(std::ranges::is_sorted(back));
    debugged.time.remove(point);
    REQUIRE(debugged.go().reason == Reason::kEnded);
    REQUIRE(debugged.digest() == expected);
  }
}

TEST_CASE("a breakpoint holds each thread that comes to it, before its instruction", "[time_travel]") {
  for (Arch arch : kBoth) {
    GuestOptions options{.arch = arch, .name = "threads"};
    std::string expected = straight_digest(options);
    Debugged debugged(options);
    debugged.time.catch_calls({{.numbers = {*debugged.target.call_number("zx_thread_start")}}});
    DebugStop stop = debugged.go();
    REQUIRE(stop.reason == Reason::kCallBefore);
    GuestAddr site(debugged.pc(stop.who.thread));
    debugged.time.catch_calls({});
    uint32_t point = debugged.time.add({.process = stop.who.process, .address = site});
    int hits = 0;
    while ((stop = debugged.go()).reason == Reason::kPoint) {
      REQUIRE(stop.point == point);
      REQUIRE(debugged.pc(stop.who.thread) == site.value);
      ++hits;
    }
    REQUIRE(hits > 2);
    REQUIRE(stop.reason == Reason::kEnded);
    REQUIRE(debugged.digest() == expected);
  }
}

TEST_CASE("what a debugger changes is undone by going back before it, and kept by coming to it again",
          "[time_travel]") {
  for (Arch arch : kBoth) {
    Debugged debugged({.arch = arch, .name = "hello"});
    debugged.time.catch_calls({{.before = false}});
    DebugStop stop = debugged.go();
    emu::Position first = debugged.time.position();
    stop = debugged.go();
    emu::Position second = debugged.time.position();
    Registers registers = *debugged.target.registers(stop.who.thread);
    uint64_t before = registers.gpr[5];
    registers.gpr[5] = before + 1;
    REQUIRE(debugged.target.set_registers(stop.who.thread, registers));
    debugged.time.changed();
    REQUIRE(debugged.time.seek(first).reason == Reason::kArrived);
    REQUIRE(debugged.time.position() == first);
    REQUIRE(debugged.time.seek(second).reason == Reason::kArrived);
    REQUIRE(debugged.target.registers(stop.who.thread)->gpr[5] == before);
  }
}

}  // namespace
}  // namespace jacinth::boards
