#include "kernel/task/ktrace.h"

#include <algorithm>
#include <cstring>

#include "emu/state/archive.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

using abi::KtraceEvent;
using abi::KtraceGroups;

namespace {

/// Names are cut off behind so many characters, and padded to eight bytes with at least one zero.
constexpr size_t kMaxName = 31;
constexpr size_t kNameHeader = 12;
/// A tick is a nanosecond.
constexpr uint32_t kTicksPerMs = 1'000'000;

template <class T>
uint32_t short_koid(const T& object) {
  return static_cast<uint32_t>(abi::raw(object.koid()));
}

}  // namespace

Ktrace::Ktrace(Core& core, uint64_t size) : core_(core), size_(size & ~(kPageSize - 1)) {}

Ktrace::~Ktrace() {
  groups_ = KtraceGroups::kNone;
  watch();
}

/// Watches the kernel only while something of it is to be traced.
void Ktrace::watch() {
  bool wanted = groups_ != KtraceGroups::kNone;
  if (wanted == watching_) return;
  watching_ = wanted;
  if (wanted) {
    core_.tasks().add_observer(*this);
    core_.set_tracer(this);
  } else {
    core_.tasks().remove_observer(*this);
    core_.set_tracer(nullptr);
  }
}

bool Ktrace::append(std::span<const std::byte> record) {
  uint64_t room = size_ - fixed_.size();
  if (!circular_) {
    if (room >= record.size()) {
      fixed_.insert(fixed_.end(), record.begin(), record.end());
      return true;
    }
  } else if (record.size() <= room) {
    // The oldest go, one by one, until there is room.
    while (ring_.size() - ring_begin_ + record.size() > room) {
      uint32_t tag = 0;
      std::memcpy(&tag, &ring_[ring_begin_], sizeof tag);
      ring_begin_ += abi::ktrace_size(tag);
    }
    if (ring_begin_ > room) {
      ring_.erase(ring_.begin(), ring_.begin() + static_cast<ptrdiff_t>(ring_begin_));
      ring_begin_ = 0;
    }
    ring_.insert(ring_.end(), record.begin(), record.end());
    return true;
  }
  groups_ = KtraceGroups::kNone;  // Full: there is nothing more to trace, though it counts as started.
  return false;
}

bool Ktrace::event(KtraceEvent event, KtraceGroups group, Record record, uint32_t size) {
  if (!traces(group)) return false;
  record.tag = abi::ktrace_tag(static_cast<uint32_t>(event), group, size);
  record.time = static_cast<uint64_t>(core_.now().ns);
  return append(std::as_bytes(std::span(&record, 1)).first(size));
}

void Ktrace::name(KtraceEvent event, uint32_t id, uint32_t argument, std::string_view text, bool always) {
  if (!always && !traces(KtraceGroups::kMeta)) return;
  text = text.substr(0, kMaxName);
  std::vector<std::byte> record((kNameHeader + text.size() + 1 + 7) & ~size_t{7});
  uint32_t tag =
      abi::ktrace_tag(static_cast<uint32_t>(event), KtraceGroups::kMeta, static_cast<uint32_t>(record.size()));
  const uint32_t header[] = {tag, id, argument};
  std::memcpy(record.data(), header, sizeof header);
  std::memcpy(record.data() + kNameHeader, text.data(), text.size());
  append(record);
}

/// What a trace begins with, each time that it is made anew.
void Ktrace::begin() {
  fixed_.clear();
  ring_.clear();
  ring_begin_ = 0;
  circular_ = false;
  if (!made_) return;
  auto meta = [this](KtraceEvent event, uint32_t a) {
    Record record{.tag = abi::ktrace_tag(static_cast<uint32_t>(event), KtraceGroups::kMeta, abi::kKtraceRecord),
                  .a = a};
    append(std::as_bytes(std::span(&record, 1)));
  };
  meta(KtraceEvent::kVersion, abi::kKtraceVersion);
  meta(KtraceEvent::kTicksPerMs, kTicksPerMs);
  for (const abi::SyscallInfo& info : abi::syscalls()) {
    if (info.number < 0) continue;
    std::string_view text = info.name;
    name(KtraceEvent::kSyscallName, static_cast<uint32_t>(info.number), 0, text.substr(text.find('_') + 1), true);
  }
  std::vector<std::pair<uint32_t, std::string_view>> probes;
  probes.reserve(probes_.size());
  for (const auto& [text, id] : probes_) probes.emplace_back(id, text);
  std::ranges::sort(probes);
  for (const auto& [id, text] : probes) name(KtraceEvent::kProbeName, id, 0, text, true);
}

