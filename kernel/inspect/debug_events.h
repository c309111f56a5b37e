// What time travel hears from the kernel and asks it (emu/debug/kernel_side.h).
#pragma once

#include "emu/debug/kernel_side.h"
#include "kernel/object/traffic.h"
#include "kernel/task/observer.h"

namespace jacinth::kernel {

class Kernel;

class DebugEvents final : public emu::KernelSide,
                          private KernelObserver,
                          private TrafficWatcher,
                          private ObjectWatcher {
 public:
  /// Listens from now on. The kernel outlives it.
  explicit DebugEvents(Kernel& kernel);
  ~DebugEvents() override;
  DebugEvents(const DebugEvents&) = delete;
  DebugEvents& operator=(const DebugEvents&) = delete;

  void set_sink(emu::KernelSink* sink) override { sink_ = sink; }
  emu::TaskId task_of(const ThreadContext& context) override;
  bool in_call(uint64_t thread) override;
  std::vector<emu::CallSite> call_sites(std::span<const uint64_t> numbers) override;
  std::optional<int> exit_code() override;

 private:
  void call_entered(Thread& thread, const Trap& trap) override;
  void call_resumed(Thread& thread, const Trap& trap) override;
  void call_parked(Thread& thread, const Trap& trap) override;
  void call_left(Thread& thread, const Trap& trap, int64_t result) override;
  void exception(Thread& thread, const Exception& exception) override;
  void process_started(Process& process, Thread& initial) override;
  void process_exited(Process& process) override;
  void thread_started(Thread& thread) override;
  void thread_exited(Thread& thread) override;
  void thread_woken(Thread& thread) override;
  void packet_queued(Koid port, uint64_t ticket, const abi::PortPacket& packet) override;
  void message_queued(Koid end, uint32_t size) override;
  void interrupt_begins() override;
  void thread_runs(Thread& thread, unsigned cpu) override;
  void page_fault(Thread& thread, unsigned cpu, GuestAddr page, AccessKind access) override;
  void handle_closed(Koid object, uint32_t left) override;
  void signalled(Koid object, Signals asserted) override;
  void page_committed(uint64_t pages, uint64_t page) override;

  void tell(emu::MomentKind kind, emu::TaskId who, uint64_t koid, uint64_t value = 0);

  Kernel& kernel_;
  int16_t property_call_;  // The number of zx_object_get_property.
  emu::KernelSink* sink_ = nullptr;
  // Whose call, fault or exception the kernel is at, or was: what comes of it when it is over (an end of a channel
  // goes, and the other one is told) is still its doing. Zeros: nobody's.
  emu::TaskId doer_;
};

}  // namespace jacinth::kernel
