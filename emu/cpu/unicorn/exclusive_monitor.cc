#include "emu/cpu/unicorn/exclusive_monitor.h"

#include <cstring>
#include <ranges>

#include "emu/base/check.h"
#include "emu/cpu/unicorn/unicorn_cpu.h"

namespace jacinth::emu {
namespace {

/// As the engine keeps it: the address, and the value that was loaded, in two halves.
struct Kept {
  uint64_t address = 0;
  uint64_t low = 0;
  uint64_t high = 0;
};

/// A saved context as bytes.
class SavedContext {
 public:
  explicit SavedContext(uc_engine* uc) : uc_(uc), size_(uc_context_size(uc)) {
    uc_check(uc_context_alloc(uc, &context_), "allocate a context");
    uc_check(uc_context_save(uc, context_), "save a context");
  }
  ~SavedContext() { uc_context_free(context_); }
  SavedContext(const SavedContext&) = delete;
  SavedContext& operator=(const SavedContext&) = delete;

  std::byte* bytes() { return reinterpret_cast<std::byte*>(context_); }
  size_t size() const { return size_; }
  void restore() { uc_check(uc_context_restore(uc_, context_), "restore a context"); }

 private:
  uc_engine* uc_;
  uc_context* context_ = nullptr;
  size_t size_;
};

// ARM DDI 0487, C4.1.66, "load/store exclusive": bits 29..24 are 001000 and bit 23 is clear; bit 22 tells loads. With
// bit 21 set and bit 31 clear it is CASP.
constexpr bool is_exclusive(uint32_t instruction, bool load) {
  return (instruction & 0x3fc0'0000) == (load ? 0x0840'0000u : 0x0800'0000u) &&
         (instruction & 0x8020'0000) != 0x0020'0000;
}
constexpr bool is_clrex(uint32_t instruction) { return (instruction & 0xffff'f0ff) == 0xd503'305f; }
/// B, BL, BR, BLR, RET, ERET, SVC and its like: what is behind them did not follow them.
constexpr bool leaves(uint32_t instruction) {
  return (instruction & 0x7c00'0000) == 0x1400'0000 || (instruction & 0xfe00'0000) == 0xd600'0000 ||
         (instruction & 0xff00'0000) == 0xd400'0000;
}

}  // namespace

ExclusiveMonitor ExclusiveMonitor::locate(UnicornCpu& cpu, uint64_t boot_address, std::byte* boot_page) {
  constexpr uint64_t kCode = 256;
  constexpr uint64_t kData = 512;
  constexpr uint32_t kLdxp = 0xc87f'2425;  // ldxp x5, x9, [x1]: registers that lie apart
  constexpr Kept kPattern{.low = 0x4a61'6369'6e74'6821, .high = 0x5c1a'97e3'0b6d'42f8};
  std::memcpy(boot_page + kCode, &kLdxp, sizeof kLdxp);
  std::memcpy(boot_page + kData, &kPattern.low, 2 * sizeof(uint64_t));
  Kept wanted = kPattern;
  wanted.address = boot_address + kData;
  cpu.write(UC_ARM64_REG_X1, wanted.address);
  uc_check(cpu.emulate(boot_address + kCode, boot_address + kCode + sizeof kLdxp), "load exclusively");
  SavedContext context(cpu.engine());
  size_t found = 0;
  size_t times = 0;
  for (size_t at = 0; at + sizeof wanted <= context.size(); at += sizeof(uint64_t)) {
    if (std::memcmp(context.bytes() + at, &wanted, sizeof wanted) != 0) continue;
    found = at;
    ++times;
  }
  CHECK(times == 1, "the engine's exclusive monitor was found {} times", times);
  return ExclusiveMonitor(found);
}

bool ExclusiveMonitor::open_behind(std::span<const uint32_t> instructions) {
  for (uint32_t instruction : std::views::reverse(instructions)) {
    if (is_exclusive(instruction, true)) return true;
    if (is_exclusive(instruction, false) || is_clrex(instruction) || leaves(instruction)) return false;
  }
  return false;
}

void ExclusiveMonitor::save(uc_engine* uc, Registers& registers) const {
  SavedContext context(uc);
  Kept kept;
  std::memcpy(&kept, context.bytes() + offset_, sizeof kept);
  registers.exclusive = 1;
  registers.exclusive_address = kept.address;
  registers.exclusive_value = {.low = kept.low, .high = kept.high};
}

void ExclusiveMonitor::load(uc_engine* uc, const Registers& registers) const {
  SavedContext context(uc);
  Kept kept{.address = registers.exclusive_address,
            .low = registers.exclusive_value.low,
            .high = registers.exclusive_value.high};
  std::memcpy(context.bytes() + offset_, &kept, sizeof kept);
  context.restore();
}

}  // namespace jacinth::emu
