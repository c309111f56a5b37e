// The table of calls: for each call of the ABI, what runs it, how much of it we have, and a sentence.
//
// The facts of a call (number, arguments, result) are in kernel/abi's table; a row here adds what this kernel does
// about it. Each family of handlers exports its rows; `jacinth syscalls` and the documents read them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/abi/status.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/syscalls/bind.h"

namespace jacinth::kernel {

enum class Support : uint8_t { kFull, kPartial, kAbsent };

/// "full", "partial", "absent".
std::string_view support_name(Support support);

struct Row {
  std::string_view name;      // "zx_port_wait"
  Handler handler = nullptr;  // Null for a call that the vDSO answers by itself or with other calls.
  Support support = Support::kAbsent;
  std::string_view sentence;
  /// What an absent call returns.
  Status error = Status::kNotSupported;
};

/// One call with both halves of what is known about it.
struct TableEntry {
  const abi::SyscallInfo* info = nullptr;
  const Row* row = nullptr;
};

/// Every call of the ABI, in the order of abi::syscalls().
std::span<const TableEntry> syscall_table();
/// The entry that traps with this number; null for a number that no call has.
const TableEntry* table_entry(uint64_t number);

/// The handler of absent calls: reports, and returns the row's error.
int64_t unsupported(Call& call);

}  // namespace jacinth::kernel
