// The run loop: turns, time, and that nothing depends on where a run was stopped.
#include "emu/machine/machine.h"

#include <algorithm>

#include "tests/support/machine_rig.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

constexpr Arch kBoth[] = {Arch::kArm64, Arch::kX86_64};

/// Counts its argument down, adds to a shared word each round, makes call 1 every round, and ends with call 0.
void counting_program(MachineRig& rig) {
  rig.code(
      {
          0xd2a01002,  // movz x2, #0x80, lsl #16: kData
          0xf9400043,  // loop: ldr x3, [x2]
          0x91000463,  // add x3, x3, #1
          0xf9000043,  // str x3, [x2]
          0xd2800030,  // movz x16, #1
          0xd4000001,  // svc #0
          0xf1000421,  // subs x1, x1, #1
          0x54ffff41,  // b.ne loop
          0xd2800010,  // movz x16, #0
          0xd4000001,  // svc #0
      },
      {
          0xbe, 0x00, 0x00, 0x80, 0x00,  // mov esi, kData
          0x48, 0xff, 0x06,              // loop: inc qword [rsi]
          0xb8, 0x01, 0x00, 0x00, 0x00,  // mov eax, 1
          0x0f, 0x05,                    // syscall
          0x48, 0xff, 0xcb,              // dec rbx
          0x75, 0xf1,                    // jnz loop
          0x31, 0xc0,                    // xor eax, eax
          0x0f, 0x05,                    // syscall
      });
}

/// The same without calls in between.
void computing_program(MachineRig& rig) {
  rig.code({0xd2a01002, 0xf9400043, 0x91000463, 0xf9000043, 0xd503201f, 0xd503201f, 0xf1000421, 0x54ffff41, 0xd2800010,
            0xd4000001},
           {0xbe, 0x00, 0x00, 0x80, 0x00, 0x48, 0xff, 0x06, 0x90, 0x90, 0x48, 0xff, 0xcb, 0x75, 0xf6, 0x31, 0xc0, 0x0f,
            0x05});
}

TEST_CASE("a machine without work or alarm is blocked", "[machine]") {
  MachineRig rig({});
  REQUIRE(rig.machine().run() == RunEnd::kBlocked);
  REQUIRE(rig.machine().now() == Time{0});
}

TEST_CASE("time jumps to the alarm when nobody has work", "[machine]") {
  MachineRig rig({});
  rig.machine().set_alarm(Time{3'600'000'000'000});
  REQUIRE(rig.machine().run() == RunEnd::kBlocked);
  REQUIRE(rig.machine().now() == Time{3'600'000'000'000});
  REQUIRE(rig.log.size() == 1);
  REQUIRE(rig.log[0][1] == MachineRig::kAlarm);
}

TEST_CASE("a time limit before the alarm stops exactly there", "[machine]") {
  MachineRig rig({});
  rig.machine().set_alarm(Time{5000});
  REQUIRE(rig.machine().run({.time = Time{1234}}) == RunEnd::kTimeLimit);
  REQUIRE(rig.machine().now() == Time{1234});
  REQUIRE(rig.machine().run() == RunEnd::kBlocked);
  REQUIRE(rig.machine().now() == Time{5000});
}

TEST_CASE("time is executed code and traps", "[machine]") {
  MachineRig rig({.arch = Arch::kArm64, .cpus = 1});
  counting_program(rig);
  rig.thread(10);
  REQUIRE(rig.machine().run() == RunEnd::kBlocked);
  constexpr int64_t kInstructions = 1 + 10 * 7 + 2;
  REQUIRE(rig.machine().executed_instructions() == kInstructions);
  REQUIRE(rig.machine().now() == Time{kInstructions + 11 * kTrapCost.ns});
  REQUIRE(rig.data(0) == 10);
}

