#include "kernel/task/thread_state.h"

#include <algorithm>
#include <cstring>

#include "kernel/abi/registers.h"
#include "kernel/object/core.h"
#include "kernel/task/thread.h"
#include "kernel/task/x86_registers.h"

namespace jacinth::kernel {
namespace {

// --- x86-64 ---

/// What the processor knows of MXCSR; more would be a general protection fault on the way out.
constexpr uint32_t kMxcsrBits = 0xffff;

Status get(Thread& thread, abi::GeneralRegsX86& out) {
  const Registers& r = thread.registers();
  for (auto [field, index] : kX86Fields<abi::GeneralRegsX86>) out.*field = r.gpr[index];
  out.rip = r.pc;
  out.rflags = r.flags;
  out.fs_base = r.tls;
  out.gs_base = r.tls_second;
  return Status::kOk;
}

Status set(Thread& thread, const abi::GeneralRegsX86& in) {
  // SYSRET to an address that is none would fault in the kernel's name; so would loading such a base.
  bool user_pc = x86_canonical(in.rip) && in.rip >> 63 == 0;
  if (!user_pc || !x86_canonical(in.fs_base) || !x86_canonical(in.gs_base)) return Status::kInvalidArgs;
  Registers& r = thread.registers();
  for (auto [field, index] : kX86Fields<abi::GeneralRegsX86>) r.gpr[index] = in.*field;
  r.pc = in.rip;
  r.flags = (r.flags & ~kX86UserFlags) | (in.rflags & kX86UserFlags);
  r.tls = in.fs_base;
  r.tls_second = in.gs_base;
  thread.set_step((r.flags & kX86TrapFlag) != 0);
  return Status::kOk;
}

/// The x87's stack lies in registers that its top turns; FXSAVE, and the ABI with it, has ST(0) first.
size_t stack_register(const Registers& r, size_t index) {
  return (static_cast<size_t>(r.x87_status >> 11) + index) & 7;
}

/// The two bits that FSTENV has for a register in use: valid, zero or special.
uint16_t full_tag(const Vector128& value) {
  uint64_t exponent = value.high & 0x7fff;
  if (exponent == 0 && value.low == 0) return 1;
  return exponent == 0 || exponent == 0x7fff || value.low >> 63 == 0 ? 2 : 0;
}

Status get(Thread& thread, abi::FpRegsX86& out) {
  const Registers& r = thread.registers();
  out.fcw = r.x87_control;
  out.fsw = r.x87_status;
  for (size_t i = 0; i < 8; ++i) {
    if ((r.x87_tag >> 2 * i & 3) != 3) out.ftw |= static_cast<uint8_t>(1u << i);
    const Vector128& from = r.x87[stack_register(r, i)];
    out.st[i] = {.low = from.low, .high = from.high & 0xffff};
  }
  return Status::kOk;
}

Status set(Thread& thread, const abi::FpRegsX86& in) {
  Registers& r = thread.registers();
  r.x87_control = in.fcw;
  r.x87_status = in.fsw;
  for (size_t i = 0; i < 8; ++i) {
    r.x87[stack_register(r, i)] = {.low = in.st[i].low, .high = in.st[i].high & 0xffff};
  }
  r.x87_tag = 0;
  for (size_t i = 0; i < 8; ++i) {
    auto tag = static_cast<uint16_t>((in.ftw >> i & 1) != 0 ? full_tag(r.x87[i]) : 3);
    r.x87_tag = static_cast<uint16_t>(r.x87_tag | tag << 2 * i);
  }
  return Status::kOk;
}

Status get(Thread& thread, abi::VectorRegsX86& out) {
  const Registers& r = thread.registers();
  for (size_t i = 0; i < 16; ++i) {
    out.zmm[i].v[0] = r.vector[i].low;
    out.zmm[i].v[1] = r.vector[i].high;
  }
  out.mxcsr = r.fpcr;
  return Status::kOk;
}

Status set(Thread& thread, const abi::VectorRegsX86& in) {
  if ((in.mxcsr & ~kMxcsrBits) != 0) return Status::kInvalidArgs;
  Registers& r = thread.registers();
  for (size_t i = 0; i < 16; ++i) r.vector[i] = {.low = in.zmm[i].v[0], .high = in.zmm[i].v[1]};
  r.fpcr = in.mxcsr;
  return Status::kOk;
}

Status get(Thread& thread, abi::DebugRegsX86& out) {
  out = thread.debug_state().x86();
  return Status::kOk;
}

// --- arm64 ---

/// Of PSTATE a program has the condition flags.
constexpr uint64_t kConditionFlags = 0xf000'0000;
/// AHP, DN, FZ, RMode, FZ16; QC and the cumulative exceptions. The rest is not there.
constexpr uint32_t kFpcrBits = 0x07c8'0000;
constexpr uint32_t kFpsrBits = 0x0800'009f;

Status get(Thread& thread, abi::GeneralRegsArm64& out) {
  const Registers& r = thread.registers();
  std::copy_n(r.gpr.begin(), out.r.size(), out.r.begin());
  out.lr = r.gpr[30];
  out.sp = r.sp;
  out.pc = r.pc;
  out.cpsr = r.flags & kConditionFlags;
  out.tpidr = r.tls;
  return Status::kOk;
}

Status set(Thread& thread, const abi::GeneralRegsArm64& in) {
  Registers& r = thread.registers();
  std::ranges::copy(in.r, r.gpr.begin());
  r.gpr[30] = in.lr;
  r.sp = in.sp;
  r.pc = in.pc;
  r.flags = in.cpsr & kConditionFlags;
  r.tls = in.tpidr;
  return Status::kOk;
}

Status get(Thread&, abi::FpRegsArm64&) { return Status::kNotSupported; }
Status set(Thread&, const abi::FpRegsArm64&) { return Status::kNotSupported; }

Status get(Thread& thread, abi::VectorRegsArm64& out) {
  const Registers& r = thread.registers();
  out.fpcr = r.fpcr;
  out.fpsr = r.fpsr;
  for (size_t i = 0; i < out.v.size(); ++i) out.v[i] = {.low = r.vector[i].low, .high = r.vector[i].high};
  return Status::kOk;
}

Status set(Thread& thread, const abi::VectorRegsArm64& in) {
  Registers& r = thread.registers();
  r.fpcr = in.fpcr & kFpcrBits;
  r.fpsr = in.fpsr & kFpsrBits;
  for (size_t i = 0; i < in.v.size(); ++i) r.vector[i] = {.low = in.v[i].low, .high = in.v[i].high};
  return Status::kOk;
}

Status get(Thread& thread, abi::DebugRegsArm64& out) {
  out = thread.debug_state().arm64();
  return Status::kOk;
}

// --- both ---

template <class T>
  requires std::is_same_v<T, abi::DebugRegsX86> || std::is_same_v<T, abi::DebugRegsArm64>
Status set(Thread& thread, const T& in) {
  TRY_STATUS(thread.debug_state().set(in));
  thread.debug_points_changed();
  return Status::kOk;
}

Status get(Thread& thread, abi::SingleStep& out) {
  // On arm64 a step that is over does not count any more, though it goes on being reported (PSTATE.SS).
  const DebugControl& debug = thread.context().debug;
  bool arm64 = thread.core().platform().arch() == Arch::kArm64;
  bool step = arm64 ? debug.step && !debug.step_due : (thread.registers().flags & kX86TrapFlag) != 0;
  out = step ? 1 : 0;
  return Status::kOk;
}

Status set(Thread& thread, const abi::SingleStep& in) {
  if (in > 1) return Status::kInvalidArgs;
  if (thread.core().platform().arch() == Arch::kX86_64) {
    Registers& r = thread.registers();
    r.flags = in != 0 ? r.flags | kX86TrapFlag : r.flags & ~kX86TrapFlag;
  }
  thread.set_step(in != 0);
  return Status::kOk;
}

/// Calls visit.operator()<T>() for the structure of a kind.
template <class F>
auto with_kind(Arch arch, abi::ThreadStateKind kind, F visit,
               decltype(visit.template operator()<abi::SingleStep>()) none) {
  bool arm64 = arch == Arch::kArm64;
  switch (kind) {
    case abi::ThreadStateKind::kGeneralRegs:
      return arm64 ? visit.template operator()<abi::GeneralRegsArm64>()
                   : visit.template operator()<abi::GeneralRegsX86>();
    case abi::ThreadStateKind::kFpRegs:
      return arm64 ? visit.template operator()<abi::FpRegsArm64>() : visit.template operator()<abi::FpRegsX86>();
    case abi::ThreadStateKind::kVectorRegs:
      return arm64 ? visit.template operator()<abi::VectorRegsArm64>()
                   : visit.template operator()<abi::VectorRegsX86>();
    case abi::ThreadStateKind::kDebugRegs:
      return arm64 ? visit.template operator()<abi::DebugRegsArm64>() : visit.template operator()<abi::DebugRegsX86>();
    case abi::ThreadStateKind::kSingleStep: return visit.template operator()<abi::SingleStep>();
  }
  return none;
}

/// Whether this state of the thread can be looked at now.
template <class T>
Status check(const Thread& thread, bool write) {
  if (!thread.observable()) return Status::kBadState;
  // A thread that exits has left its frame behind, and all that lies there.
  constexpr bool kInFrame = std::is_same_v<T, abi::GeneralRegsArm64> || std::is_same_v<T, abi::GeneralRegsX86> ||
                            std::is_same_v<T, abi::SingleStep>;
  bool in_frame = kInFrame || (write && std::is_same_v<T, abi::DebugRegsArm64>);
  return in_frame && !thread.has_frame() ? Status::kNotSupported : Status::kOk;
}

}  // namespace

size_t thread_state_size(Arch arch, abi::ThreadStateKind kind) {
  return with_kind(
      arch, kind, []<class T>() { return sizeof(T); }, size_t{0});
}

Status read_thread_state(Thread& thread, abi::ThreadStateKind kind, std::span<std::byte> out) {
  auto read = [&]<class T>() {
    TRY_STATUS(check<T>(thread, false));
    T value = {};
    TRY_STATUS(get(thread, value));
    std::memcpy(out.data(), &value, sizeof value);
    return Status::kOk;
  };
  return with_kind(thread.core().platform().arch(), kind, read, Status::kInvalidArgs);
}

Status write_thread_state(Thread& thread, abi::ThreadStateKind kind, std::span<const std::byte> in) {
  auto write = [&]<class T>() {
    TRY_STATUS(check<T>(thread, true));
    T value = {};
    std::memcpy(&value, in.data(), sizeof value);
    return set(thread, value);
  };
  return with_kind(thread.core().platform().arch(), kind, write, Status::kInvalidArgs);
}

Status replace_registers(Thread& thread, const Registers& to) {
  bool arm64 = thread.core().platform().arch() == Arch::kArm64;
  if (!arm64) {
    bool user_pc = x86_canonical(to.pc) && to.pc >> 63 == 0;
    if (!user_pc || !x86_canonical(to.tls) || !x86_canonical(to.tls_second)) return Status::kInvalidArgs;
    if ((to.fpcr & ~kMxcsrBits) != 0) return Status::kInvalidArgs;
  }
  Registers& r = thread.registers();
  Registers changed = to;
  if (arm64) {
    changed.flags = to.flags & kConditionFlags;
    changed.fpcr = to.fpcr & kFpcrBits;
    changed.fpsr = to.fpsr & kFpsrBits;
  } else {
    changed.flags = (r.flags & ~kX86UserFlags) | (to.flags & kX86UserFlags);
  }
  bool step_changed = !arm64 && ((r.flags ^ changed.flags) & kX86TrapFlag) != 0;
  r = changed;
  if (step_changed) thread.set_step((r.flags & kX86TrapFlag) != 0);
  return Status::kOk;
}

}  // namespace jacinth::kernel
