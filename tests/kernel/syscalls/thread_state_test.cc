// Registers of other threads: when they can be read and written, what goes through, and what no program may have.
#include "kernel/abi/registers.h"
#include "kernel/abi/thread.h"
#include "tests/kernel/syscalls/exception_rig.h"

namespace jacinth::kernel {

using Kind = abi::ThreadStateKind;

namespace {

const Options kDebugging = {{"kernel.enable-debugging-syscalls", "true"}};

/// The victim stands still from the start.
struct StateRig : ExceptionRig {
  explicit StateRig(Arch arch, bool debugging = true) : ExceptionRig(arch, debugging ? kDebugging : Options{}) {
    token = make("task_suspend", thread_handle);
    run();
    REQUIRE(state() == abi::ThreadState::kSuspended);
  }
  Handle token{};

  Status read_status(Kind kind, size_t size) {
    return call("thread_read_state", thread_handle, kind, room(size), size);
  }
  template <class T>
  T read(Kind kind) {
    GuestAddr out = room(sizeof(T));
    REQUIRE(call("thread_read_state", thread_handle, kind, out, sizeof(T)) == Status::kOk);
    return peek<T>(out);
  }
  template <class T>
  Status write(Kind kind, const T& value) {
    return call("thread_write_state", thread_handle, kind, user(value), sizeof value);
  }
  Registers& registers() { return victim().registers(); }
};

template <class T>
T pattern() {
  T value = {};
  auto* bytes = reinterpret_cast<unsigned char*>(&value);
  for (size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<unsigned char>(i * 7 + 1);
  return value;
}

template <class T>
bool same(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

constexpr size_t kSizes[2][6] = {{280, 4, 520, 0, 528, 4}, {160, 160, 2120, 0, 48, 4}};

}  // namespace

TEST_CASE("registers are there while a thread is suspended or in an exception, and at no other time",
          "[zx_thread_read_state][zx_thread_write_state]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    StateRig k(arch);
    size_t size = kSizes[arch == Arch::kX86_64][0];
    REQUIRE(k.read_status(Kind::kGeneralRegs, size) == Status::kOk);
    k.close(k.token);
    REQUIRE(k.read_status(Kind::kGeneralRegs, size) == Status::kBadState);
    REQUIRE(k.call("thread_write_state", k.thread_handle, Kind::kGeneralRegs, k.room(size), size) == Status::kBadState);
    Handle channel = k.attach(k.process_handle);
    k.fault(k.victim());
    REQUIRE(k.read_status(Kind::kGeneralRegs, size) == Status::kOk);
    k.close(k.take(channel).exception);
    REQUIRE(k.read_status(Kind::kGeneralRegs, size) == Status::kBadState);
  }
}

TEST_CASE("a thread that exits has no general registers any more", "[zx_thread_read_state][zx_thread_write_state]") {
  ExceptionRig k(Arch::kArm64, kDebugging);
  k.attach_debugger(k.process_handle);
  k.start(k.victim(), "thread_exit");
  auto read = [&](Kind kind, size_t size) {
    return k.call("thread_read_state", k.thread_handle, kind, k.room(size), size);
  };
  REQUIRE(read(Kind::kGeneralRegs, 280) == Status::kNotSupported);
  REQUIRE(read(Kind::kSingleStep, 4) == Status::kNotSupported);
  REQUIRE(read(Kind::kVectorRegs, 520) == Status::kOk);
  REQUIRE(k.call("thread_write_state", k.thread_handle, Kind::kDebugRegs, k.room(528), 528) == Status::kNotSupported);
}

TEST_CASE("bad requests for registers are refused in order", "[zx_thread_read_state][zx_thread_write_state]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    StateRig k(arch);
    for (uint32_t kind = 0; kind < 8; ++kind) {
      CAPTURE(kind);
      size_t size = kind < 6 ? kSizes[arch == Arch::kX86_64][kind] : 0;
      GuestAddr at = k.room(4096);
      Status whole = k.call("thread_read_state", k.thread_handle, kind, at, size);
      if (size == 0) {
        REQUIRE(whole == Status::kInvalidArgs);
        continue;
      }
      bool lacking = arch == Arch::kArm64 && Kind{kind} == Kind::kFpRegs;
      REQUIRE(whole == (lacking ? Status::kNotSupported : Status::kOk));
      REQUIRE(k.call("thread_read_state", k.thread_handle, kind, at, 4096) == whole);
      REQUIRE(k.call("thread_read_state", k.thread_handle, kind, at, size - 1) == Status::kBufferTooSmall);
      REQUIRE(k.call("thread_write_state", k.thread_handle, kind, at, size - 1) == Status::kBufferTooSmall);
      REQUIRE(k.call("thread_write_state", k.thread_handle, kind, k.kNowhere, size) == Status::kInvalidArgs);
      if (!lacking) {
        REQUIRE(k.call("thread_read_state", k.thread_handle, kind, k.kNowhere, size) == Status::kInvalidArgs);
      }
      REQUIRE(k.call("thread_read_state", k.kBad, kind, at, size) == Status::kBadHandle);
      REQUIRE(k.call("thread_read_state", k.process_handle, kind, at, size) == Status::kWrongType);
      REQUIRE(k.call("thread_read_state", k.duplicate(k.thread_handle, Rights::kWrite), kind, at, size) ==
              Status::kAccessDenied);
      REQUIRE(k.call("thread_write_state", k.duplicate(k.thread_handle, Rights::kRead), kind, at, size) ==
              Status::kAccessDenied);
    }
  }
}

TEST_CASE("debug registers and steps are for debuggers, where the kernel was told so", "[zx_thread_write_state]") {
  StateRig k(Arch::kX86_64, false);
  for (uint32_t kind : {4, 5, 6, 12}) {
    REQUIRE(k.call("thread_write_state", k.kBad, kind, k.kNowhere, 0) == Status::kNotSupported);
  }
  REQUIRE(k.read_status(Kind::kDebugRegs, 48) == Status::kOk);
  REQUIRE(k.read_status(Kind::kSingleStep, 4) == Status::kOk);
}

TEST_CASE("arm64 registers come out as they went in", "[zx_thread_read_state][zx_thread_write_state]") {
  StateRig k(Arch::kArm64);
  auto general = pattern<abi::GeneralRegsArm64>();
  REQUIRE(k.write(Kind::kGeneralRegs, general) == Status::kOk);
  const Registers& r = k.registers();
  REQUIRE(r.gpr[0] == general.r[0]);
  REQUIRE(r.gpr[29] == general.r[29]);
  REQUIRE(r.gpr[30] == general.lr);
  REQUIRE(r.sp == general.sp);
  REQUIRE(r.pc == general.pc);
  REQUIRE(r.tls == general.tpidr);
  // Of the state of the processor a program has four bits.
  REQUIRE(r.flags == (general.cpsr & 0xf000'0000));
  general.cpsr &= 0xf000'0000;
  REQUIRE(same(k.read<abi::GeneralRegsArm64>(Kind::kGeneralRegs), general));

  auto vector = pattern<abi::VectorRegsArm64>();
  vector.fpcr = 0x03c0'0000;
  vector.fpsr = 0x0800'009f;
  REQUIRE(k.write(Kind::kVectorRegs, vector) == Status::kOk);
  REQUIRE(k.registers().vector[31].high == vector.v[31].high);
  REQUIRE(same(k.read<abi::VectorRegsArm64>(Kind::kVectorRegs), vector));

  vector.fpcr = vector.fpsr = ~0u;
  REQUIRE(k.write(Kind::kVectorRegs, vector) == Status::kOk);
  REQUIRE(k.registers().fpcr == 0x07c8'0000);
  REQUIRE(k.registers().fpsr == 0x0800'009f);
}

TEST_CASE("x86-64 registers come out as they went in", "[zx_thread_read_state][zx_thread_write_state]") {
  StateRig k(Arch::kX86_64);
  auto general = pattern<abi::GeneralRegsX86>();
  general.rip = 0x7fff'ffff'ffff;
  general.rflags = 0x246;
  general.fs_base = 0xffff'8000'0000'0000;
  general.gs_base = 0x7fff'ffff'ffff;
  REQUIRE(k.write(Kind::kGeneralRegs, general) == Status::kOk);
  REQUIRE(k.registers().gpr[kRax] == general.rax);
  REQUIRE(k.registers().gpr[kRsp] == general.rsp);
  REQUIRE(k.registers().gpr[kRbx] == general.rbx);
  REQUIRE(k.registers().gpr[kR15] == general.r15);
  REQUIRE(k.registers().tls == general.fs_base);
  REQUIRE(same(k.read<abi::GeneralRegsX86>(Kind::kGeneralRegs), general));

  auto vector = pattern<abi::VectorRegsX86>();
  vector.mxcsr = 0x1f80;
  REQUIRE(k.write(Kind::kVectorRegs, vector) == Status::kOk);
  auto read = k.read<abi::VectorRegsX86>(Kind::kVectorRegs);
  for (size_t i = 0; i < 32; ++i) {
    for (size_t word = 0; word < 8; ++word) {
      REQUIRE(read.zmm[i].v[word] == (i < 16 && word < 2 ? vector.zmm[i].v[word] : 0));
    }
  }
  REQUIRE(read.mxcsr == 0x1f80);

  auto fp = pattern<abi::FpRegsX86>();
  fp.fsw = 0x2800;  // Its top is 5.
  fp.ftw = 0b1010'0110;
  for (abi::Register128& st : fp.st) st.high &= 0xffff;
  REQUIRE(k.write(Kind::kFpRegs, fp) == Status::kOk);
  REQUIRE(k.registers().x87[5].low == fp.st[0].low);
  REQUIRE(k.registers().x87[0].low == fp.st[3].low);
  auto fp_read = k.read<abi::FpRegsX86>(Kind::kFpRegs);
  REQUIRE(fp_read.fcw == fp.fcw);
  REQUIRE(fp_read.fsw == fp.fsw);
  REQUIRE(fp_read.ftw == fp.ftw);
  REQUIRE(fp_read.fip == 0);
  for (size_t i = 0; i < 8; ++i) REQUIRE(same(fp_read.st[i], fp.st[i]));
}

TEST_CASE("x86-64 registers that would fault in the kernel are refused", "[zx_thread_write_state]") {
  StateRig k(Arch::kX86_64);
  auto before = k.read<abi::GeneralRegsX86>(Kind::kGeneralRegs);
  for (uint64_t address : {uint64_t{1} << 47, ~uint64_t{0}, uint64_t{0xffff'8000'0000'0000}, uint64_t{1} << 63}) {
    auto bad = before;
    bad.rip = address;
    bad.rax = 1;
    REQUIRE(k.write(Kind::kGeneralRegs, bad) == Status::kInvalidArgs);
  }
  for (uint64_t base : {uint64_t{1} << 47, uint64_t{1} << 63, uint64_t{0x1234'5678'9abc'def0}}) {
    auto bad = before;
    bad.fs_base = base;
    REQUIRE(k.write(Kind::kGeneralRegs, bad) == Status::kInvalidArgs);
    bad.fs_base = 0;
    bad.gs_base = base;
    REQUIRE(k.write(Kind::kGeneralRegs, bad) == Status::kInvalidArgs);
  }
  REQUIRE(same(k.read<abi::GeneralRegsX86>(Kind::kGeneralRegs), before));

  auto vector = k.read<abi::VectorRegsX86>(Kind::kVectorRegs);
  for (unsigned bit = 16; bit < 32; ++bit) {
    vector.mxcsr = 0x1f80 | 1u << bit;
    REQUIRE(k.write(Kind::kVectorRegs, vector) == Status::kInvalidArgs);
  }
}

TEST_CASE("flags that belong to the system stay what they are", "[zx_thread_write_state]") {
  StateRig k(Arch::kX86_64);
  auto general = k.read<abi::GeneralRegsX86>(Kind::kGeneralRegs);
  REQUIRE(general.rflags == 0x202);
  for (unsigned bit = 0; bit < 64; ++bit) {
    CAPTURE(bit);
    general.rflags = uint64_t{1} << bit;
    REQUIRE(k.write(Kind::kGeneralRegs, general) == Status::kOk);
    bool user = (uint64_t{0x24'4dd5} >> bit & 1) != 0;
    REQUIRE(k.registers().flags == (0x202 | (user ? uint64_t{1} << bit : 0)));
  }
  general.rflags = ~uint64_t{0};
  REQUIRE(k.write(Kind::kGeneralRegs, general) == Status::kOk);
  REQUIRE((k.registers().flags & 0x3'3000) == 0);  // IOPL, RF, VM.
}

TEST_CASE("a call that a suspension broke off shows its result and takes another", "[zx_thread_write_state]") {
  ExceptionRig k(Arch::kArm64, kDebugging);
  Made& made = k.start(k.victim(), "nanosleep", Time::never());
  k.make("task_suspend", k.thread_handle);
  k.run();
  GuestAddr state = k.room(280);
  REQUIRE(k.call("thread_read_state", k.thread_handle, Kind::kGeneralRegs, state, 280) == Status::kOk);
  auto general = k.peek<abi::GeneralRegsArm64>(state);
  REQUIRE(static_cast<int64_t>(general.r[0]) == abi::raw(Status::kInterruptedRetry));
  general.r[0] = 42;
  k.poke(state, general);
  REQUIRE(k.call("thread_write_state", k.thread_handle, Kind::kGeneralRegs, state, 280) == Status::kOk);
  REQUIRE(k.victim().registers().gpr[0] == 42);
  static_cast<void>(made);
}

// --- debug registers ---

TEST_CASE("a step is one or none, and x86-64 keeps it among its flags", "[zx_thread_write_state]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    StateRig k(arch);
    REQUIRE(k.read<abi::SingleStep>(Kind::kSingleStep) == 0);
    REQUIRE_FALSE(k.victim().context().traced);
    REQUIRE(k.write(Kind::kSingleStep, abi::SingleStep{2}) == Status::kInvalidArgs);
    REQUIRE(k.write(Kind::kSingleStep, abi::SingleStep{1}) == Status::kOk);
    REQUIRE(k.read<abi::SingleStep>(Kind::kSingleStep) == 1);
    REQUIRE(k.victim().context().traced);
    if (arch == Arch::kX86_64) {
      REQUIRE((k.registers().flags & 0x100) != 0);
      auto general = k.read<abi::GeneralRegsX86>(Kind::kGeneralRegs);
      general.rflags &= ~uint64_t{0x100};
      REQUIRE(k.write(Kind::kGeneralRegs, general) == Status::kOk);
    } else {
      REQUIRE(k.write(Kind::kSingleStep, abi::SingleStep{0}) == Status::kOk);
    }
    REQUIRE(k.read<abi::SingleStep>(Kind::kSingleStep) == 0);
    REQUIRE_FALSE(k.victim().context().traced);
  }
}

TEST_CASE("arm64 debug registers take what programs may set", "[zx_thread_read_state][zx_thread_write_state]") {
  StateRig k(Arch::kArm64);
  auto debug = k.read<abi::DebugRegsArm64>(Kind::kDebugRegs);
  REQUIRE(debug.hw_bps_count == 6);
  REQUIRE(debug.hw_wps_count == 4);

  debug.hw_bps[0] = {.dbgbcr = ~0u, .dbgbvr = 0x1235};
  debug.hw_bps[5] = {.dbgbcr = ~1u, .dbgbvr = 0x2000};
  debug.hw_bps[6] = {.dbgbcr = 1, .dbgbvr = ~uint64_t{0}};  // There is no such register.
  debug.hw_wps[3] = {.dbgwcr = 1 | 0x3c << 5 | 1u << 20, .dbgwvr = 0x3003};
  debug.far = debug.esr = 7;
  REQUIRE(k.write(Kind::kDebugRegs, debug) == Status::kOk);
  auto read = k.read<abi::DebugRegsArm64>(Kind::kDebugRegs);
  REQUIRE(read.hw_bps[0].dbgbvr == 0x1234);
  REQUIRE(read.hw_bps[0].dbgbcr == 0x1e5);
  REQUIRE(read.hw_bps[5].dbgbcr == 0);
  REQUIRE(read.hw_bps[6].dbgbvr == 0);
  REQUIRE(read.hw_wps[3].dbgwvr == 0x3000);
  REQUIRE(read.hw_wps[3].dbgwcr == (1 | 0x3c << 5 | 0b10 << 1 | 0b10 << 3 | 1 << 14));
  REQUIRE(read.far == 0);
  REQUIRE(read.esr == 0);

  const auto& points = k.victim().context().debug.points;
  REQUIRE(points.size() == 2);
  REQUIRE(points[0].execute);
  REQUIRE(points[0].address == GuestAddr(0x1234));
  REQUIRE(points[1].write);
  REQUIRE_FALSE(points[1].read);
  REQUIRE(points[1].address == GuestAddr(0x3002));
  REQUIRE(points[1].size == 4);

  for (uint64_t bad : {uint64_t{1} << 48, ~uint64_t{0}}) {
    auto refused = debug;
    refused.hw_bps[1].dbgbvr = bad;
    REQUIRE(k.write(Kind::kDebugRegs, refused) == Status::kInvalidArgs);
    refused = debug;
    refused.hw_wps[1].dbgwvr = bad;
    REQUIRE(k.write(Kind::kDebugRegs, refused) == Status::kInvalidArgs);
  }
  REQUIRE(k.write(Kind::kDebugRegs, abi::DebugRegsArm64{}) == Status::kOk);
  REQUIRE_FALSE(k.victim().context().traced);
}

TEST_CASE("x86-64 debug registers take what programs may set", "[zx_thread_read_state][zx_thread_write_state]") {
  StateRig k(Arch::kX86_64);
  abi::DebugRegsX86 debug{.dr = {0x1000, 0x2003, 0x3000, 0x4000}, .dr6 = ~uint64_t{0}, .dr7 = ~uint64_t{0}};
  REQUIRE(k.write(Kind::kDebugRegs, debug) == Status::kOk);
  auto read = k.read<abi::DebugRegsX86>(Kind::kDebugRegs);
  REQUIRE(read.dr == debug.dr);
  REQUIRE(read.dr6 == 0xffff'efff);
  REQUIRE(read.dr7 == 0xffff'07ff);

  // Execute at 0; one byte written at 1; four read or written at 2; 3 is off.
  debug.dr7 = 1 << 0 | 1 << 3 | 3 << 4 | 1ull << 20 | 3ull << 24 | 3ull << 26;
  REQUIRE(k.write(Kind::kDebugRegs, debug) == Status::kOk);
  const auto& points = k.victim().context().debug.points;
  REQUIRE(points.size() == 3);
  REQUIRE(points[0].execute);
  REQUIRE((points[1].write && !points[1].read));
  REQUIRE(points[1].address == GuestAddr(0x2003));
  REQUIRE(points[1].size == 1);
  REQUIRE((points[2].write && points[2].read));
  REQUIRE(points[2].size == 4);
  REQUIRE(points[2].number == 2);

  for (uint64_t bad : {uint64_t{1} << 47, ~uint64_t{0}}) {
    debug.dr[3] = bad;
    REQUIRE(k.write(Kind::kDebugRegs, debug) == Status::kInvalidArgs);
  }
}

TEST_CASE("a stop at a debug register says which", "[zx_thread_read_state]") {
  StateRig k(Arch::kX86_64);
  k.close(k.token);
  Handle channel = k.attach_debugger(k.process_handle);
  k.fault(k.victim(), {.kind = ExceptionInfo::Kind::kHardwareBreakpoint, .vector = 1, .point = 2});
  auto taken = k.take(channel);
  REQUIRE(taken.info.type == abi::ExceptionType::kHwBreakpoint);
  REQUIRE(k.read<abi::DebugRegsX86>(Kind::kDebugRegs).dr6 == (0xffff'0ff0 | 1 << 2));
  k.answer(taken.exception, abi::ExceptionState::kHandled);

  k.fault(k.victim(), {.kind = ExceptionInfo::Kind::kHardwareBreakpoint, .vector = 1, .point = ExceptionInfo::kStep});
  taken = k.take(channel);
  REQUIRE(k.read<abi::DebugRegsX86>(Kind::kDebugRegs).dr6 == (0xffff'0ff0 | 1 << 14));
  k.answer(taken.exception, abi::ExceptionState::kHandled);
  k.make("task_suspend", k.thread_handle);
  k.run();
  REQUIRE(k.read<abi::DebugRegsX86>(Kind::kDebugRegs).dr6 == 0xffff'0ff0);
}

TEST_CASE("debug registers come through a snapshot", "[zx_thread_write_state]") {
  StateRig k(Arch::kArm64);
  abi::DebugRegsArm64 debug;
  debug.hw_bps[0] = {.dbgbcr = 1, .dbgbvr = 0x1000};
  REQUIRE(k.write(Kind::kDebugRegs, debug) == Status::kOk);
  REQUIRE(k.write(Kind::kSingleStep, abi::SingleStep{1}) == Status::kOk);
  k.reload();
  REQUIRE(k.victim().context().traced);
  REQUIRE(k.victim().context().debug.points.size() == 1);
  REQUIRE(k.read<abi::SingleStep>(Kind::kSingleStep) == 1);
  REQUIRE(k.read<abi::DebugRegsArm64>(Kind::kDebugRegs).hw_bps[0].dbgbvr == 0x1000);
}

}  // namespace jacinth::kernel
