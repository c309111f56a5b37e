// A run as a time line: threads on their CPUs, calls as slices, and arrows from whoever does something to whoever it
// reaches. tools/jacinth/views writes it in the formats that viewers open.
//
//   thread A   [ zx_channel_write ]
//                    |  message, wake
//   thread B   [ zx_port_wait ......... ][ zx_channel_read ]
//
// Arrows: a thread wakes another; a packet goes from whoever queues it to the thread that takes it; a message from who
// writes it to who reads it, and a reply past the queue to who waits for it. The kernel's timer is a thread of its own,
// so that what it wakes has a place to begin.
//
// Left out: interrupts of devices, since no board has a device that interrupts; bytes in sockets and FIFOs, which no
// one writer sends (their wake-ups are there).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/time/time.h"
#include "kernel/inspect/call_text.h"
#include "kernel/inspect/trace_filter.h"
#include "kernel/object/traffic.h"
#include "kernel/task/observer.h"

namespace jacinth::kernel {

class Core;

/// Who something happens to, by koids.
struct TimelineThread {
  uint64_t process = 0;
  uint64_t thread = 0;
};

/// What is not the guest's has numbers below every koid.
inline constexpr uint64_t kKernelProcess = 1;
inline constexpr TimelineThread kTimerThread{kKernelProcess, 2};
/// What CPU `cpu` runs when it has nothing to do.
constexpr TimelineThread idle_thread(unsigned cpu) { return {kKernelProcess, 16 + cpu}; }
constexpr bool is_idle(TimelineThread thread) { return thread.process == kKernelProcess && thread.thread >= 16; }

/// What becomes of a thread that leaves a CPU.
enum class Leaves : uint8_t { kReady, kSuspended, kBlocked, kDead };

class TimelineSink {
 public:
  struct Text {
    std::string_view name;
    std::string_view value;
  };
  struct Value {
    std::string_view name;
    uint64_t value = 0;
  };

  virtual ~TimelineSink() = default;
  virtual void process(uint64_t koid, std::string_view name) = 0;
  virtual void thread(TimelineThread thread, std::string_view name) = 0;
  virtual void switched(Time at, unsigned cpu, TimelineThread from, Leaves how, TimelineThread to, int priority) = 0;
  virtual void woken(Time at, unsigned cpu, TimelineThread thread) = 0;
  /// Slices of a thread nest.
  virtual void begin(Time at, TimelineThread thread, std::string_view category, std::string_view name) = 0;
  virtual void end(Time at, TimelineThread thread, std::string_view category, std::string_view name,
                   std::span<const Text> arguments) = 0;
  virtual void instant(Time at, TimelineThread thread, std::string_view category, std::string_view name,
                       std::span<const Text> arguments) = 0;
  /// Both ends lie inside slices.
  virtual void flow_begin(Time at, TimelineThread thread, std::string_view category, uint64_t id) = 0;
  virtual void flow_end(Time at, TimelineThread thread, std::string_view category, uint64_t id) = 0;
  virtual void counter(Time at, std::string_view name, std::span<const Value> values) = 0;
};

class Timeline final : public KernelObserver, private TrafficWatcher {
 public:
  /// Watches from now on, from the beginning of a run. `sink` outlives this.
  Timeline(Core& core, TimelineSink& sink, TextLimits limits, TraceFilter filter);
  ~Timeline() override;
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  /// The run is over: what is open is closed.
  void finish();

  void call_entered(Thread& thread, const Trap& trap) override;
  void call_parked(Thread& thread, const Trap& trap) override;
  void call_resumed(Thread& thread, const Trap& trap) override;
  void call_left(Thread& thread, const Trap& trap, int64_t result) override;
  void call_abandoned(Thread& thread, const Trap& trap) override;
  void thread_woken(Thread& thread) override;
  void interrupt_begins() override;
  void interrupt_ends() override;
  void thread_runs(Thread& thread, unsigned cpu) override;
  void cpu_idles(unsigned cpu) override;
  void page_fault(Thread& thread, unsigned cpu, GuestAddr page, AccessKind access) override;
  void exception(Thread& thread, const Exception& exception) override;
  void process_created(Process& process) override;
  void process_exited(Process& process) override;
  void thread_started(Thread& thread) override;
  void thread_exited(Thread& thread) override;

 private:
  /// Between two samples of the counters.
  static constexpr Duration kSampleGap{10'000};

  struct Slot {
    TimelineThread who;
    bool open = false;   // Its call is a slice.
    uint64_t wake = 0;   // An arrow that comes in with its next step; 0: none.
    uint64_t reply = 0;  // The same of a reply.
    PendingCall call;
    std::string name;
  };
  struct Running {
    Thread* thread = nullptr;  // Null: idle, or dead by now.
    TimelineThread who;
    bool gone = false;
  };

  void packet_queued(Koid port, uint64_t ticket, const abi::PortPacket& packet) override;
  void packet_taken(Koid port, uint64_t ticket, const abi::PortPacket& packet) override;
  void message_queued(Koid end, uint32_t size) override;
  void message_taken(Koid end) override;
  void reply_delivered(Koid thread, uint32_t size) override;

  Slot& slot(Thread& thread);
  bool chosen(const Thread& thread) const;
  void switch_to(unsigned cpu, Thread* thread);
  void arrive(Slot& at);
  void close(Slot& at, std::span<const TimelineSink::Text> arguments);
  void finish_call(Thread& thread, const int64_t* result);
  /// An arrow out of what the kernel is doing now; 0 when that is no slice.
  uint64_t depart(std::string_view category);
  void sample(bool now);

  Core& core_;
  TimelineSink& sink_;
  TextLimits limits_;
  TraceFilter filter_;
  std::map<uint64_t, Slot> slots_;  // By thread.
  std::vector<Running> running_;    // By CPU.
  Slot* acting_ = nullptr;          // Whose call the kernel carries out.
  bool in_interrupt_ = false;
  uint64_t last_flow_ = 0;
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> packets_;  // By port and ticket: the arrow.
  std::map<uint64_t, std::deque<uint64_t>> messages_;          // By end, oldest first.
  Time next_sample_;
  std::vector<uint64_t> sampled_;
};

}  // namespace jacinth::kernel
