#include "kernel/syscalls/table.h"

#include <map>
#include <vector>

#include "emu/base/check.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/kernel.h"

namespace jacinth::kernel {
namespace {

constexpr std::span<const Row> (*kFamilies[])() = {
    // A line each, so that two new families do not meet in one.
    // clang-format off
    absent_rows,
    bti_rows,
    channel_rows,
    clock_rows,
    event_rows,
    exception_rows,
    fifo_rows,
    futex_rows,
    handle_rows,
    interrupt_rows,
    job_rows,
    ktrace_rows,
    misc_rows,
    object_rows,
    pager_rows,
    port_rows,
    process_rows,
    profile_rows,
    resource_rows,
    restricted_rows,
    socket_rows,
    stream_rows,
    system_rows,
    task_rows,
    thread_rows,
    timer_rows,
    vdso_rows,
    vmar_rows,
    vmo_rows,
    wait_rows,
    // clang-format on
};

/// Until every family has its file.
constexpr Row kMissing = {"zx_missing", unsupported, Support::kAbsent, "Not built yet."};

struct Table {
  std::vector<TableEntry> entries;
  std::vector<const TableEntry*> by_number;

  Table() {
    std::map<std::string_view, const Row*> rows;
    for (auto family : kFamilies) {
      for (const Row& row : family()) {
        CHECK(rows.emplace(row.name, &row).second, "{} has two rows", row.name);
        CHECK(abi::syscall_by_name(row.name) != nullptr, "{} is no call of the ABI", row.name);
      }
    }
    entries.reserve(abi::syscalls().size());
    for (const abi::SyscallInfo& info : abi::syscalls()) {
      auto row = rows.find(info.name);
      entries.push_back({&info, row != rows.end() ? row->second : &kMissing});
    }
    for (const TableEntry& entry : entries) {
      if (entry.info->number < 0) continue;
      auto number = static_cast<size_t>(entry.info->number);
      if (by_number.size() <= number) by_number.resize(number + 1);
      by_number[number] = &entry;
    }
  }
};

const Table& table() {
  static const Table kTable;
  return kTable;
}

}  // namespace

std::string_view support_name(Support support) {
  switch (support) {
    case Support::kFull: return "full";
    case Support::kPartial: return "partial";
    case Support::kAbsent: break;
  }
  return "absent";
}

std::span<const TableEntry> syscall_table() { return table().entries; }

const TableEntry* table_entry(uint64_t number) {
  return number < table().by_number.size() ? table().by_number[number] : nullptr;
}

int64_t unsupported(Call& call) { return abi::raw(call.unsupported({}, table_entry(call.number())->row->error)); }

}  // namespace jacinth::kernel
