// A row for each system call, as `strace -c` prints them: how often, how often in vain, and the virtual time from its
// beginning to its end, waiting included.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "emu/time/time.h"
#include "kernel/inspect/trace_filter.h"
#include "kernel/task/observer.h"

namespace jacinth::kernel {

class Core;

class CallTable final : public KernelObserver {
 public:
  /// Counts from now on the calls that the filter takes; which objects they name is not looked at.
  CallTable(Core& core, TraceFilter filter);
  ~CallTable() override;
  CallTable(const CallTable&) = delete;
  CallTable& operator=(const CallTable&) = delete;

  void call_entered(Thread& thread, const Trap& trap) override;
  void call_left(Thread& thread, const Trap& trap, int64_t result) override;
  void call_abandoned(Thread& thread, const Trap& trap) override;

  /// The table, the call with the most time first.
  std::string text() const;

 private:
  struct Row {
    uint64_t calls = 0;
    uint64_t errors = 0;
    int64_t time = 0;
  };
  void ended(Thread& thread, const Trap& trap, const int64_t* result);

  Core& core_;
  TraceFilter filter_;
  std::map<uint64_t, Time> entered_;  // By thread, while it is in a call.
  std::map<uint64_t, Row> rows_;      // By number.
};

}  // namespace jacinth::kernel
