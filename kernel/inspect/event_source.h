// What a kernel's observer hears, in the words of a recorder (emu/replay/event.h): numbers only.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "emu/replay/event.h"
#include "kernel/object/traffic.h"
#include "kernel/task/observer.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

class Core;

class EventSource final : public KernelObserver, private CopyWatcher, private TrafficWatcher {
 public:
  /// All that it hears, or what a recording of digests is made of: not who runs where, what calls read and that they
  /// wait, which shows in times and results anyway and makes most of the events. What was
  /// written to programs is told with the next call that ends. The other two are what full recordings of format 1.0
  /// had, and those of digests before 1.2.
  enum class Detail : uint8_t { kAll, kAllButPackets, kResults, kResultsAndCopies };
  static Detail detail(emu::RecordLevel level, uint8_t minor_version);
  /// Speaks from now on. Both outlive it.
  EventSource(Core& core, emu::EventSink& sink, Detail detail);
  ~EventSource() override;
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;

  void call_entered(Thread& thread, const Trap& trap) override;
  void call_resumed(Thread& thread, const Trap& trap) override;
  void call_parked(Thread& thread, const Trap& trap) override;
  void call_left(Thread& thread, const Trap& trap, int64_t result) override;
  void call_abandoned(Thread& thread, const Trap& trap) override;
  void thread_runs(Thread& thread, unsigned cpu) override;
  void page_fault(Thread& thread, unsigned cpu, GuestAddr page, AccessKind access) override;
  void exception(Thread& thread, const Exception& exception) override;
  void process_created(Process& process) override;
  void process_started(Process& process, Thread& initial) override;
  void process_exited(Process& process) override;
  void thread_started(Thread& thread) override;
  void thread_exited(Thread& thread) override;

  /// The machine's digest, which whoever runs it takes from time to time.
  void digest(uint64_t low, uint64_t high);
  void output(std::string_view text);

 private:
  emu::Event event_of(emu::EventKind kind, Thread& thread);
  emu::Event event_of(emu::EventKind kind, Process& process);
  void copied_in(GuestAddr from, std::span<const std::byte> bytes) override;
  void copied_out(GuestAddr to, std::span<const std::byte> bytes) override;
  void packet_queued(Koid port, uint64_t ticket, const abi::PortPacket& packet) override;
  void packet_taken(Koid port, uint64_t ticket, const abi::PortPacket& packet) override;
  void packet(emu::EventKind kind, Koid port, uint64_t ticket, const abi::PortPacket& packet);
  void copied(emu::EventKind kind, GuestAddr at, std::span<const std::byte> bytes);
  void note_caller(Thread& thread);
  void add_arguments(emu::Event& event, const Trap& trap);
  bool tells_all() const { return detail_ == Detail::kAll || detail_ == Detail::kAllButPackets; }

  Core& core_;
  emu::EventSink& sink_;
  Detail detail_;
  bool in_call_ = false;
  std::vector<uint8_t> counts_;  // Of the arguments that calls have, by number.
  // The call that runs, and what it copies. Kept, since making them anew for each call takes longer than all the rest.
  emu::Event call_;
  emu::Event copy_{.argument_count = 1};
};

}  // namespace jacinth::kernel
