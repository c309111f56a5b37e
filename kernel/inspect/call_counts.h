// How often each system call was made.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "emu/state/archive.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/object/core.h"
#include "kernel/task/observer.h"
#include "kernel/task/tasks.h"

namespace jacinth::kernel {

class CallCounts final : public KernelObserver {
 public:
  /// Counts from now on.
  explicit CallCounts(Core& core) : core_(core) { core_.tasks().add_observer(*this); }
  ~CallCounts() override { core_.tasks().remove_observer(*this); }
  CallCounts(const CallCounts&) = delete;
  CallCounts& operator=(const CallCounts&) = delete;

  void call_entered(Thread&, const Trap& trap) override {
    // Numbers that no call has are not worth a name, nor memory that a guest chooses.
    if (abi::syscall_by_number(static_cast<uint32_t>(trap.number)) == nullptr) {
      ++unknown_;
      return;
    }
    if (counts_.size() <= trap.number) counts_.resize(trap.number + 1);
    ++counts_[trap.number];
  }

  /// visit(name, count) for each call that was made, by name.
  template <class F>
  void for_each(F&& visit) const {
    for (const abi::SyscallInfo& info : abi::syscalls()) {
      if (info.number < 0 || static_cast<size_t>(info.number) >= counts_.size()) continue;
      uint64_t count = counts_[static_cast<size_t>(info.number)];
      if (count > 0) visit(info.name, count);
    }
    if (unknown_ > 0) visit(std::string_view("unknown"), unknown_);
  }

  /// For a snapshot, which another observer goes on from.
  void state(Archive& ar) { ar(counts_, unknown_); }

 private:
  Core& core_;
  std::vector<uint64_t> counts_;  // By number.
  uint64_t unknown_ = 0;
};

}  // namespace jacinth::kernel
