#include "kernel/task/restricted_mode.h"

#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/task/x86_registers.h"

namespace jacinth::kernel {
namespace {

/// is_user_accessible() of either architecture: the half of the addresses that is not the kernel's.
bool user_accessible(Arch arch, uint64_t address) {
  return arch == Arch::kArm64 ? (address >> 55 & 1) == 0 : address >> 47 == 0;
}

}  // namespace

bool RestrictedMode::may_enter(Arch arch) const {
  if (arch == Arch::kArm64) return false;
  return user_accessible(arch, x86_.ip) && (x86_.flags & ~kX86UserFlags) == 0 && x86_canonical(x86_.fs_base) &&
         x86_canonical(x86_.gs_base);
}

Status RestrictedMode::enter(Thread& thread, GuestAddr vector, uint64_t context) {
  Arch arch = thread.core().platform().arch();
  if (!user_accessible(arch, vector.value)) return Status::kInvalidArgs;
  if (!may_enter(arch)) return Status::kBadState;

  Registers& r = thread.registers();
  vector_ = vector;
  context_ = context;
  normal_fs_base_ = r.tls;
  normal_gs_base_ = r.tls_second;
  inside_ = true;
  for (auto [field, index] : kX86Fields<abi::RestrictedStateX86>) r.gpr[index] = x86_.*field;
  r.pc = x86_.ip;
  r.flags = x86_.flags | kX86InitialFlags;
  r.tls = x86_.fs_base;
  r.tls_second = x86_.gs_base;
  thread.set_step((r.flags & kX86TrapFlag) != 0);
  thread.use_space(thread.process().restricted_or_normal());
  return Status::kOk;
}

void RestrictedMode::leave(Thread& thread) {
  Registers& r = thread.registers();
  for (auto [field, index] : kX86Fields<abi::RestrictedStateX86>) x86_.*field = r.gpr[index];
  // The instruction takes both for itself, and the kernel's entry then clears them.
  x86_.rcx = x86_.r11 = 0;
  x86_.ip = r.pc;
  x86_.flags = r.flags & kX86UserFlags;
  x86_.fs_base = r.tls;
  x86_.gs_base = r.tls_second;

  inside_ = false;
  r.gpr = {};
  r.gpr[kRdi] = context_;
  r.gpr[kRsi] = 0;  // ZX_RESTRICTED_REASON_SYSCALL, the only one of this revision.
  r.pc = vector_.value;
  r.flags = kX86InitialFlags;
  r.tls = normal_fs_base_;
  r.tls_second = normal_gs_base_;
  thread.set_step(false);
  thread.use_space(thread.process().memory());
}

void RestrictedMode::state(Archive& ar) {
  for (auto [field, index] : kX86Fields<abi::RestrictedStateX86>) ar(x86_.*field);
  ar(x86_.ip, x86_.flags, x86_.fs_base, x86_.gs_base, arm64_.x, arm64_.sp, arm64_.cpsr, arm64_.padding1);
  ar(inside_, vector_, context_, normal_fs_base_, normal_gs_base_);
}

}  // namespace jacinth::kernel
