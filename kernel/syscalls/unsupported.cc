#include "kernel/syscalls/unsupported.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {
namespace {

/// Who called the vDSO's stub: the link register, or what lies on the stack below nothing but the return address.
GuestAddr caller_of(Thread& thread) {
  const Registers& registers = thread.registers();
  if (thread.core().platform().arch() == Arch::kArm64) return GuestAddr(registers.gpr[30]);
  std::array<std::byte, 8> bytes = {};
  Status status = thread.process().memory().read(GuestAddr(registers.gpr[kRsp]), bytes);
  uint64_t address = 0;
  if (status == Status::kOk) std::memcpy(&address, bytes.data(), sizeof address);
  return GuestAddr(address);
}

}  // namespace

bool UnsupportedLedger::add(Thread& thread, std::string_view call, std::string_view option, Status status) {
  UnsupportedUse& use = uses_[{std::string(call), std::string(option)}];
  if (use.count++ > 0) return false;
  use.call = call;
  use.option = option;
  use.status = status;
  use.trap = thread.call().trap;
  use.caller = caller_of(thread);
  use.when = thread.core().now();
  use.process = abi::raw(thread.process().koid());
  use.thread = abi::raw(thread.koid());
  return hook_ && hook_(thread, use);
}

}  // namespace jacinth::kernel