void Ktrace::name_the_living() {
  core_.objects().for_each([this](Object& object) {
    if (auto* process = object_cast<Process>(&object); process != nullptr && !process->dead()) {
      name(KtraceEvent::kProcName, short_koid(*process), 0, process->name(), true);
    }
  });
  core_.objects().for_each([this](Object& object) {
    if (auto* thread = object_cast<Thread>(&object); thread != nullptr && !thread->dying_or_dead()) {
      name(KtraceEvent::kThreadName, short_koid(*thread), short_koid(thread->process()), thread->name(), true);
    }
  });
}

Status Ktrace::start(KtraceGroups groups, bool circular) {
  if (size_ == 0) return Status::kNotSupported;
  groups = groups & KtraceGroups::kAll;
  if (groups == KtraceGroups::kNone) groups = KtraceGroups::kAll;
  if (!made_) {
    made_ = true;
    begin();
  }
  if (!circular && circular_) return Status::kBadState;  // Only behind a rewind.
  if (!started_) name_the_living();
  circular_ = circular;
  started_ = true;
  groups_ = groups;
  running_.assign(core_.platform().cpu_count(), 0);
  watch();
  return Status::kOk;
}

Status Ktrace::stop() {
  groups_ = KtraceGroups::kNone;
  started_ = false;
  watch();
  return Status::kOk;
}

Status Ktrace::rewind() {
  if (started_) return Status::kBadState;
  begin();
  return Status::kOk;
}

Result<uint32_t> Ktrace::probe(std::string_view text) {
  auto found = probes_.find(text);
  if (found != probes_.end()) return found->second;
  if (probes_.size() == abi::kKtraceProbeIdMax) return Status::kNoMemory;
  auto id = static_cast<uint32_t>(probes_.size() + 1);
  probes_.emplace(std::string(text), id);
  if (made_) name(KtraceEvent::kProbeName, id, 0, text, true);
  return id;
}

Status Ktrace::write_probe(uint32_t id, uint64_t tid, uint32_t a, uint32_t b) {
  Record record{.tid = static_cast<uint32_t>(tid), .a = a, .b = b};
  auto named = static_cast<KtraceEvent>(id | abi::kKtraceNamedEvent);
  return event(named, KtraceGroups::kProbe, record, abi::kKtraceProbeRecord) ? Status::kOk : Status::kUnavailable;
}

Result<uint64_t> Ktrace::available() const {
  if (size_ == 0) return Status::kNotSupported;
  if (started_) return Status::kBadState;
  return fixed_.size() + ring_.size() - ring_begin_;
}

std::vector<std::byte> Ktrace::read(uint64_t offset, uint64_t size) const {
  std::vector<std::byte> bytes;
  auto take = [&](std::span<const std::byte> from) {
    if (offset >= from.size()) {
      offset -= from.size();
      return;
    }
    from = from.subspan(offset, std::min<uint64_t>(size - bytes.size(), from.size() - offset));
    bytes.insert(bytes.end(), from.begin(), from.end());
    offset = 0;
  };
  take(fixed_);
  take(std::span(ring_).subspan(ring_begin_));
  return bytes;
}

// --- what happens ---

void Ktrace::call(KtraceEvent kind, const Thread& thread, const Trap& trap) {
  auto number = static_cast<uint32_t>(trap.number);
  event(kind, KtraceGroups::kSyscall, {.tid = number << 8 | (thread.turn().cpu & 0xff)}, abi::kKtraceSmallRecord);
}

void Ktrace::call_entered(Thread& thread, const Trap& trap) {
  acting_ = abi::raw(thread.koid());
  call(KtraceEvent::kSyscallEnter, thread, trap);
}

void Ktrace::call_resumed(Thread& thread, const Trap&) { acting_ = abi::raw(thread.koid()); }

void Ktrace::call_left(Thread& thread, const Trap& trap, int64_t) { call(KtraceEvent::kSyscallExit, thread, trap); }

void Ktrace::call_abandoned(Thread& thread, const Trap& trap) { call(KtraceEvent::kSyscallExit, thread, trap); }

void Ktrace::trace(KtraceEvent kind, const std::array<uint32_t, 4>& words) {
  event(kind, abi::ktrace_group(kind),
        {.tid = static_cast<uint32_t>(acting_), .a = words[0], .b = words[1], .c = words[2], .d = words[3]});
}

