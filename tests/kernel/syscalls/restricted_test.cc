// Restricted mode: what goes in, what comes out, and that a thread in it can be stopped, looked at, saved and ended.
#include <cstring>

#include "kernel/abi/thread.h"
#include "kernel/task/restricted_mode.h"
#include "tests/kernel/syscalls/exception_rig.h"

namespace jacinth::kernel {
namespace {

using abi::RestrictedStateArm64;
using abi::RestrictedStateX86;

constexpr GuestAddr kVector{0x7000};
constexpr uint64_t kContext = 0xc0'ffee;
constexpr uint64_t kAnyNumber = 0x99;

/// All different, all allowed.
RestrictedStateX86 registers() {
  return {.rdi = 0x11,
          .rsi = 0x22,
          .rbp = 0x33,
          .rbx = 0x44,
          .rdx = 0x55,
          .rcx = 0x66,
          .rax = 0x77,
          .rsp = 0x88,
          .r8 = 0x99,
          .r9 = 0xaa,
          .r10 = 0xbb,
          .r11 = 0xcc,
          .r12 = 0xdd,
          .r13 = 0xee,
          .r14 = 0xff,
          .r15 = 0x101,
          .ip = 0x5000,
          .flags = 0xc1,
          .fs_base = 0x6000,
          .gs_base = 0xffff'8000'0000'0000};
}

struct RestrictedRig : ExceptionRig {
  explicit RestrictedRig(Arch arch = Arch::kX86_64) : ExceptionRig(arch) {}

  Status write(const RestrictedStateX86& state) { return call("restricted_write_state", user(state), sizeof state); }
  RestrictedStateX86 read() {
    GuestAddr out = room(sizeof(RestrictedStateX86));
    REQUIRE(call("restricted_read_state", out, sizeof(RestrictedStateX86)) == Status::kOk);
    return peek<RestrictedStateX86>(out);
  }
  Status enter_status(GuestAddr vector = kVector, uint32_t options = 0) {
    return call("restricted_enter", options, vector, kContext);
  }
  /// The call does not come back with a result: there is no register for one.
  void enter(Thread& thread) { REQUIRE(start(thread, "restricted_enter", 0, kVector, kContext).over == false); }
  Status enter_with(const RestrictedStateX86& state) {
    REQUIRE(write(state) == Status::kOk);
    return enter_status();
  }
  /// A system call instruction in restricted mode.
  void leave(Thread& thread) { trap(thread, kAnyNumber, {}); }
};

bool same(const RestrictedStateX86& a, const RestrictedStateX86& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace

TEST_CASE("a thread keeps registers for restricted mode, all zero at first",
          "[zx_restricted_write_state][zx_restricted_read_state]") {
  RestrictedRig k;
  REQUIRE(same(k.read(), RestrictedStateX86{}));
  REQUIRE(k.write(registers()) == Status::kOk);
  REQUIRE(same(k.read(), registers()));
  // Each thread has its own.
  GuestAddr out = k.room(sizeof(RestrictedStateX86));
  REQUIRE(k.call_as(k.thread(), "restricted_read_state", out, sizeof(RestrictedStateX86)) == Status::kOk);
  REQUIRE(same(k.peek<RestrictedStateX86>(out), RestrictedStateX86{}));
}

TEST_CASE("the registers of restricted mode come in their whole size only",
          "[zx_restricted_write_state][zx_restricted_read_state]") {
  for (auto [arch, size] : {std::pair(Arch::kArm64, size_t{264}), std::pair(Arch::kX86_64, size_t{160})}) {
    RestrictedRig k(arch);
    GuestAddr buffer = k.room(300);
    for (const char* name : {"restricted_write_state", "restricted_read_state"}) {
      for (size_t wrong : {size_t{0}, size - 1, size + 1}) {
        REQUIRE(k.call(name, nullptr, wrong) == Status::kInvalidArgs);
        REQUIRE(k.call(name, buffer, wrong) == Status::kInvalidArgs);
      }
      REQUIRE(k.call(name, nullptr, size) == Status::kInvalidArgs);
      REQUIRE(k.call(name, buffer, size) == Status::kOk);
    }
  }
}

TEST_CASE("restricted_enter wants no options, an address of a program's, and registers that a program may have",
          "[zx_restricted_enter]") {
  RestrictedRig k;
  REQUIRE(k.write(registers()) == Status::kOk);
  REQUIRE(k.enter_status(kVector, 1) == Status::kInvalidArgs);
  REQUIRE(k.enter_status(GuestAddr(~uint64_t{0})) == Status::kInvalidArgs);
  REQUIRE(k.enter_status(GuestAddr(uint64_t{1} << 47)) == Status::kInvalidArgs);

  auto spoiled = [](auto field, uint64_t value) {
    RestrictedStateX86 state = registers();
    state.*field = value;
    return state;
  };
  using State = RestrictedStateX86;
  REQUIRE(k.enter_with(spoiled(&State::ip, ~uint64_t{0})) == Status::kBadState);
  REQUIRE(k.enter_with(spoiled(&State::ip, uint64_t{1} << 47)) == Status::kBadState);
  REQUIRE(k.enter_with(spoiled(&State::fs_base, uint64_t{1} << 63)) == Status::kBadState);
  REQUIRE(k.enter_with(spoiled(&State::gs_base, uint64_t{1} << 47)) == Status::kBadState);
  constexpr uint64_t kUserFlags = 0x24'4dd5;
  for (unsigned bit = 0; bit < 64; ++bit) {
    if ((kUserFlags >> bit & 1) != 0) continue;
    INFO("flag " << bit);
    REQUIRE(k.enter_with(spoiled(&State::flags, uint64_t{1} << bit)) == Status::kBadState);
  }
  REQUIRE_FALSE(k.main_thread().in_restricted_mode());
  // What was refused stays to be read.
  REQUIRE(k.read().flags == uint64_t{1} << 63);
}

TEST_CASE("arm64 finds fault with all registers of restricted mode", "[zx_restricted_enter]") {
  RestrictedRig k(Arch::kArm64);
  RestrictedStateArm64 state = {.sp = 0x1000, .cpsr = 0};
  state.x[7] = 77;
  REQUIRE(k.call("restricted_write_state", k.user(state), sizeof state) == Status::kOk);
  REQUIRE(k.enter_status() == Status::kBadState);
  REQUIRE(k.enter_status(kVector, 1) == Status::kInvalidArgs);
  REQUIRE(k.enter_status(GuestAddr(uint64_t{1} << 55)) == Status::kInvalidArgs);
  GuestAddr out = k.room(sizeof state);
  REQUIRE(k.call("restricted_read_state", out, sizeof state) == Status::kOk);
  REQUIRE(k.peek<RestrictedStateArm64>(out).x[7] == 77);
}

TEST_CASE("restricted mode begins with the registers that were written, and a system call ends it",
          "[zx_restricted_enter][zx_restricted_read_state]") {
  RestrictedRig k;
  Thread& thread = k.main_thread();
  thread.registers().tls = 0xaaaa'0000;
  thread.registers().tls_second = 0xbbbb'0000;
  REQUIRE(k.write(registers()) == Status::kOk);
  k.enter(thread);

  Registers& inside = thread.registers();
  REQUIRE(inside.pc == 0x5000);
  REQUIRE(inside.gpr[kRax] == 0x77);
  REQUIRE(inside.gpr[kRsp] == 0x88);
  REQUIRE(inside.gpr[kR15] == 0x101);
  REQUIRE(inside.flags == (0xc1 | 0x202));
  REQUIRE(inside.tls == 0x6000);
  REQUIRE(inside.tls_second == 0xffff'8000'0000'0000);

  inside.gpr[kRax] = 0x1000;
  inside.pc = 0x5010;
  inside.flags = 0x202 | 0x800;
  k.leave(thread);
  const Registers& outside = thread.registers();
  REQUIRE(outside.pc == kVector.value);
  REQUIRE(outside.gpr[kRdi] == kContext);
  REQUIRE(outside.gpr[kRsi] == 0);
  for (X86Gpr other : {kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kR8, kR9, kR10, kR11, kR12, kR13, kR14, kR15}) {
    REQUIRE(outside.gpr[other] == 0);
  }
  REQUIRE(outside.flags == 0x202);
  REQUIRE(outside.tls == 0xaaaa'0000);
  REQUIRE(outside.tls_second == 0xbbbb'0000);

  RestrictedStateX86 left = k.read();
  RestrictedStateX86 expected = registers();
  expected.rax = 0x1000;
  expected.rcx = expected.r11 = 0;  // The instruction's own.
  expected.ip = 0x5010;
  expected.flags = 0x800;
  REQUIRE(same(left, expected));
}

TEST_CASE("a thread in restricted mode is stopped, looked at and ended like any other", "[zx_restricted_enter]") {
  RestrictedRig k;
  Ref<Process> other = k.make_process("restricted");
  Thread& thread = *other->threads().begin()->second;
  thread.restricted_mode().x86() = registers();
  k.enter(thread);
  Handle handle = k.handle(Ref<Object>(&thread));
  Handle token = k.make("task_suspend", handle);
  k.run();
  REQUIRE(thread.thread_state() == Thread::State::kSuspended);
  GuestAddr out = k.room(sizeof(abi::GeneralRegsX86));
  REQUIRE(k.call("thread_read_state", handle, abi::ThreadStateKind::kGeneralRegs, out, sizeof(abi::GeneralRegsX86)) ==
          Status::kOk);
  auto seen = k.peek<abi::GeneralRegsX86>(out);
  REQUIRE(seen.rip == 0x5000);
  REQUIRE(seen.rdi == 0x11);
  seen.rdi = 0x12;
  REQUIRE(k.call("thread_write_state", handle, abi::ThreadStateKind::kGeneralRegs, k.user(seen), sizeof seen) ==
          Status::kOk);
  k.close(token);
  REQUIRE(thread.in_restricted_mode());
  k.leave(thread);
  REQUIRE(thread.restricted_mode().x86().rdi == 0x12);

  k.enter(thread);
  REQUIRE(k.call("task_kill", k.handle(other)) == Status::kOk);
  k.run();
  REQUIRE(thread.thread_state() == Thread::State::kDead);
}

TEST_CASE("an exception in restricted mode goes to exception channels", "[zx_restricted_enter]") {
  RestrictedRig k;
  Thread& thread = k.victim();
  thread.restricted_mode().x86() = registers();
  Handle channel = k.attach(k.process_handle);
  k.enter(thread);
  k.fault(thread);
  auto taken = k.take(channel);
  REQUIRE(k.type_of(taken) == abi::ExceptionType::kUndefinedInstruction);
  REQUIRE(thread.registers().pc == 0x5000);
  k.answer(taken.exception, abi::ExceptionState::kHandled);
  k.run();
  REQUIRE(thread.in_restricted_mode());
  k.leave(thread);
  REQUIRE(thread.registers().pc == kVector.value);
}

TEST_CASE("restricted mode of a shared process sees its own half alone", "[zx_restricted_enter]") {
  RestrictedRig k;
  Ref<Process> prototype = *Process::create_shareable(k.job(), "prototype");
  Ref<Process> member = *Process::create_shared(*prototype, "member");
  Ref<Process> alone = *Process::create(k.job(), "alone");
  auto thread_of = [](const Ref<Process>& process) {
    auto thread = make_object<Thread>(process, "t");
    REQUIRE(thread->start({.pc = GuestAddr(0x1000), .sp = GuestAddr(0x2000)}, true) == Status::kOk);
    thread->restricted_mode().x86() = registers();
    return thread;
  };
  Ref<Thread> in_member = thread_of(member), in_prototype = thread_of(prototype), in_alone = thread_of(alone);
  k.run();
  for (const Ref<Thread>& thread : {in_member, in_prototype, in_alone}) k.enter(*thread);
  REQUIRE(in_member->context().page_table == member->restricted_space()->page_table());
  REQUIRE(&in_member->active_space() == member->restricted_space());
  REQUIRE(in_prototype->context().page_table == prototype->memory().page_table());
  REQUIRE(in_alone->context().page_table == alone->memory().page_table());
  k.leave(*in_member);
  REQUIRE(in_member->context().page_table == prototype->memory().page_table());
  REQUIRE(&in_member->active_space() == &prototype->memory());
}

TEST_CASE("a kernel can end while processes share memory that has regions", "[zx_process_create_shared]") {
  RestrictedRig k;
  Ref<Process> prototype = *Process::create_shareable(k.job(), "prototype");
  Ref<Vmo> vmo = *Vmo::create(k.core(), kPageSize);
  for (int i = 0; i < 2; ++i) {
    Ref<AddressRegion> region = *prototype->memory().root()->allocate(
        0, 16 * kPageSize, abi::VmOptions::kCanMapRead | abi::VmOptions::kCanMapWrite);
    REQUIRE(region->map({.vmo = vmo, .length = kPageSize, .options = abi::VmOptions::kPermRead}).has_value());
  }
  // Younger than the regions: it still holds the memory when they were let go of.
  Ref<Process> member = *Process::create_shared(*prototype, "member");
  Koid koid = member->koid();
  for (const Ref<Process>& process : {prototype, member}) static_cast<void>(k.handle(process));
  prototype = member = nullptr;
  vmo = nullptr;
  k.reload();
  REQUIRE(k.core().objects().find(koid) != nullptr);
}

TEST_CASE("a thread is in restricted mode after saving and loading, too", "[zx_restricted_enter]") {
  RestrictedRig k;
  REQUIRE(k.write(registers()) == Status::kOk);
  k.enter(k.main_thread());
  k.main_thread().registers().gpr[kRbx] = 0x1'0001;
  k.reload();
  REQUIRE(k.main_thread().in_restricted_mode());
  k.leave(k.main_thread());
  REQUIRE(k.main_thread().registers().gpr[kRdi] == kContext);
  REQUIRE(k.read().rbx == 0x1'0001);
}

}  // namespace jacinth::kernel
