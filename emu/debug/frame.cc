#include "emu/debug/frame.h"

namespace jacinth::emu {

Frame Frame::of(Arch arch, const Registers& registers) {
  Frame frame{.arch = arch, .pc = registers.pc};
  if (arch == Arch::kArm64) {
    for (size_t i = 0; i < registers.gpr.size(); ++i) frame.registers[i] = registers.gpr[i];
    frame.registers[31] = registers.sp;
  } else {
    static constexpr std::array<X86Gpr, 16> kByNumber = {kRax, kRdx, kRcx, kRbx, kRsi, kRdi, kRbp, kRsp,
                                                         kR8,  kR9,  kR10, kR11, kR12, kR13, kR14, kR15};
    for (size_t i = 0; i < kByNumber.size(); ++i) frame.registers[i] = registers.gpr[kByNumber[i]];
  }
  return frame;
}

}  // namespace jacinth::emu