void Ktrace::interrupt(Interrupt what) {
  if (!traces(KtraceGroups::kIrq)) return;
  bool begins = what == Interrupt::kTimerEnter;
  acting_ = 0;
  // The virtual timer of the GIC, and X86_INT_APIC_TIMER; the first CPU has it.
  uint32_t number = core_.platform().arch() == Arch::kArm64 ? 27 : 0xf1;
  event(begins ? KtraceEvent::kIrqEnter : KtraceEvent::kIrqExit, KtraceGroups::kIrq, {.tid = number << 8},
        abi::kKtraceSmallRecord);
}

void Ktrace::thread_runs(Thread& thread, unsigned cpu) {
  acting_ = abi::raw(thread.koid());
  uint64_t before = std::exchange(running_[cpu], abi::raw(thread.koid()));
  if (before == running_[cpu]) return;
  switched(cpu, before, thread.turn().base_priority);
}

void Ktrace::cpu_idles(unsigned cpu) {
  uint64_t before = std::exchange(running_[cpu], 0);
  if (before != 0) switched(cpu, before, 0);
}

void Ktrace::switched(unsigned cpu, uint64_t before, uint32_t priority) {
  constexpr uint32_t kReady = 1;
  auto from = static_cast<uint32_t>(before);
  auto to = static_cast<uint32_t>(running_[cpu]);
  event(KtraceEvent::kContextSwitch, KtraceGroups::kScheduler,
        {.tid = from,
         .a = to,
         .b = cpu | kReady << 8 | uint32_t{Turn::kDefaultPriority} << 16 | priority << 24,
         .c = from,
         .d = to});
}

void Ktrace::page_fault(Thread& thread, unsigned cpu, GuestAddr page, AccessKind access) {
  fault(KtraceEvent::kPageFault, thread, cpu, page, access);
}

void Ktrace::page_fault_over(Thread& thread, unsigned cpu, GuestAddr page, AccessKind access) {
  fault(KtraceEvent::kPageFaultExit, thread, cpu, page, access);
}

void Ktrace::fault(KtraceEvent kind, Thread& thread, unsigned cpu, GuestAddr page, AccessKind access) {
  auto flags = abi::KtraceFaultFlags::kUser;
  if (access == AccessKind::kWrite) flags |= abi::KtraceFaultFlags::kWrite;
  if (access == AccessKind::kExecute) flags |= abi::KtraceFaultFlags::kInstruction;
  event(kind, KtraceGroups::kVm,
        {.tid = short_koid(thread),
         .a = static_cast<uint32_t>(page.value >> 32),
         .b = static_cast<uint32_t>(page.value),
         .c = static_cast<uint32_t>(flags),
         .d = cpu});
}

void Ktrace::process_created(Process& process) {
  name(KtraceEvent::kProcName, short_koid(process), 0, process.name(), false);
}

void Ktrace::process_exited(Process& process) {
  event(KtraceEvent::kProcExit, KtraceGroups::kTasks, {.a = short_koid(process)});
}

void Ktrace::thread_started(Thread& thread) {
  name(KtraceEvent::kThreadName, short_koid(thread), short_koid(thread.process()), thread.name(), false);
}

void Ktrace::thread_exited(Thread& thread) {
  acting_ = abi::raw(thread.koid());
  trace(KtraceEvent::kThreadExit, {});
}

void Ktrace::state(Archive& ar) {
  ar(made_, started_, circular_, groups_, fixed_, ring_, ring_begin_, probes_, running_, acting_);
  if (!ar.loading()) return;
  // Whole records, so that the oldest can be found.
  uint64_t at = ring_begin_;
  while (at < ring_.size()) {
    uint32_t tag = 0;
    if (ring_.size() - at >= sizeof tag) std::memcpy(&tag, &ring_[at], sizeof tag);
    uint32_t size = abi::ktrace_size(tag);
    if (size == 0 || size > ring_.size() - at) break;
    at += size;
  }
  bool whole = at == ring_.size() && ring_begin_ <= ring_.size() && fixed_.size() + ring_.size() - at <= size_;
  if (!whole || (groups_ != KtraceGroups::kNone && running_.size() != core_.platform().cpu_count())) {
    ar.fail("a trace that is none");
    made_ = started_ = false;
    groups_ = KtraceGroups::kNone;
    begin();
  }
  watch();
}

}  // namespace jacinth::kernel
