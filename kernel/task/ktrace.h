// The kernel's own trace, as programs with the right for it make and read it (zircon/kernel/lib/ktrace).
//
//   [ version, ticks, names of calls and probes | names of what lives | events ... ]
//     fixed part, and all of it when the trace stops where it is full    ring, when it is to keep the newest
//
// Traced: calls entered and left, changes of threads, page faults, names, ends of processes, and probes of programs.
// The buffer is made at the first start and costs the machine no memory.
//
// Left out: events of interrupts, of IPC, of futexes and of the deletion of objects; padding where the real ring wraps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/abi/ktrace.h"
#include "kernel/abi/names.h"
#include "kernel/task/observer.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Core;

class Ktrace final : public KernelObserver {
 public:
  /// `size`: of the buffer; 0: no trace can be made.
  Ktrace(Core& core, uint64_t size);
  ~Ktrace() override;

  Status start(abi::KtraceGroups groups, bool circular);
  Status stop();
  Status rewind();
  /// The number of the probe of this name, made when there is none.
  Result<uint32_t> probe(std::string_view name);
  /// A record by a program. kUnavailable while probes are not traced, or when there is no room.
  Status write_probe(uint32_t id, uint64_t tid, uint32_t a, uint32_t b);

  /// How much there is; kBadState while the trace goes on.
  Result<uint64_t> available() const;
  /// The bytes from `offset` on. The caller has asked available().
  std::vector<std::byte> read(uint64_t offset, uint64_t size) const;

  void call_entered(Thread& thread, const Trap& trap) override;
  void call_left(Thread& thread, const Trap& trap, int64_t result) override;
  void call_abandoned(Thread& thread, const Trap& trap) override;
  void thread_runs(Thread& thread, unsigned cpu) override;
  void page_fault(Thread& thread, unsigned cpu, GuestAddr page, AccessKind access) override;
  void process_created(Process& process) override;
  void process_exited(Process& process) override;
  void thread_started(Thread& thread) override;

  void state(Archive& ar);

 private:
  struct Record {
    uint32_t tag = 0;
    uint32_t tid = 0;
    uint64_t time = 0;
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t c = 0;
    uint32_t d = 0;
  };
  static_assert(sizeof(Record) == 32);

  bool traces(abi::KtraceGroups group) const { return (groups_ & group) != abi::KtraceGroups::kNone; }
  bool append(std::span<const std::byte> record);
  bool event(abi::KtraceEvent event, abi::KtraceGroups group, Record record, uint32_t size = abi::kKtraceRecord);
  void name(abi::KtraceEvent event, uint32_t id, uint32_t argument, std::string_view text, bool always);
  void call(abi::KtraceEvent event, const Thread& thread, const Trap& trap);
  void begin();
  void name_the_living();
  void watch();

  Core& core_;
  uint64_t size_;
  bool made_ = false;
  bool started_ = false;
  bool circular_ = false;
  bool watching_ = false;  // By groups_; no state.
  abi::KtraceGroups groups_ = abi::KtraceGroups::kNone;
  std::vector<std::byte> fixed_;
  std::vector<std::byte> ring_;
  uint64_t ring_begin_ = 0;  // What lies before it has been overwritten.
  std::map<std::string, uint32_t, std::less<>> probes_;
  std::vector<uint64_t> running_;  // By CPU: the koid of the last thread seen there.
};

}  // namespace jacinth::kernel
