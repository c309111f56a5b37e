#include "kernel/inspect/call_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/call_text.h"
#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {
CallTable::CallTable(Core& core, TraceFilter filter) : core_(core), filter_(std::move(filter)) {
  filter_.objects.clear();
  core_.tasks().add_observer(*this);
}

CallTable::~CallTable() { core_.tasks().remove_observer(*this); }

void CallTable::call_entered(Thread& thread, const Trap& trap) {
  if (!filter_.takes_call(trap.number)) return;
  if (!filter_.takes(core_.now(), abi::raw(thread.process().koid()), abi::raw(thread.koid()))) return;
  // Numbers that no call has are one row: a guest must not choose how much memory this takes.
  if (abi::syscall_by_number(static_cast<uint32_t>(trap.number)) == nullptr) return;
  entered_[abi::raw(thread.koid())] = core_.now();
}

void CallTable::ended(Thread& thread, const Trap& trap, const int64_t* result) {
  auto found = entered_.find(abi::raw(thread.koid()));
  if (found == entered_.end()) return;
  Time entered = found->second;
  entered_.erase(found);
  const abi::SyscallInfo* info = abi::syscall_by_number(static_cast<uint32_t>(trap.number));
  if (!filter_.takes_end(info, result, {})) return;
  bool failed = info != nullptr && result != nullptr && call_failed(*info, *result);
  Row& row = rows_[trap.number];
  ++row.calls;
  row.errors += failed ? 1 : 0;
  row.time += (core_.now() - entered).ns;
}

void CallTable::call_left(Thread& thread, const Trap& trap, int64_t result) { ended(thread, trap, &result); }

void CallTable::call_abandoned(Thread& thread, const Trap& trap) { ended(thread, trap, nullptr); }

std::string CallTable::text() const {
  std::vector<std::pair<uint64_t, Row>> rows(rows_.begin(), rows_.end());
  std::ranges::stable_sort(rows, [](const auto& a, const auto& b) {
    return a.second.time != b.second.time ? a.second.time > b.second.time : a.second.calls > b.second.calls;
  });
  Row total;
  for (const auto& [number, row] : rows) {
    total.calls += row.calls;
    total.errors += row.errors;
    total.time += row.time;
  }
  auto line = [&total](const Row& row, std::string_view name) {
    double share = total.time != 0 ? 100.0 * static_cast<double>(row.time) / static_cast<double>(total.time) : 0;
    return fmt::format("{:6.2f} {:>13}.{:09} {:>11} {:>9} {:>9} {}\n", share, row.time / 1'000'000'000,
                       row.time % 1'000'000'000, row.time / static_cast<int64_t>(std::max<uint64_t>(row.calls, 1)),
                       row.calls, row.errors != 0 ? fmt::format("{}", row.errors) : std::string(), name);
  };
  std::string text = fmt::format("{:>6} {:>23} {:>11} {:>9} {:>9} {}\n", "% time", "seconds", "nsecs/call", "calls",
                                 "errors", "syscall");
  std::string rule = fmt::format("{:-<6} {:-<23} {:-<11} {:-<9} {:-<9} {:-<16}\n", "", "", "", "", "", "");
  text += rule;
  for (const auto& [number, row] : rows) text += line(row, abi::syscall_by_number(static_cast<uint32_t>(number))->name);
  return text + rule + line(total, "total");
}

}  // namespace jacinth::kernel
