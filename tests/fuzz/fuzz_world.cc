#include "tests/fuzz/fuzz_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "emu/base/check.h"
#include "kernel/abi/rights.h"
#include "kernel/hw/bti.h"
#include "kernel/hw/resource.h"
#include "kernel/ipc/channel.h"
#include "kernel/syscalls/table.h"
#include "kernel/task/suspend_token.h"
#include "kernel/vm/vmo.h"
#include "tests/support/memory_check.h"

namespace jacinth::kernel::fuzz {
namespace {

using abi::ArgFormat;

constexpr uint64_t kBoundaries[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    7,
                                    8,
                                    63,
                                    64,
                                    65,
                                    255,
                                    256,
                                    4095,
                                    4096,
                                    4097,
                                    8192,
                                    65535,
                                    65536,
                                    65537,
                                    0x7fff'ffff,
                                    0x8000'0000,
                                    0xffff'ffff,
                                    0x1'0000'0000,
                                    0x7fff'ffff'ffff'f000,
                                    0x7fff'ffff'ffff'ffff,
                                    0x8000'0000'0000'0000,
                                    0xffff'ffff'ffff'f000,
                                    0xffff'ffff'ffff'ffff};

/// Where nothing is, or nothing of the guest's.
constexpr uint64_t kBadAddresses[] = {
    1, 0xfff, 0x7000'0000, 0x7fff'ffff'ffff, 0x8000'0000'0000, 0xffff'8000'0000'0000, ~uint64_t{0}};

/// What a program that comes to little has made anew, so that calls find something to work on: the call and its
/// arguments, but for the pointers to the new handles, which come last.
struct Making {
  std::string_view call;
  std::array<uint64_t, 4> arguments;
  size_t count;
};
constexpr Making kStock[] = {
    {"zx_channel_create", {0}, 1},    {"zx_port_create", {0}, 1},       {"zx_event_create", {0}, 1},
    {"zx_eventpair_create", {0}, 1},  {"zx_timer_create", {0, 0}, 2},   {"zx_vmo_create", {0x8000, 2}, 2},
    {"zx_vmo_create", {0x3000}, 2},   {"zx_socket_create", {0}, 1},     {"zx_socket_create", {1}, 1},
    {"zx_fifo_create", {8, 8, 0}, 3}, {"zx_debuglog_create", {0, 0}, 2}};

template <class T, size_t kSize>
T one_of(const T (&values)[kSize], test::Random& random) {
  return values[random.below(kSize)];
}

/// Ends of programs are rarer than the rest, or nothing else would get far; and what is not there soon tells no more.
bool is_rare(const abi::SyscallInfo& call) {
  return table_entry(static_cast<uint64_t>(call.number))->row->support == Support::kAbsent || call.noreturn ||
         call.name == "zx_task_kill" || call.name == "zx_vmar_destroy" ||
         call.name == "zx_futex_wake_handle_close_thread_exit" || call.name == "zx_vmar_unmap_handle_close_thread_exit";
}

}  // namespace

std::string Event::text() const {
  switch (kind) {
    case Kind::kCall: return fmt::format("{} {:#x}", call->name, seed);
    case Kind::kPageFault: return fmt::format("page fault {:#x}", seed);
    case Kind::kException: return fmt::format("exception {:#x}", seed);
    case Kind::kTime: return fmt::format("time {:#x}", seed);
    case Kind::kThread: return fmt::format("thread {:#x}", seed);
  }
  return {};
}

std::vector<Event> random_events(uint64_t seed, size_t count) {
  std::vector<const abi::SyscallInfo*> calls;
  for (const abi::SyscallInfo& call : abi::syscalls()) {
    // Behind a shutdown there is nothing to see.
    if (call.number >= 0 && call.name != "zx_system_powerctl") calls.push_back(&call);
  }
  test::Random random(seed);
  std::vector<Event> events(count);
  for (Event& event : events) {
    event.seed = random.next();
    uint64_t kind = random.below(64);
    event.kind = kind == 0   ? Event::Kind::kPageFault
                 : kind == 1 ? (random.one_in(40) ? Event::Kind::kException : Event::Kind::kCall)
                 : kind < 6  ? Event::Kind::kTime
                 : kind == 6 ? Event::Kind::kThread
                             : Event::Kind::kCall;
    do {
      event.call = calls[random.below(calls.size())];
    } while (is_rare(*event.call) && !random.one_in(20));
  }
  return events;
}

World::World(uint64_t seed, bool traced)
    : platform_(seed % 2 == 0 ? Arch::kArm64 : Arch::kX86_64, kRamSize), traced_(traced) {
  platform_.set_cpus(1);
  platform_.set_seed(seed);
  make_kernel();
  // What is made at first use is not the guests'.
  CHECK(kernel_->vdso_vmo().has_value());
  at_first_ = census();
}

World::~World() { strace_ = nullptr; }

void World::make_kernel() {
  strace_ = nullptr;
  kernel_ = nullptr;
  // Memory gets low for programs here, but never so low that the machine reboots.
  Options marks = {{"kernel.oom.outofmemory-mb", "0"},
                   {"kernel.oom.imminent-oom-delta-mb", "1"},
                   {"kernel.oom.critical-mb", "4"},
                   {"kernel.oom.warning-mb", "6"},
                   {"kernel.oom.debounce-mb", "0"}};
  kernel_ = std::make_unique<Kernel>(platform_, KernelOptions{.options = marks, .only_from_vdso = false});
  if (traced_) strace_ = std::make_unique<Strace>(kernel_->core(), sink_, StraceOptions{});
}

World::Census World::census() const {
  Core& core = kernel_->core();
  Pmm& pmm = kernel_->vm().pmm();
  // Slabs keep their pages.
  uint64_t frames = pmm.total() - pmm.free_count() - pmm.count(FrameState::kSlab) - pmm.count(FrameState::kIpc);
  return {core.objects().size(), frames, core.handles().live()};
}

void World::state(Archive& ar) {
  platform_.state(ar);
  kernel_->state(ar);
}

std::optional<std::string> World::reload() {
  kernel_->settle();
  Writer saved;
  state(saved);
  make_kernel();
  Reader loaded(saved.data());
  state(loaded);
  if (loaded.ok() && loaded.at_end()) return std::nullopt;
  return fmt::format("what was saved cannot be loaded: {}", loaded.error());
}

Digest World::digest() {
  Hasher hasher;
  state(hasher);
  return hasher.digest();
}

std::optional<std::string> World::memory_fault(bool frames) {
  std::optional<std::string> fault = page_table_fault(kernel_->vm(), platform_);
  return fault || !frames ? fault : frame_fault(kernel_->vm());
}

std::optional<std::string> World::end() {
  kernel_->root_job()->kill(0);
  kernel_->settle();
  // Threads that were in a call leave it.
  while (kernel_->schedule(0) != nullptr) kernel_->settle();
  // Channels in messages that wait in each other are nobody's any more, on a real kernel too: we open such rings, and
  // what was in them must go.
  std::vector<Ref<Object>> ring;
  kernel_->core().objects().for_each([&](Object& object) {
    if (object.type() == ObjectType::kChannel) ring.emplace_back(&object);
  });
  for (Ref<Object>& object : ring) {
    auto* channel = object_cast<Channel>(object.get());
    while (channel->message_count() > 0) channel->take_oldest();
  }
  ring.clear();
  // Likewise what initiators keep in quarantine.
  kernel_->core().objects().for_each([&](Object& object) {
    if (object.type() == ObjectType::kBti) ring.emplace_back(&object);
  });
  for (Ref<Object>& object : ring) {
    if (auto* bti = object_cast<Bti>(object.get())) bti->release_quarantine();
  }
  ring.clear();
  kernel_->settle();
  Core& core = kernel_->core();
  int64_t created = 0;
  for (const auto& [name, value] : core.counters()) {
    if (name.starts_with("dispatcher.") && name.ends_with(".create") && name != "dispatcher.create") created += value;
  }
  if (created != core.counter("dispatcher.create"))
    return fmt::format("{} objects were made, or {} by type", core.counter("dispatcher.create"), created);
  Census now = census();
  if (now == at_first_) return std::nullopt;
  std::string left =
      fmt::format("{} objects instead of {}, {} frames instead of {}, {} handles instead of {}", now.objects,
                  at_first_.objects, now.frames, at_first_.frames, now.handles, at_first_.handles);
  kernel_->core().objects().for_each(
      [&](Object& object) { left += fmt::format("\n  {} {}", abi::raw(object.koid()), object.handle_count()); });
  return left;
}

size_t World::live_processes() const {
  size_t live = 0;
  kernel_->core().objects().for_each([&](Object& object) {
    auto* process = object_cast<Process>(&object);
    if (process != nullptr && process->process_state() == Process::State::kRunning) ++live;
  });
  return live;
}

void World::make_process() {
  Core& core = kernel_->core();
  Result<Ref<Job>> job = Job::create(kernel_->root_job());
  if (!job) return;
  Result<Ref<Process>> process = Process::create(*job, fmt::format("guest {}", ++made_));
  if (!process) return;
  Ref<AddressRegion> root = (*process)->memory().root();
  Result<Ref<Vmo>> vmo = Vmo::create(core, kMemorySize);
  if (!vmo || !root->map({.offset = kMemory - root->base(),
                          .vmo = *vmo,
                          .length = kMemorySize,
                          .options = abi::VmOptions::kSpecific | abi::VmOptions::kPermRead |
                                     abi::VmOptions::kPermWrite | abi::VmOptions::kPermExecute})) {
    return;
  }
  HandleTable& handles = (*process)->handles();
  auto give = [&](Ref<Object> object) {
    Rights rights = abi::default_rights(object->type());
    if (Result<HandleOwner> handle = core.handles().make(std::move(object), rights)) handles.add(std::move(*handle));
  };
  for (int i = 0; i < 2; ++i) {
    auto thread = make_object<Thread>(*process, "thread");
    if (thread->start({.pc = kMemory, .sp = kMemory + kMemorySize}, i == 0) != Status::kOk) return;
    give(thread);
  }
  give(*process);
  give(*job);
  give(root);
  give(*vmo);
  // What only programs with root can make.
  if (auto resource = Resource::create(core, abi::ResourceKind::kRoot, 0, 0, abi::ResourceFlags::kNone, "root"))
    give(*resource);
  auto iommu = make_object<Iommu>(core);
  give(iommu);
  give(make_object<Bti>(iommu, made_));
}

void World::advance_to(Time when) {
  platform_.advance_to(when);
  if (!platform_.alarm_due()) return;
  platform_.set_alarm(Time::never());  // It rings once.
  kernel_->alarm();
}

void World::kill_all() {
  for (const auto& [koid, job] : std::map(kernel_->root_job()->jobs())) Ref<Job>(job)->kill(0);
  kernel_->settle();
}

Thread& World::runnable() {
  for (int turn = 0; turn < 10'000; ++turn) {
    kernel_->tasks().scheduler().yield(0, platform_.now());
    if (kernel_->schedule(0) != nullptr) return *kernel_->tasks().scheduler().current(0);
    // All wait: for time, for a new process, or for ever.
    if (platform_.alarm() != Time::never() && platform_.alarm().ns < INT64_MAX / 2) {
      advance_to(std::max(platform_.now(), platform_.alarm()));
      continue;
    }
    size_t live = live_processes();
    if (live < kProcesses) make_process();
    if (live_processes() == live) kill_all();
    kernel_->settle();
  }
  check_failed(__FILE__, __LINE__, "runnable", "no thread can be made to run");
}

void World::run(const Event& event) {
  Thread& thread = runnable();
  switch (event.kind) {
    case Event::Kind::kCall: return call(thread, event);
    case Event::Kind::kTime: advance_to(Time{platform_.now().ns + static_cast<int64_t>(event.seed % 50'000)}); return;
    case Event::Kind::kThread: return disturb(thread, test::Random(event.seed));
    case Event::Kind::kPageFault: {
      GuestAddr page(event.seed % 32 == 0 ? event.seed & ~uint64_t{4095}
                                          : (kMemory + event.seed % kMemorySize).page().value);
      auto access = static_cast<AccessKind>(event.seed >> 32 & 1);
      if (kernel_->page_fault(0, page, access)) return;
      ExceptionInfo fault{.kind = ExceptionInfo::Kind::kPageFault, .pc = kMemory, .address = page, .access = access};
      kernel_->page_fault_stop(0, fault);
      return;
    }
    case Event::Kind::kException:
      kernel_->exception(0, {.kind = ExceptionInfo::Kind::kUndefinedInstruction, .pc = kMemory});
      return;
  }
}

void World::collect_handles(Process& process) {
  handles_.clear();
  process.handles().for_each([&](Handle value, const HandleEntry& entry) {
    handles_.push_back({abi::raw(value), abi::type_bit(entry.object->type())});
  });
  if (handles_.size() <= kHandles) return;
  for (const Named& named : handles_) {
    if (named.value % 8 != 3) static_cast<void>(process.handles().close(Handle{named.value}));
  }
  kernel_->settle();
  handles_.clear();
}

void World::disturb(Thread& caller, test::Random random) {
  std::vector<Ref<Thread>> threads;
  kernel_->core().objects().for_each([&](Object& object) {
    auto* thread = object_cast<Thread>(&object);
    if (thread != nullptr && thread->started() && !thread->dying_or_dead()) threads.emplace_back(thread);
  });
  Ref<Thread> target = threads[random.below(threads.size())];
  Scheduler& scheduler = kernel_->tasks().scheduler();
  Time now = platform_.now();
  switch (random.below(8)) {
    case 0:
    case 1:
      // Whoever has the token closes it sooner or later.
      if (auto token = SuspendToken::create(target)) {
        auto handle = kernel_->core().handles().make(*token, abi::default_rights(ObjectType::kSuspendToken));
        if (handle) caller.process().handles().add(std::move(*handle));
      }
      break;
    case 2: target->kill(); break;
    case 3:
      if (random.one_in(4)) target->process().kill(static_cast<int64_t>(random.next()));
      break;
    case 4:
      if (threads.size() < kThreads) {
        auto thread = make_object<Thread>(target->process_ref(), "another");
        static_cast<void>(thread->start({.pc = kMemory, .sp = kMemory + kMemorySize}, false));
      }
      break;
    case 5: scheduler.set_priority(*target, static_cast<uint8_t>(random.below(Turn::kPriorities)), now); break;
    case 6: {
      auto capacity = static_cast<int64_t>(1 + random.below(10'000));
      auto deadline = static_cast<int64_t>(random.below(10'000));
      auto period = static_cast<int64_t>(random.below(10'000));
      scheduler.set_deadline(*target,
                             {.capacity = Duration{capacity},
                              .relative_deadline = Duration{capacity + deadline},
                              .period = Duration{capacity + deadline + period}},
                             now);
      break;
    }
    default: scheduler.set_affinity(*target, static_cast<uint32_t>(random.next()), now); break;
  }
  target->process().futexes().reprioritized(*target);
  kernel_->settle();
}

void World::call(Thread& thread, const Event& event) {
  // Closing may have ended somebody: the next event finds another caller.
  Ref<Thread> alive(&thread);
  collect_handles(thread.process());
  if (thread.dying_or_dead() || kernel_->current(0) != &thread.context()) return;

  test::Random random(event.seed);
  if (handles_.size() < kFewHandles) stock(thread);
  if (kernel_->current(0) != &thread.context()) return;
  Trap trap{.number = static_cast<uint64_t>(event.call->number), .return_address = kMemory};
  slot_ = random.below(16);
  size_t index = 0;
  for (const abi::ArgInfo& info : event.call->args) trap.arguments[index++] = argument(thread, info, random);
  thread.registers();  // The guest has the last result by now.
  int64_t result = 0;
  ++calls_;
  kernel_->system_call(0, trap, result);
}

void World::stock(Thread& thread) {
  for (const Making& making : kStock) {
    Trap trap{.number = static_cast<uint64_t>(abi::syscall_by_name(making.call)->number), .return_address = kMemory};
    std::ranges::copy(making.arguments, trap.arguments.begin());
    trap.arguments[making.count] = kMemory.value;
    trap.arguments[making.count + 1] = kMemory.value + 8;
    thread.registers();  // The guest has the last result by now.
    int64_t result = 0;
    ++calls_;
    if (kernel_->system_call(0, trap, result) == Next::kSwitch) return;
  }
  collect_handles(thread.process());
}

uint64_t World::argument(Thread& thread, const abi::ArgInfo& info, test::Random& random) {
  if (info.pointer) return pointer(thread, info, random);
  if (info.is_handle) return handle(info.object_types, random);
  return number(info, random);
}

uint32_t World::word(test::Random& random) {
  switch (random.below(4)) {
    case 0: return static_cast<uint32_t>(handle(0, random));
    case 1: return static_cast<uint32_t>(one_of(kBoundaries, random));
    default: return static_cast<uint32_t>(random.below(16));
  }
}

uint64_t World::pointer(Thread& thread, const abi::ArgInfo& info, test::Random& random) {
  if (random.one_in(16)) return 0;
  if (random.one_in(32)) return one_of(kBadAddresses, random);
  // The end of what is mapped, and a place that is not aligned.
  if (random.one_in(32)) return (kMemory + kMemorySize - random.below(64)).value;
  GuestAddr at = kMemory + (slot_++ % 16) * (kMemorySize / 16);
  if (random.one_in(32)) at = at + random.below(64);
  if (info.direction == abi::Direction::kOut || random.one_in(4)) return at.value;

  std::array<uint32_t, 64> words;
  for (uint32_t& each : words) each = word(random);
  size_t used = 1 + random.below(words.size());
  // Structures hold pointers: one that leads somewhere, now and then.
  for (size_t i = 0; i + 1 < used; i += 2) {
    if (!random.one_in(6)) continue;
    words[i] = static_cast<uint32_t>((kMemory + random.below(kMemorySize)).value);
    words[i + 1] = 0;
  }
  static_cast<void>(thread.process().memory().write(at, std::as_bytes(std::span(words).first(used))));
  return at.value;
}

uint64_t World::handle(uint64_t wanted_types, test::Random& random) {
  if (handles_.empty() || random.one_in(24)) return random.one_in(2) ? 0 : one_of(kBoundaries, random);
  size_t start = random.below(handles_.size());
  if (wanted_types != 0 && !random.one_in(8)) {
    for (size_t i = 0; i < handles_.size(); ++i) {
      const Named& named = handles_[(start + i) % handles_.size()];
      if ((named.type & wanted_types) != 0) return named.value;
    }
  }
  return handles_[start].value;
}

uint64_t World::number(const abi::ArgInfo& info, test::Random& random) {
  if (info.name == "options" && !random.one_in(3)) return 0;
  const abi::FlagSet* flags = info.value.flags;
  if (flags != nullptr && !flags->values.empty() && !random.one_in(8)) {
    uint64_t value = 0;
    do {
      value |= static_cast<uint64_t>(flags->values[random.below(flags->values.size())].value);
    } while (!flags->is_enum && !random.one_in(2));
    return value;
  }
  switch (info.value.format) {
    case ArgFormat::kRights: return random.one_in(2) ? uint64_t{1} << 31 : random.next() & 0xff'ffff;
    case ArgFormat::kAddress:
      if (random.one_in(4)) return one_of(kBadAddresses, random);
      return (kMemory + random.below(kMemorySize / 4096) * 4096).value;
    default: break;
  }
  if (info.type == "zx_time_t" || info.type == "zx_duration_t") {
    if (random.one_in(8)) return one_of(kBoundaries, random);
    return static_cast<uint64_t>(platform_.now().ns) + random.below(20'000);
  }
  if (!random.one_in(3)) return random.below(9);
  if (random.one_in(3)) return random.below(16) * 4096;
  if (random.one_in(16)) return random.next();
  return one_of(kBoundaries, random);
}

}  // namespace jacinth::kernel::fuzz
