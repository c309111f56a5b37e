#include "kernel/inspect/event_source.h"

#include <algorithm>
#include <utility>

#include "kernel/abi/syscall_info.h"
#include "kernel/object/core.h"
#include "kernel/task/exception.h"
#include "kernel/task/job.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

using emu::Event;
using emu::EventKind;

EventSource::EventSource(Core& core, emu::EventSink& sink, Detail detail) : core_(core), sink_(sink), detail_(detail) {
  for (const abi::SyscallInfo& info : abi::syscalls()) {
    if (info.number < 0) continue;
    counts_.resize(std::max<size_t>(counts_.size(), static_cast<size_t>(info.number) + 1));
    counts_[static_cast<size_t>(info.number)] = static_cast<uint8_t>(info.args.size());
  }
  core_.tasks().add_observer(*this, detail_ == Detail::kResults ? Hears::kResults : Hears::kEverything);
  core_.vm().set_copy_watchers(tells_all() ? this : nullptr, this);
  if (detail_ == Detail::kAll) core_.add_traffic_watcher(*this);
}

EventSource::Detail EventSource::detail(emu::RecordLevel level, uint8_t minor_version) {
  if (level == emu::RecordLevel::kFull) return minor_version >= 1 ? Detail::kAll : Detail::kAllButPackets;
  return minor_version >= 2 ? Detail::kResults : Detail::kResultsAndCopies;
}

EventSource::~EventSource() {
  core_.remove_traffic_watcher(*this);
  core_.vm().set_copy_watchers(nullptr, nullptr);
  core_.tasks().remove_observer(*this);
}

// While a call runs, no time passes.
inline void EventSource::note_caller(Thread& thread) {
  call_.time = core_.now();
  call_.process = abi::raw(thread.process().koid());
  call_.thread = abi::raw(thread.koid());
}

void EventSource::call_entered(Thread& thread, const Trap&) {
  note_caller(thread);
  in_call_ = true;
}

void EventSource::call_resumed(Thread& thread, const Trap& trap) { call_entered(thread, trap); }

void EventSource::copied(EventKind kind, GuestAddr at, std::span<const std::byte> bytes) {
  copy_.kind = kind;
  copy_.time = call_.time;
  copy_.process = call_.process;
  copy_.thread = call_.thread;
  copy_.arguments[0] = at.value;
  copy_.data = bytes;
  sink_.event(copy_);
}

void EventSource::copied_in(GuestAddr from, std::span<const std::byte> bytes) {
  copied(EventKind::kCopyIn, from, bytes);
}

void EventSource::copied_out(GuestAddr to, std::span<const std::byte> bytes) {
  if (detail_ == Detail::kResults) {
    call_.copies = emu::add_copy(call_.copies, to.value, bytes);
  } else {
    copied(EventKind::kCopyOut, to, bytes);
  }
}

void EventSource::packet(EventKind kind, Koid port, uint64_t ticket, const abi::PortPacket& packet) {
  Event event{.kind = kind, .argument_count = 4, .time = core_.now()};
  if (in_call_) {
    event.process = call_.process;
    event.thread = call_.thread;
  }
  event.number = static_cast<uint32_t>(packet.type);
  event.arguments[0] = abi::raw(port);
  event.arguments[1] = ticket;
  event.arguments[2] = packet.key;
  event.arguments[3] = static_cast<uint32_t>(abi::raw(packet.status));
  sink_.event(event);
}

void EventSource::packet_queued(Koid port, uint64_t ticket, const abi::PortPacket& packet) {
  this->packet(EventKind::kPacketQueued, port, ticket, packet);
}

void EventSource::packet_taken(Koid port, uint64_t ticket, const abi::PortPacket& packet) {
  this->packet(EventKind::kPacketTaken, port, ticket, packet);
}

Event EventSource::event_of(EventKind kind, Process& process) {
  return {.kind = kind, .time = core_.now(), .process = abi::raw(process.koid())};
}

Event EventSource::event_of(EventKind kind, Thread& thread) {
  Event event = event_of(kind, thread.process());
  event.thread = abi::raw(thread.koid());
  return event;
}

// One by one: the trap's were stored so a moment ago, and a processor that loads several of them at once waits for
// that.
inline void EventSource::add_arguments(Event& event, const Trap& trap) {
  event.number = trap.number;
  size_t count = trap.number < counts_.size() ? counts_[trap.number] : 0;
  event.argument_count = static_cast<uint8_t>(count);
  for (size_t i = 0; i < count; ++i) event.arguments[i] = trap.arguments[i];
}

void EventSource::call_parked(Thread& thread, const Trap& trap) {
  in_call_ = false;
  if (!tells_all()) return;
  Event event = event_of(EventKind::kCallParked, thread);
  event.number = trap.number;
  sink_.event(event);
}

void EventSource::call_left(Thread& thread, const Trap& trap, int64_t result) {
  if (!std::exchange(in_call_, false)) note_caller(thread);
  add_arguments(call_, trap);
  call_.result = result;
  sink_.event(call_);
  call_.copies = 0;
}

void EventSource::call_abandoned(Thread& thread, const Trap& trap) {
  in_call_ = false;
  Event event = event_of(EventKind::kCallAbandoned, thread);
  add_arguments(event, trap);
  event.copies = std::exchange(call_.copies, 0);
  sink_.event(event);
}

void EventSource::thread_runs(Thread& thread, unsigned cpu) {
  if (!tells_all()) return;
  Event event = event_of(EventKind::kThreadRuns, thread);
  event.number = cpu;
  sink_.event(event);
}

void EventSource::page_fault(Thread& thread, unsigned, GuestAddr page, AccessKind access) {
  Event event = event_of(EventKind::kPageFault, thread);
  event.number = static_cast<uint64_t>(access);
  event.argument_count = 1;
  event.arguments[0] = page.value;
  sink_.event(event);
}

void EventSource::exception(Thread& thread, const Exception& exception) {
  Event event = event_of(EventKind::kException, thread);
  event.number = static_cast<uint64_t>(exception.type);
  event.argument_count = 3;
  event.arguments[0] = exception.cause.pc.value;
  event.arguments[1] = exception.cause.address.value;
  event.arguments[2] = exception.synth_code;
  sink_.event(event);
}

void EventSource::process_created(Process& process) {
  Event event = event_of(EventKind::kProcessCreated, process);
  event.argument_count = 1;
  event.arguments[0] = abi::raw(process.job().koid());
  sink_.event(event);
}

void EventSource::process_started(Process&, Thread& initial) {
  sink_.event(event_of(EventKind::kProcessStarted, initial));
}

void EventSource::process_exited(Process& process) {
  Event event = event_of(EventKind::kProcessExited, process);
  event.result = process.return_code();
  sink_.event(event);
}

void EventSource::thread_started(Thread& thread) { sink_.event(event_of(EventKind::kThreadStarted, thread)); }

void EventSource::thread_exited(Thread& thread) { sink_.event(event_of(EventKind::kThreadExited, thread)); }

void EventSource::digest(uint64_t low, uint64_t high) {
  Event event{.kind = EventKind::kDigest, .argument_count = 2, .time = core_.now()};
  event.arguments[0] = low;
  event.arguments[1] = high;
  sink_.event(event);
}

void EventSource::output(std::string_view text) {
  sink_.event({.kind = EventKind::kOutput, .time = core_.now(), .data = std::as_bytes(std::span(text))});
}

}  // namespace jacinth::kernel
