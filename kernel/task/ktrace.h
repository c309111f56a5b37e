// The kernel's own trace, as programs with the right for it make and read it (zircon/kernel/lib/ktrace).
//
//   [ version, ticks, names of calls and probes | names of what lives | events ... ]
//     fixed part, and all of it when the trace stops where it is full    ring, when it is to keep the newest
//
// Traced: calls entered and left, the timer's interrupts, page faults, changes of threads, futexes, the lives of
// processes and threads, the ends of all objects, channels, ports, waits for one object, names, and probes of programs.
// Objects and calls tell of themselves by Core::trace(), as they do there. The buffer is made at the first start and
// costs the machine no memory.
//
// Left out: inherited priorities and the kernel's own mutexes and wait queues, of which the real kernel gives addresses
// (and which it traces only when built for it); padding where the real ring wraps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/abi/ktrace.h"
#include "kernel/abi/names.h"
#include "kernel/object/core.h"
#include "kernel/task/observer.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Ktrace final : public KernelObserver, private EventTracer {
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

  /// The kernel's timer.
  enum class Interrupt : uint8_t { kTimerEnter, kTimerExit };
  void interrupt(Interrupt what);
  void page_fault_over(Thread& thread, unsigned cpu, GuestAddr page, AccessKind access);

  void call_entered(Thread& thread, const Trap& trap) override;
  void call_resumed(Thread& thread, const Trap& trap) override;
  void call_left(Thread& thread, const Trap& trap, int64_t result) override;
  void call_abandoned(Thread& thread, const Trap& trap) override;
  void thread_runs(Thread& thread, unsigned cpu) override;
  void cpu_idles(unsigned cpu) override;
  void page_fault(Thread& thread, unsigned cpu, GuestAddr page, AccessKind access) override;
  void process_created(Process& process) override;
  void process_exited(Process& process) override;
  void thread_started(Thread& thread) override;
  void thread_exited(Thread& thread) override;

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

  void trace(abi::KtraceEvent event, const std::array<uint32_t, 4>& words) override;
  /// From the thread with koid `before` to what the CPU runs now.
  void switched(unsigned cpu, uint64_t before, uint32_t priority);
  void fault(abi::KtraceEvent event, Thread& thread, unsigned cpu, GuestAddr page, AccessKind access);

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
  uint64_t acting_ = 0;            // Who the kernel works for: the koid of a thread, or 0.
};

}  // namespace jacinth::kernel