TEST_CASE("two busy CPUs take turns on one clock", "[machine]") {
  for (Arch arch : kBoth) {
    for (bool shared : {false, true}) {
      MachineRig rig({.arch = arch});
      computing_program(rig);
      MachineRig::Thread& first = rig.thread(100'000);
      rig.thread(100'000, shared ? &first : nullptr);
      REQUIRE(rig.machine().run() == RunEnd::kBlocked);
      // No update is lost: a turn ends between two rounds or in the middle of one, and memory is one.
      REQUIRE(rig.data(0) <= 200'000);
      REQUIRE(rig.data(0) > 150'000);
      REQUIRE(std::is_sorted(rig.log.begin(), rig.log.end(), [](const auto& a, const auto& b) { return a[0] < b[0]; }));
    }
  }
}

TEST_CASE("the same run gives the same digest, whatever the cores", "[machine]") {
  for (Arch arch : kBoth) {
    std::optional<Digest> expected;
    for (const MachineRig::Options& options :
         {MachineRig::Options{.arch = arch}, MachineRig::Options{.arch = arch},
          MachineRig::Options{.arch = arch, .core_limit = 1}, MachineRig::Options{.arch = arch, .core_limit = 2},
          MachineRig::Options{.arch = arch, .stepping = true}}) {
      MachineRig rig(options);
      counting_program(rig);
      MachineRig::Thread& first = rig.thread(700);
      rig.thread(900);
      rig.thread(500, &first);
      rig.machine().set_alarm(Time{123'456});
      REQUIRE(rig.machine().run() == RunEnd::kBlocked);
      Digest digest = rig.digest();
      if (!expected) expected = digest;
      REQUIRE(digest.text() == expected->text());
    }
  }
}

TEST_CASE("threads that take turns often get cores of their own, which changes nothing", "[machine]") {
  for (Arch arch : kBoth) {
    std::optional<Digest> expected;
    for (size_t limit : {1, 2, 16}) {
      MachineRig rig({.arch = arch, .cpus = 1, .core_limit = limit});
      counting_program(rig);
      MachineRig::Thread& first = rig.thread(3 * CorePool::kTurnsPerCore);
      for (int i = 0; i < 2; ++i) rig.thread(3 * CorePool::kTurnsPerCore, &first);
      rig.on_call = [](uint64_t, uint64_t) { return Next::kSwitch; };
      REQUIRE(rig.machine().run() == RunEnd::kBlocked);
      REQUIRE(rig.data(0) == 9 * CorePool::kTurnsPerCore);
      Digest digest = rig.digest();
      if (!expected) expected = digest;
      REQUIRE(digest.text() == expected->text());
    }
  }
}

TEST_CASE("stopping a run anywhere and going on does not change it", "[machine]") {
  for (Arch arch : kBoth) {
    for (auto* program : {counting_program, computing_program}) {
      auto start = [&](MachineRig& rig) {
        program(rig);
        MachineRig::Thread& first = rig.thread(3000);
        rig.thread(4000);
        rig.thread(5000, &first);
        rig.machine().set_alarm(Time{77'777});
      };
      MachineRig straight({.arch = arch});
      start(straight);
      straight.machine().run();

      MachineRig pieces({.arch = arch});
      start(pieces);
      uint64_t at = 0;
      int stops = 0;
      uint64_t step = 1237;
      while (pieces.machine().run({.code_bytes = at += step}) == RunEnd::kCodeLimit) {
        ++stops;
        step = step * 7 % 20'011 + 1;
        REQUIRE(pieces.machine().executed_bytes() >= at - 15);
        REQUIRE(pieces.machine().executed_bytes() <= at);
      }
      REQUIRE(stops > 10);
      REQUIRE(pieces.digest().text() == straight.digest().text());

      MachineRig slices({.arch = arch});
      start(slices);
      Time until{0};
      while (slices.machine().run({.time = until = until + Duration{9'973}}) == RunEnd::kTimeLimit) {
      }
      REQUIRE(slices.digest().text() == straight.digest().text());
    }
  }
}

TEST_CASE("looking at registers during calls does not change a run", "[machine]") {
  for (Arch arch : kBoth) {
    std::optional<Digest> expected;
    for (unsigned every : {0, 1, 3}) {
      MachineRig rig({.arch = arch});
      rig.look_every = every;
      counting_program(rig);
      MachineRig::Thread& first = rig.thread(700);
      rig.thread(900);
      rig.thread(100, &first);
      REQUIRE(rig.machine().run() == RunEnd::kBlocked);
      if (!expected) expected = rig.digest();
      REQUIRE(rig.digest().text() == expected->text());
    }
  }
}

TEST_CASE("a machine saved at a stop and loaded elsewhere goes on the same", "[machine]") {
  for (Arch arch : kBoth) {
    MachineRig rig({.arch = arch, .cpus = 1});
    computing_program(rig);
    rig.thread(20'000);
    REQUIRE(rig.machine().run({.code_bytes = 123'456}) == RunEnd::kCodeLimit);
    Writer writer;
    rig.machine().state(writer);
    Registers registers = rig.threads[0]->context.registers;

    // A second machine with the same frames in use, all of them overwritten by loading.
    MachineRig copy({.arch = arch, .cpus = 1});
    computing_program(copy);
    copy.thread(7);
    REQUIRE(copy.machine().run({.code_bytes = 16}) == RunEnd::kCodeLimit);
    Reader reader(writer.data());
    copy.machine().state(reader);
    REQUIRE(reader.ok());
    copy.threads[0]->context.registers = registers;

    REQUIRE(rig.machine().run() == RunEnd::kBlocked);
    REQUIRE(copy.machine().run() == RunEnd::kBlocked);
    REQUIRE(copy.machine().now() == rig.machine().now());
    REQUIRE(copy.data(0) == rig.data(0));
    REQUIRE(rig.data(0) == 20'000);
  }
}

TEST_CASE("an idle CPU takes up work that a call made", "[machine]") {
  for (Arch arch : kBoth) {
    MachineRig rig({.arch = arch});
    counting_program(rig);
    MachineRig::Thread& first = rig.thread(2'000'000'000);
    MachineRig::Thread* second = nullptr;
    rig.on_call = [&](uint64_t number, uint64_t) {
      if (second == nullptr) second = &rig.thread(3, &first);
      return number == 0 ? Next::kSwitch : Next::kContinue;
    };
    REQUIRE(rig.machine().run({.time = Time{2'000'000}}) == RunEnd::kTimeLimit);
    REQUIRE(second != nullptr);
    REQUIRE(second->done);
    REQUIRE_FALSE(first.done);
  }
}

TEST_CASE("a CPU whose thread another one killed goes on with the next", "[machine]") {
  for (Arch arch : kBoth) {
    MachineRig rig({.arch = arch});
    counting_program(rig);
    MachineRig::Thread& killer = rig.thread(100'000);
    MachineRig::Thread& victim = rig.thread(2'000'000'000, &killer);
    MachineRig::Thread& next = rig.thread(10, &killer);
    int calls = 0;
    rig.on_call = [&](uint64_t number, uint64_t) {
      if (++calls == 2000) rig.kill(victim);
      return number == 0 ? Next::kSwitch : Next::kContinue;
    };
    REQUIRE(rig.machine().run() == RunEnd::kBlocked);
    REQUIRE(killer.done);
    REQUIRE(next.done);
  }
}

}  // namespace
}  // namespace jacinth::emu
