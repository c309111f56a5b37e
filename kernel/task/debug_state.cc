#include "kernel/task/debug_state.h"

#include <bit>

#include "emu/state/archive.h"

namespace jacinth::kernel {
namespace {

// Intel SDM vol. 3B, 17.2; which bits are whose: zircon/hw/debug/x86.h.
constexpr uint64_t kDr6Status = 0xe00f;     // B0-B3, BD, BS, BT
constexpr uint64_t kDr6Fixed = 0xffff0ff0;  // As the processor reads them.
constexpr uint64_t kDr6Step = uint64_t{1} << 14;
constexpr uint64_t kDr6Cleared = 0xe000;  // BD, BS, BT
constexpr uint64_t kDr7User = 0xffff00ff;
constexpr uint64_t kDr7Fixed = 0x700;
constexpr uint64_t kX86UserTop = uint64_t{1} << 47;

// ARM DDI 0487, D13.3.2 and D13.3.11; which bits are whose: zircon/hw/debug/arm64.h.
constexpr uint64_t kAddressBits = 0xffff'ffff'fffc;
constexpr uint32_t kEnable = 1;
constexpr uint32_t kBreakpointActive = kEnable | 0b10u << 1 | 0b1111u << 5;  // EL0, the whole instruction.
constexpr unsigned kByteSelectShift = 5;
constexpr uint32_t kByteSelect = 0xffu << kByteSelectShift;
constexpr uint32_t kWatchpointActive = 0b10u << 1 | 0b10u << 3 | 0b01u << 14;  // EL0, stores.
constexpr uint64_t kArm64UserTop = uint64_t{1} << 48;

}  // namespace

DebugState::DebugState() : dr6_(~kDr6Status), dr7_(~kDr7User) {}

abi::DebugRegsX86 DebugState::x86() const { return {.dr = dr_, .dr6 = dr6_, .dr7 = dr7_}; }

Status DebugState::set(const abi::DebugRegsX86& registers) {
  for (uint64_t address : registers.dr) {
    if (address >= kX86UserTop) return Status::kInvalidArgs;
  }
  dr_ = registers.dr;
  dr6_ = kDr6Fixed | (registers.dr6 & kDr6Status);
  dr7_ = kDr7Fixed | (registers.dr7 & kDr7User);
  return Status::kOk;
}

abi::DebugRegsArm64 DebugState::arm64() const {
  abi::DebugRegsArm64 registers;
  for (size_t i = 0; i < kArm64Breakpoints; ++i) registers.hw_bps[i] = {.dbgbcr = bcr_[i], .dbgbvr = bvr_[i]};
  for (size_t i = 0; i < kArm64Watchpoints; ++i) registers.hw_wps[i] = {.dbgwcr = wcr_[i], .dbgwvr = wvr_[i]};
  registers.far = far_;
  registers.esr = esr_;
  registers.hw_bps_count = kArm64Breakpoints;
  registers.hw_wps_count = kArm64Watchpoints;
  return registers;
}

Status DebugState::set(const abi::DebugRegsArm64& registers) {
  // What lies past the registers that there are counts for nothing.
  for (size_t i = 0; i < kArm64Breakpoints; ++i) {
    if (registers.hw_bps[i].dbgbvr >= kArm64UserTop) return Status::kInvalidArgs;
  }
  for (size_t i = 0; i < kArm64Watchpoints; ++i) {
    if (registers.hw_wps[i].dbgwvr >= kArm64UserTop) return Status::kInvalidArgs;
  }
  for (size_t i = 0; i < kArm64Breakpoints; ++i) {
    bvr_[i] = registers.hw_bps[i].dbgbvr & kAddressBits;
    bcr_[i] = (registers.hw_bps[i].dbgbcr & kEnable) != 0 ? kBreakpointActive : 0;
  }
  for (size_t i = 0; i < kArm64Watchpoints; ++i) {
    uint32_t control = registers.hw_wps[i].dbgwcr;
    wvr_[i] = registers.hw_wps[i].dbgwvr & kAddressBits;
    wcr_[i] = (control & kEnable) != 0 ? (control & (kEnable | kByteSelect)) | kWatchpointActive : control;
  }
  return Status::kOk;
}

void DebugState::note(Arch arch, const ExceptionInfo& info) {
  if (arch == Arch::kArm64) {
    esr_ = info.syndrome;
    far_ = info.address.value;
  } else {
    dr6_ = kDr6Fixed | (info.point == ExceptionInfo::kStep ? kDr6Step : uint64_t{1} << (info.point & 3));
  }
}

void DebugState::clear_step_status() { dr6_ &= ~kDr6Cleared; }

std::vector<DebugControl::Point> DebugState::points(Arch arch) const {
  return arch == Arch::kArm64 ? arm64_points() : x86_points();
}

std::vector<DebugControl::Point> DebugState::x86_points() const {
  constexpr uint64_t kSizes[] = {1, 2, 8, 4};  // By LENn.
  std::vector<DebugControl::Point> points;
  for (uint32_t i = 0; i < dr_.size(); ++i) {
    if ((dr7_ >> 2 * i & 3) == 0) continue;
    uint64_t kind = dr7_ >> (16 + 4 * i) & 3;
    uint64_t size = kSizes[dr7_ >> (18 + 4 * i) & 3];
    if (kind == 2) continue;  // I/O, which no program here can make.
    points.push_back({.address = GuestAddr(kind == 0 ? dr_[i] : dr_[i] & ~(size - 1)),
                      .size = kind == 0 ? 1 : size,
                      .number = i,
                      .execute = kind == 0,
                      .read = kind == 3,
                      .write = kind != 0});
  }
  return points;
}

std::vector<DebugControl::Point> DebugState::arm64_points() const {
  std::vector<DebugControl::Point> points;
  for (uint32_t i = 0; i < kArm64Breakpoints; ++i) {
    if ((bcr_[i] & kEnable) == 0) continue;
    points.push_back({.address = GuestAddr(bvr_[i]), .size = 4, .number = i, .execute = true});
  }
  for (uint32_t i = 0; i < kArm64Watchpoints; ++i) {
    uint32_t bytes = wcr_[i] >> kByteSelectShift & 0xff;
    if ((wvr_[i] & 4) != 0) bytes &= 0xf;  // Of a doubleword's second half.
    if ((wcr_[i] & kEnable) == 0 || bytes == 0) continue;
    auto first = static_cast<uint64_t>(std::countr_zero(bytes));
    auto size = static_cast<uint64_t>(std::bit_width(bytes)) - first;
    points.push_back({.address = GuestAddr(wvr_[i] + first), .size = size, .number = i, .write = true});
  }
  return points;
}

void DebugState::state(Archive& ar) { ar(dr_, dr6_, dr7_, bvr_, wvr_, bcr_, wcr_, far_, esr_); }

}  // namespace jacinth::kernel
