#include "emu/cpu/x86_64/cpuid.h"

#include <cstring>
#include <string_view>

namespace jacinth::emu {
namespace {

constexpr uint32_t kMaxBasicLeaf = 0x0d;
constexpr uint32_t kMaxExtendedLeaf = 0x8000'0008;

// Leaf 1, ECX and EDX.
constexpr uint32_t kSse3 = 1u << 0, kPclmulqdq = 1u << 1, kSsse3 = 1u << 9, kCx16 = 1u << 13, kSse41 = 1u << 19,
                   kSse42 = 1u << 20, kPopcnt = 1u << 23, kAes = 1u << 25, kHypervisor = 1u << 31;
constexpr uint32_t kFpu = 1u << 0, kTsc = 1u << 4, kCx8 = 1u << 8, kCmov = 1u << 15, kClfsh = 1u << 19, kMmx = 1u << 23,
                   kFxsr = 1u << 24, kSse = 1u << 25, kSse2 = 1u << 26;
// Leaf 0x8000'0001, ECX and EDX.
constexpr uint32_t kLahf64 = 1u << 0;
constexpr uint32_t kSyscall = 1u << 11, kNx = 1u << 20, kLongMode = 1u << 29;

uint32_t word(std::string_view text, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, text.data() + at, 4);
  return value;
}

}  // namespace

CpuidResult cpuid(uint32_t leaf, uint32_t subleaf) {
  static constexpr std::string_view kVendor = "GenuineIntel";
  static constexpr std::string_view kHypervisorVendor = "JacinthJacin";
  // 48 bytes, padded with zeroes.
  static constexpr std::string_view kBrand{"Jacinth virtual processor\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                           48};

  // A leaf past the last one answers as the last basic leaf does (SDM: "returns the data for the highest basic leaf").
  if (leaf > kMaxBasicLeaf && leaf < 0x4000'0000) leaf = kMaxBasicLeaf;
  switch (leaf) {
    case 0x0: return {kMaxBasicLeaf, word(kVendor, 0), word(kVendor, 8), word(kVendor, 4)};
    case 0x1:
      return {0x0002'06c1,  // Family 6, model 0x2c (Westmere), stepping 1.
              0x0001'0800,  // One logical processor, 64-byte CLFLUSH line, APIC id 0.
              kSse3 | kPclmulqdq | kSsse3 | kCx16 | kSse41 | kSse42 | kPopcnt | kAes | kHypervisor,
              kFpu | kTsc | kCx8 | kCmov | kClfsh | kMmx | kFxsr | kSse | kSse2};
    case 0x2: return {0x0000'0001, 0, 0, 0};
    case 0x4:  // Deterministic cache parameters: 32 KiB L1D and L1I, 256 KiB L2, 8-way, 64-byte lines.
      switch (subleaf) {
        case 0: return {0x0000'0121, 0x01c0'003f, 0x0000'003f, 0};
        case 1: return {0x0000'0122, 0x01c0'003f, 0x0000'003f, 0};
        case 2: return {0x0000'0143, 0x01c0'003f, 0x0000'01ff, 0};
        default: return {};
      }
    case 0x4000'0000:
      return {0x4000'0000, word(kHypervisorVendor, 0), word(kHypervisorVendor, 4), word(kHypervisorVendor, 8)};
    case 0x8000'0000: return {kMaxExtendedLeaf, 0, 0, 0};
    case 0x8000'0001: return {0, 0, kLahf64, kSyscall | kNx | kLongMode};
    case 0x8000'0002:
    case 0x8000'0003:
    case 0x8000'0004: {
      size_t at = size_t{leaf - 0x8000'0002} * 16;
      return {word(kBrand, at), word(kBrand, at + 4), word(kBrand, at + 8), word(kBrand, at + 12)};
    }
    case 0x8000'0006: return {0, 0, 0x0100'6040, 0};
    case 0x8000'0007: return {0, 0, 0, 1u << 8};      // Invariant TSC.
    case 0x8000'0008: return {0x0000'3028, 0, 0, 0};  // 40 physical, 48 linear address bits.
    default: return {};
  }
}

}  // namespace jacinth::emu
