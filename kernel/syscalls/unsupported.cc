#include "kernel/syscalls/unsupported.h"

#include <cstring>
#include <optional>

#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_space.h"

namespace jacinth::kernel {
namespace {

/// Who called the vDSO's stub: the link register, or what lies on the stack below nothing but the return address. Only
/// looked at: a report must bring no page in, and wait for none.
GuestAddr caller_of(Thread& thread) {
  const Registers& registers = thread.registers();
  if (thread.core().platform().arch() == Arch::kArm64) return GuestAddr(registers.gpr[30]);
  GuestAddr at(registers.gpr[kRsp]);
  Vm& vm = thread.core().vm();
  std::optional<PageTables::Entry> entry = thread.process().memory().tables().query(at.page());
  uint64_t address = 0;
  if (entry && vm.pmm().contains(entry->frame) && at.page_offset() <= kPageSize - sizeof address)
    std::memcpy(&address, vm.platform().data(entry->frame + at.page_offset()), sizeof address);
  return GuestAddr(address);
}

}  // namespace

void UnsupportedUse::state(Archive& ar) {
  ar(call, option, count, status, trap.number, trap.return_address, trap.arguments, caller, when, process, thread);
}

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
