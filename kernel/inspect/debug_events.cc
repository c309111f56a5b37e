#include "kernel/inspect/debug_events.h"

#include <algorithm>

#include "kernel/abi/syscall_info.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/task/exception.h"
#include "kernel/vdso/image.h"

namespace jacinth::kernel {
namespace {

/// How long the instruction is that calls the kernel: SVC, SYSCALL.
uint64_t trap_length(Arch arch) { return arch == Arch::kArm64 ? 4 : 2; }

/// Whether a process asks if it should trap for its debugger, now that libraries are loaded. Dynamic linkers do after
/// each load, at start-up and later; so the debugger of the whole machine hears of it with nothing changed in the
/// process (ZX_PROP_PROCESS_BREAK_ON_LOAD, docs/reference/syscalls/object_get_property.md).
bool asks_about_loads(Thread& thread, const Trap& trap) {
  if (trap.arguments[1] != static_cast<uint64_t>(abi::Property::kProcessBreakOnLoad)) return false;
  const HandleEntry* entry = thread.process().handles().find(Handle{static_cast<uint32_t>(trap.arguments[0])});
  return entry != nullptr && entry->object.get() == &thread.process();
}

emu::TaskId id_of(Thread& thread) {
  return {.process = abi::raw(thread.process().koid()), .thread = abi::raw(thread.koid())};
}

}  // namespace

DebugEvents::DebugEvents(Kernel& kernel)
    : kernel_(kernel), property_call_(abi::syscall_by_name("zx_object_get_property")->number) {
  kernel_.tasks().add_observer(*this);
  kernel_.core().add_traffic_watcher(*this);
  kernel_.core().set_object_watcher(this);
}

DebugEvents::~DebugEvents() {
  kernel_.core().set_object_watcher(nullptr);
  kernel_.core().remove_traffic_watcher(*this);
  kernel_.tasks().remove_observer(*this);
}

emu::TaskId DebugEvents::task_of(const ThreadContext& context) {
  const Scheduler& scheduler = kernel_.tasks().scheduler();
  for (unsigned cpu = 0; cpu < kernel_.core().platform().cpu_count(); ++cpu) {
    Thread* thread = scheduler.current(cpu);
    if (thread != nullptr && &thread->context() == &context) return id_of(*thread);
  }
  return {};
}

bool DebugEvents::in_call(uint64_t koid) {
  Object* object = kernel_.core().objects().find(Koid{koid});
  auto* thread = object != nullptr ? object_cast<Thread>(object) : nullptr;
  return thread != nullptr && thread->parked();
}

std::vector<emu::CallSite> DebugEvents::call_sites(std::span<const uint64_t> numbers) {
  std::vector<emu::CallSite> sites;
  Core& core = kernel_.core();
  const VdsoImage& vdso = kernel_.vm().vdso_image();
  core.objects().for_each([&](Object& object) {
    auto* process = object_cast<Process>(&object);
    if (process == nullptr || process->vdso_code() == GuestAddr()) return;
    for (const ReturnSite& site : vdso.return_sites) {
      if (!numbers.empty() && std::ranges::find(numbers, site.call) == numbers.end()) continue;
      uint64_t end = site.offset - vdso.code_offset;
      sites.push_back({.process = abi::raw(process->koid()),
                       .address = process->vdso_code() + end - trap_length(core.platform().arch()),
                       .number = site.call});
    }
  });
  return sites;
}

std::optional<int> DebugEvents::exit_code() {
  if (!kernel_.outcome()) return std::nullopt;
  return static_cast<uint8_t>(kernel_.outcome()->return_code);
}

void DebugEvents::tell(emu::MomentKind kind, emu::TaskId who, uint64_t koid, uint64_t value) {
  if (sink_ != nullptr) sink_->moment({.kind = kind, .who = who, .koid = koid, .value = value});
}

void DebugEvents::call_entered(Thread& thread, const Trap&) { doer_ = id_of(thread); }

void DebugEvents::call_resumed(Thread& thread, const Trap&) { doer_ = id_of(thread); }

void DebugEvents::page_fault(Thread& thread, unsigned, GuestAddr, AccessKind) { doer_ = id_of(thread); }

void DebugEvents::interrupt_begins() { doer_ = {}; }

void DebugEvents::thread_runs(Thread&, unsigned) { doer_ = {}; }

void DebugEvents::call_parked(Thread& thread, const Trap& trap) {
  emu::TaskId who = id_of(thread);
  if (thread.wait().reason == BlockReason::kFutex)
    tell(emu::MomentKind::kFutexParked, who, who.thread, trap.arguments[0]);
  tell(emu::MomentKind::kThreadBlocked, who, who.thread);
}

void DebugEvents::thread_woken(Thread& thread) {
  emu::TaskId who = id_of(thread);
  tell(emu::MomentKind::kThreadWoken, who, who.thread);
}

void DebugEvents::packet_queued(Koid port, uint64_t, const abi::PortPacket& packet) {
  tell(emu::MomentKind::kPacketQueued, doer_, abi::raw(port), packet.key);
}

void DebugEvents::message_queued(Koid end, uint32_t size) {
  tell(emu::MomentKind::kMessageWritten, doer_, abi::raw(end), size);
}

void DebugEvents::handle_closed(Koid object, uint32_t left) {
  tell(emu::MomentKind::kHandleClosed, doer_, abi::raw(object), left);
}

void DebugEvents::signalled(Koid object, Signals asserted) {
  tell(emu::MomentKind::kSignalled, doer_, abi::raw(object), abi::raw(asserted));
}

void DebugEvents::page_committed(uint64_t pages, uint64_t page) {
  if (sink_ == nullptr || !sink_->wants(emu::MomentKind::kPageCommitted)) return;
  // Containers do not know their VMOs.
  const Vmo* owner = nullptr;
  kernel_.core().objects().for_each([&](Object& object) {
    const auto* vmo = object_cast<Vmo>(&object);
    if (vmo != nullptr && !vmo->is_slice() && static_cast<uint64_t>(vmo->pages()->id()) == pages) owner = vmo;
  });
  if (owner != nullptr) tell(emu::MomentKind::kPageCommitted, doer_, abi::raw(owner->koid()), page * kPageSize);
}

void DebugEvents::call_left(Thread& thread, const Trap& trap, int64_t result) {
  if (sink_ == nullptr) return;
  if (trap.number == static_cast<uint64_t>(property_call_) && asks_about_loads(thread, trap))
    tell(emu::MomentKind::kLibrariesLoaded, id_of(thread), abi::raw(thread.process().koid()));
  sink_->call_left(id_of(thread), trap.number, result);
}

void DebugEvents::exception(Thread& thread, const Exception& exception) {
  emu::TaskId who = doer_ = id_of(thread);
  tell(emu::MomentKind::kException, who, who.thread, static_cast<uint64_t>(exception.type));
}

void DebugEvents::process_started(Process& process, Thread& initial) {
  tell(emu::MomentKind::kProcessStarted, id_of(initial), abi::raw(process.koid()));
}

void DebugEvents::process_exited(Process& process) {
  uint64_t koid = abi::raw(process.koid());
  tell(emu::MomentKind::kProcessExited, {.process = koid}, koid, static_cast<uint64_t>(process.return_code()));
}

void DebugEvents::thread_started(Thread& thread) {
  emu::TaskId who = id_of(thread);
  tell(emu::MomentKind::kThreadStarted, who, who.thread);
}

void DebugEvents::thread_exited(Thread& thread) {
  emu::TaskId who = id_of(thread);
  tell(emu::MomentKind::kThreadExited, who, who.thread);
}

}  // namespace jacinth::kernel
