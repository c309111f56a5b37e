#include "kernel/syscalls/kernel.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "emu/base/check.h"
#include "emu/base/version.h"
#include "emu/state/archive.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/event/eventpair.h"
#include "kernel/hw/bti.h"
#include "kernel/hw/interrupt.h"
#include "kernel/hw/resource.h"
#include "kernel/ipc/channel.h"
#include "kernel/ipc/debuglog.h"
#include "kernel/ipc/fifo.h"
#include "kernel/ipc/port.h"
#include "kernel/ipc/socket.h"
#include "kernel/pager/pager.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"
#include "kernel/vdso/image.h"
#include "kernel/vm/stream.h"

namespace jacinth::kernel {
namespace {

constexpr uint16_t kNoReturnSite = 0xffff;

/// Nanoseconds: ticks and time are the same.
constexpr int64_t kTicksPerSecond = 1'000'000'000;
constexpr uint32_t kCacheLineSize = 64;

/// ZX_ARM64_FEATURE_ISA_*, what the model of the processor has: FP, ASIMD, AES, PMULL, SHA1, SHA2, CRC32, atomics.
constexpr uint32_t kArm64Features = 0x1fe;
/// ZX_HAS_CPU_FEATURES; x86-64 programs ask CPUID instead.
constexpr uint32_t kHasCpuFeatures = 1;

VdsoConstants constants(Platform& platform) {
  std::string version = "jacinth-" + std::string(kVersion);
  CHECK(version.size() < kVdsoVersionStringMax);
  VdsoConstants values = {};
  values.num_cpus = platform.cpu_count();
  values.page_size = kPageSize;
  values.dcache_line_size = kCacheLineSize;
  values.icache_line_size = kCacheLineSize;
  values.features_cpu = platform.arch() == Arch::kArm64 ? kHasCpuFeatures | kArm64Features : 0;
  values.physmem = platform.ram_size();
  values.ticks_per_second = kTicksPerSecond;
  values.version_string_length = version.size();
  std::ranges::copy(version, values.version_string);
  return values;
}

/// The counter's ticks are nanoseconds.
VdsoConstantsOf2020 of_2020(const VdsoConstants& values) {
  VdsoConstantsOf2020 older = {.num_cpus = values.num_cpus,
                               .features_cpu = values.features_cpu,
                               .features_hw_breakpoints = values.features_hw_breakpoints,
                               .features_hw_watchpoints = values.features_hw_watchpoints,
                               .dcache_line_size = values.dcache_line_size,
                               .icache_line_size = values.icache_line_size,
                               .ticks_per_second = values.ticks_per_second,
                               .ticks_to_time_numerator = 1,
                               .ticks_to_time_denominator = 1,
                               .physmem = values.physmem,
                               .version_string_length = values.version_string_length};
  std::ranges::copy(values.version_string, older.version_string);
  return older;
}

/// Of the kernel's trace, which needs the calls that it is read with. More than this would be the host's memory.
uint64_t trace_size(const Core& core) {
  constexpr uint64_t kMostMegabytes = 256;
  if (core.option("kernel.enable-debugging-syscalls", 0) == 0) return 0;
  return std::min(core.option("ktrace.bufsize", 32), kMostMegabytes) << 20;
}

}  // namespace

Kernel::Kernel(Platform& platform, KernelOptions options)
    : vm_(platform),
      core_(platform, std::move(options.options)),
      tasks_(core_),
      watchdog_(core_),
      only_from_vdso_(options.only_from_vdso),
      given_vdso_(std::move(options.vdso)),
      ktrace_(core_, trace_size(core_)) {
  vm_.attach(core_);
  watchdog_.configure();
  core_.ipc_memory().fill_reserve();
  core_.objects().register_type<Bti>();
  core_.objects().register_type<Channel>();
  core_.objects().register_type<Clock>();
  core_.objects().register_type<Debuglog>();
  core_.objects().register_type<Event>();
  core_.objects().register_type<EventPair>();
  core_.objects().register_type<Fifo>();
  core_.objects().register_type<Interrupt>();
  core_.objects().register_type<Iommu>();
  core_.objects().register_type<Pager>();
  core_.objects().register_type<PinnedMemory>();
  core_.objects().register_type<Port>();
  core_.objects().register_type<Resource>();
  core_.objects().register_type<Socket>();
  core_.objects().register_type<Stream>();
  core_.objects().register_type<Timer>();
  for (const TableEntry& entry : syscall_table()) {
    if (entry.info->number < 0) continue;
    auto number = static_cast<size_t>(entry.info->number);
    if (handlers_.size() <= number) {
      handlers_.resize(number + 1);
      argument_counts_.resize(number + 1);
    }
    handlers_[number] = entry.row->handler;
    argument_counts_[number] = static_cast<uint8_t>(entry.info->args.size());
  }
  if (given_vdso_) take_given_vdso();
  if (!options.injections.empty()) injector_ = std::make_unique<Injector>(tasks_, options.injections, handlers_);
  const VdsoImage& vdso = given_vdso_ ? given_vdso_->image : jacinth::kernel::vdso_image(platform.arch());
  vm_.set_vdso_image(vdso);
  return_sites_.assign(vdso.code_size, kNoReturnSite);
  for (const ReturnSite& site : vdso.return_sites) return_sites_[site.offset - vdso.code_offset] = site.number;
  cpu_counts_.resize(platform.cpu_count());
  performance_.assign(platform.cpu_count(), {.integral_part = 1});
  root_job_ = Job::create_root(core_);
}

Kernel::~Kernel() { let_go(); }

Result<Ref<Vmo>> Kernel::vdso_vmo() {
  if (vdso_vmo_) return vdso_vmo_;
  const VdsoImage& image = vm_.vdso_image();
  Ref<Vmo> vmo = TRY(Vmo::create(core_, image.elf.size()));
  static_cast<void>(vmo->set_name("vdso/next"));
  VdsoConstants values = constants(core_.platform());
  TRY_STATUS(vmo->write(0, image.elf));
  VdsoConstantsOf2020 older = of_2020(values);
  TRY_STATUS(vmo->write(image.constants_offset,
                        image.of_2020 ? std::as_bytes(std::span(&older, 1)) : std::as_bytes(std::span(&values, 1))));
  vdso_vmo_ = vmo;
  vm_.set_vdso({.vmo = vdso_vmo_->koid(), .code_offset = image.code_offset, .code_size = image.code_size});
  return vdso_vmo_;
}

void Kernel::let_go() {
  tasks_.forget_all();
  if (attendant_ != nullptr) attendant_->let_go();
  root_job_ = nullptr;
  vdso_vmo_ = nullptr;
  initial_process_ = nullptr;
  watchdog_.let_go();
  core_.let_go();
}

void Kernel::forget() {
  vm_.pmm().keep_contents(true);
  let_go();
  vm_.pmm().keep_contents(false);
}

void Kernel::tick() {
  Time now = core_.now();
  if (watchdog_.due(now)) {
    watchdog_.run(now, *root_job_);
    if (watchdog_.reboots()) outcome_ = Outcome{.kind = Outcome::Kind::kOutOfMemory};
    leave();
  }
  if (now >= vm_.scanner().due()) vm_.scanner().run(now);
}

// Once per system call: here, before whoever calls them, so that they become part of it.

void Kernel::leave() {
  tasks_.settle();
  if (attendant_ != nullptr && attendant_->wants_attention()) [[unlikely]]
    attend_to_services();
  if (initial_process_ && initial_process_->dead() && !outcome_) [[unlikely]] {
    outcome_ = Outcome{.kind = Outcome::Kind::kExited, .return_code = initial_process_->return_code()};
  }
}

void Kernel::attend_to_services() {
  do {
    attendant_->attend();
    tasks_.settle();
  } while (attendant_->pending());
}

inline bool Kernel::accepts(const Thread& thread, const Trap& trap) const {
  if (only_from_vdso_) [[likely]] {
    uint64_t offset = trap.return_address - thread.process().vdso_code();
    return offset < return_sites_.size() && return_sites_[offset] == trap.number;
  }
  return trap.number < handlers_.size() && handlers_[trap.number] != nullptr;
}

/// Afterwards handlers are found by the calls of ours that its traps stand for; only how many arguments a trap has is
/// asked by the number that it has there.
void Kernel::take_given_vdso() {
  first_unknown_ = static_cast<uint16_t>(handlers_.size());
  handlers_.resize(handlers_.size() + given_vdso_->unknown.size(), unknown_call);
  given_calls_.assign(given_vdso_->image.code_size, kNoReturnSite);
  std::vector<uint8_t> counts;
  for (const ReturnSite& site : given_vdso_->return_sites) {
    if (counts.size() <= site.number) counts.resize(site.number + 1);
    counts[site.number] = site.call < argument_counts_.size() ? argument_counts_[site.call] : Trap{}.arguments.size();
    given_calls_[site.offset - given_vdso_->image.code_offset] =
        site.call < GivenVdso::kFirstUnknown
            ? site.call
            : static_cast<uint16_t>(first_unknown_ + (site.call - GivenVdso::kFirstUnknown));
  }
  argument_counts_ = std::move(counts);
}

/// From here on the call is one of ours, for whoever looks at it.
void Kernel::translate(const Thread& thread, Trap& trap) const {
  if (!accepts(thread, trap)) return;
  trap.number = given_calls_[trap.return_address - thread.process().vdso_code()];
  if (trap.number != GivenVdso::kSocketShutdown) return;
  // zx_socket_shutdown(handle, options) as our own vDSO makes it (kernel/vdso/calls.c). No disposition is all ones.
  constexpr uint64_t kWrite = 1, kRead = 2, kWriteDisabled = 1;
  auto options = static_cast<uint32_t>(trap.arguments[1]);
  trap.number = static_cast<uint64_t>(abi::syscall_by_name("zx_socket_set_disposition")->number);
  trap.arguments[1] = (options & kWrite) != 0 ? kWriteDisabled : 0;
  trap.arguments[2] = (options & kRead) != 0 ? kWriteDisabled : 0;
  if ((options & ~(kWrite | kRead)) != 0) trap.arguments[1] = ~uint64_t{0};
}

/// The image exports it, and no row is about it.
int64_t Kernel::unknown_call(Call& call) {
  Kernel& kernel = call.kernel();
  const std::string& name = kernel.given_vdso_->unknown[call.number() - kernel.first_unknown_];
  kernel.report_unsupported(call.thread(), name, {}, Status::kNotSupported);
  return abi::raw(Status::kNotSupported);
}

/// Runs the handler of the thread's call. True when the call is over, with its result.
inline bool Kernel::run_call(Thread& thread, int64_t& result) {
  CallState& state = thread.call();
  Call call(*this, thread);
  vm_.set_page_request(&thread.page_wait());
  result = state.telling ? abi::raw(call.tell_rest()) : handlers_[state.trap.number](call);
  vm_.set_page_request(nullptr);
  if (thread.parked()) {
    state.active = state.resumed = true;
    tasks_.tell_traffic([&](KernelObserver& observer) { observer.call_parked(thread, state.trap); });
    return false;
  }
  tasks_.tell_results([&](KernelObserver& observer) {
    if (thread.dying_or_dead()) {
      observer.call_abandoned(thread, state.trap);
    } else {
      observer.call_left(thread, state.trap, result);
    }
  });
  state.clear();
  thread.page_wait().forget_failure();
  return true;
}

ThreadContext* Kernel::schedule(unsigned cpu) {
  tick();
  while (!outcome_) {
    Thread* thread = tasks_.scheduler().choose(cpu, core_.now());
    if (thread == nullptr) break;
    if (thread->page_wait().take_interruption() && thread->enter_suspension()) {
      // Its call, or its access, goes on waiting for the page when it may run again.
      leave();
      continue;
    }
    if (thread->call().active) {
      tasks_.tell_traffic([&](KernelObserver& observer) { observer.call_resumed(*thread, thread->call().trap); });
      int64_t result = 0;
      bool over = run_call(*thread, result);
      if (over) thread->context().result = result;
      leave();
      continue;
    }
    if (thread->attention()) {
      attend(*thread);
      leave();
      continue;
    }
    tasks_.tell_traffic([&](KernelObserver& observer) { observer.thread_runs(*thread, cpu); });
    return &thread->context();
  }
  tasks_.tell_traffic([&](KernelObserver& observer) { observer.cpu_idles(cpu); });
  return nullptr;
}

ThreadContext* Kernel::current(unsigned cpu) {
  Thread* thread = tasks_.scheduler().current(cpu);
  bool holds = thread != nullptr && !thread->attention() && !tasks_.scheduler().should_switch(cpu) && !outcome_;
  return holds ? &thread->context() : nullptr;
}

bool Kernel::work_waiting() const { return tasks_.scheduler().work_waiting() && !outcome_; }

Duration Kernel::slice(unsigned cpu) const { return tasks_.scheduler().slice(cpu, core_.now()); }

size_t Kernel::argument_count(uint64_t number) const {
  return number < argument_counts_.size() ? argument_counts_[number] : 0;
}

Next Kernel::system_call(unsigned cpu, const Trap& trap, int64_t& result) {
  Thread& thread = *tasks_.scheduler().current(cpu);
  ++cpu_counts_[cpu].system_calls;
  tasks_.scheduler().enter(cpu);
  if (thread.in_restricted_mode()) [[unlikely]] {
    thread.leave_restricted_mode();
    return Next::kSwitch;
  }
  thread.call().trap = trap;
  if (given_vdso_) [[unlikely]]
    translate(thread, thread.call().trap);
  tasks_.tell_traffic([&](KernelObserver& observer) { observer.call_entered(thread, thread.call().trap); });
  if (!accepts(thread, trap)) [[unlikely]]
    return refuse(thread, result);

  bool over = run_call(thread, result);
  bool ends = thread.dying_or_dead();
  leave();
  // A thread that ended may be gone by now: nothing of it can be looked at.
  if (!over || ends || tasks_.scheduler().current(cpu) != &thread) return Next::kSwitch;
  // The registers are others now, with no place for a result.
  if (thread.in_restricted_mode()) [[unlikely]]
    return Next::kSwitch;
  Next next = tasks_.scheduler().work_waiting() ? Next::kShare : Next::kContinue;
  if (tasks_.scheduler().should_switch(cpu)) [[unlikely]] {
    next = tasks_.scheduler().keeps(cpu, core_.now()) ? Next::kReslice : Next::kSwitch;
  }
  if (next == Next::kSwitch || thread.attention() || outcome_) [[unlikely]] {
    thread.context().result = result;
    return Next::kSwitch;
  }
  return next;
}

/// A trap that no instruction of the vDSO makes.
Next Kernel::refuse(Thread& thread, int64_t& result) {
  result = abi::raw(Status::kBadSyscall);
  thread.raise_policy(abi::ExceptionPolicyCode::kBadSyscall, static_cast<uint32_t>(thread.call().trap.number));
  thread.context().result = result;
  tasks_.tell_results([&](KernelObserver& observer) { observer.call_left(thread, thread.call().trap, result); });
  return Next::kSwitch;
}

/// What a thread has to meet before it may run on.
void Kernel::attend(Thread& thread) {
  if (thread.announce_start()) return;
  if (std::optional<Exception> exception = thread.take_pending_exception()) {
    tasks_.deliver(thread, *exception);
    return;
  }
  thread.enter_suspension();
}

bool Kernel::page_fault(unsigned cpu, GuestAddr page, AccessKind access) {
  ++cpu_counts_[cpu].page_faults;
  Thread& thread = *tasks_.scheduler().current(cpu);
  tasks_.tell_results([&](KernelObserver& observer) { observer.page_fault(thread, cpu, page, access); });
  bool resolved = thread.active_space().fault(page, access) == Status::kOk;
  if (resolved && core_.traced()) [[unlikely]]
    ktrace_.page_fault_over(thread, cpu, page, access);
  return resolved;
}

/// The page tables allow the access, but lead to where the machine has neither memory nor a device.
bool Kernel::leads_nowhere(AddressSpace& space, const ExceptionInfo& fault) {
  std::optional<PageTables::Entry> entry = space.tables().query(fault.address.page());
  if (!entry || vm_.pmm().contains(entry->frame)) return false;
  return fault.access == AccessKind::kWrite     ? entry->permissions.write
         : fault.access == AccessKind::kExecute ? entry->permissions.execute
                                                : entry->permissions.read;
}

Next Kernel::page_fault_stop(unsigned cpu, const ExceptionInfo& fault) {
  Thread& thread = *tasks_.scheduler().current(cpu);
  if (leads_nowhere(thread.active_space(), fault)) return deliver(thread, fault);
  vm_.set_page_request(&thread.page_wait());
  Status status = thread.active_space().fault(fault.address.page(), fault.access);
  vm_.set_page_request(nullptr);
  if (status == Status::kParked) {
    // The access is made again once the page is there.
    leave();
    return Next::kSwitch;
  }
  thread.page_wait().forget_failure();
  if (status == Status::kOk) return Next::kContinue;
  return deliver(thread, fault, static_cast<uint32_t>(abi::raw(status)));
}

Next Kernel::exception(unsigned cpu, const ExceptionInfo& info) {
  Thread& thread = *tasks_.scheduler().current(cpu);
  if (info.kind == ExceptionInfo::Kind::kHardwareBreakpoint) thread.note_debug_stop(info);
  return deliver(thread, info);
}

Next Kernel::deliver(Thread& thread, const ExceptionInfo& info, uint32_t synth_code) {
  Exception exception = Exception::from_machine(info);
  exception.synth_code = synth_code;
  tasks_.deliver(thread, exception);
  leave();
  return Next::kSwitch;
}

void Kernel::alarm() {
  ktrace_.interrupt(Ktrace::Interrupt::kTimerEnter);
  tasks_.tell_traffic([](KernelObserver& observer) { observer.interrupt_begins(); });
  core_.fire_deadlines();
  tick();
  leave();
  tasks_.tell_traffic([](KernelObserver& observer) { observer.interrupt_ends(); });
  ktrace_.interrupt(Ktrace::Interrupt::kTimerExit);
}

void Kernel::report_unsupported(Thread& thread, std::string_view call, std::string_view option, Status status) {
  if (unsupported_.add(thread, call, option, status)) outcome_ = Outcome{.kind = Outcome::Kind::kUnsupported};
}

void Kernel::CpuCounts::state(Archive& ar) { ar(system_calls, page_faults); }

abi::InfoCpuStats Kernel::cpu_stats(unsigned cpu) const {
  const Scheduler::Counts& counts = tasks_.scheduler().counts(cpu);
  // The first CPU has the timer, the only interrupt that the kernel takes for itself.
  uint64_t timers = cpu == 0 ? core_.fired_deadlines() : 0;
  bool online = (tasks_.scheduler().online() >> cpu & 1) != 0;
  return {.cpu_number = cpu,
          .flags = online ? abi::InfoCpuFlags::kOnline : abi::InfoCpuFlags::kNone,
          .idle_time = tasks_.scheduler().idle_time(cpu, core_.now()),
          .reschedules = counts.reschedules,
          .context_switches = counts.context_switches,
          .irq_preempts = counts.slices_over,
          .preempts = counts.preempts,
          .yields = counts.yields,
          .ints = timers,
          .timer_ints = timers,
          .timers = timers,
          .page_faults = cpu_counts_[cpu].page_faults,
          .syscalls = cpu_counts_[cpu].system_calls};
}

std::vector<Thread*> Kernel::blocked_threads() {
  std::vector<Thread*> blocked;
  core_.objects().for_each([&](Object& object) {
    auto* thread = object_cast<Thread>(&object);
    if (thread != nullptr && thread->started() && !thread->dying_or_dead()) blocked.push_back(thread);
  });
  return blocked;
}

void Kernel::state(Archive& ar) {
  if (ar.loading()) {
    let_go();
    // Until it is all there and fits together. What does not is good for nothing but to be destroyed.
    vm_.pmm().abandon(true);
  }
  vm_.state(ar);
  std::deque<Ref<Object>> held;
  core_.state(ar, &held);
  if (ar.loading()) {
    for (uint32_t frame = 1; vm_.pmm().known(Frame{frame}); ++frame) {
      if (vm_.pmm().record(Frame{frame}).pins != 0 && vm_.claim_pin(Frame{frame})) ar.fail("a page pinned by nobody");
    }
    vm_.settle_loaded();
    tasks_.check_loaded(ar);
  }
  tasks_.scheduler().state(ar);
  state_ref(ar, root_job_);
  state_ref(ar, vdso_vmo_);
  state_ref(ar, initial_process_);
  watchdog_.state(ar);
  if (attendant_ != nullptr) attendant_->state(ar);
  for (CpuCounts& counts : cpu_counts_) counts.state(ar);
  if (ar.loading()) {
    vm_.pmm().abandon(!ar.ok());
    held.clear();
    core_.objects().drain();
  }
  for (abi::CpuPerformanceScale& scale : performance_) ar(scale.integral_part, scale.fractional_part);
  ar(console_input_);
  ar(utc_offset_, ktrace_);
  bool ended = outcome_.has_value();
  ar(ended);
  if (ar.loading()) outcome_ = ended ? std::optional<Outcome>(Outcome{}) : std::nullopt;
  if (outcome_) ar(outcome_->kind, outcome_->return_code);
  if (injector_ != nullptr) injector_->state(ar);
}

}  // namespace jacinth::kernel
