#include "kernel/inspect/event_source.h"

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
  core_.tasks().add_observer(*this);
  core_.vm().set_copy_watcher(this);
}

EventSource::~EventSource() {
  core_.vm().set_copy_watcher(nullptr);
  core_.tasks().remove_observer(*this);
}

void EventSource::call_entered(Thread& thread, const Trap&) {
  // While a call runs, no time passes.
  call_.time = core_.now();
  call_.process = abi::raw(thread.process().koid());
  call_.thread = abi::raw(thread.koid());
}

void EventSource::call_resumed(Thread& thread, const Trap& trap) { call_entered(thread, trap); }

void EventSource::copied(EventKind kind, GuestAddr at, std::span<const std::byte> bytes) {
  Event event{.kind = kind, .argument_count = 1, .time = call_.time, .process = call_.process, .thread = call_.thread};
  event.arguments[0] = at.value;
  event.data = bytes;
  sink_.event(event);
}

void EventSource::copied_in(GuestAddr from, std::span<const std::byte> bytes) {
  if (detail_ == Detail::kAll) copied(EventKind::kCopyIn, from, bytes);
}

void EventSource::copied_out(GuestAddr to, std::span<const std::byte> bytes) { copied(EventKind::kCopyOut, to, bytes); }

Event EventSource::event_of(EventKind kind, Process& process) {
  return {.kind = kind, .time = core_.now(), .process = abi::raw(process.koid())};
}

Event EventSource::event_of(EventKind kind, Thread& thread) {
  Event event = event_of(kind, thread.process());
  event.thread = abi::raw(thread.koid());
  return event;
}

void EventSource::add_arguments(Event& event, const Trap& trap) {
  event.number = trap.number;
  const abi::SyscallInfo* info = abi::syscall_by_number(static_cast<uint32_t>(trap.number));
  event.argument_count = info != nullptr ? static_cast<uint8_t>(info->args.size()) : 0;
  event.arguments = trap.arguments;
}

void EventSource::call_parked(Thread& thread, const Trap& trap) {
  if (detail_ != Detail::kAll) return;
  Event event = event_of(EventKind::kCallParked, thread);
  event.number = trap.number;
  sink_.event(event);
}

void EventSource::call_left(Thread&, const Trap& trap, int64_t result) {
  add_arguments(call_, trap);
  call_.result = result;
  sink_.event(call_);
}

void EventSource::call_abandoned(Thread& thread, const Trap& trap) {
  Event event = event_of(EventKind::kCallAbandoned, thread);
  add_arguments(event, trap);
  sink_.event(event);
}

void EventSource::thread_runs(Thread& thread, unsigned cpu) {
  if (detail_ != Detail::kAll) return;
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
