#include "tests/support/kernel_rig.h"

#include "kernel/vm/vmo.h"
#include "tests/support/call_coverage.h"
#include "tests/support/memory_check.h"

namespace jacinth::kernel {

using abi::VmOptions;

KernelRig::KernelRig(Arch arch, Options options, std::vector<Injection> injections)
    : options_(std::move(options)), injections_(std::move(injections)), platform_(arch, kRamSize) {
  // So little RAM is no memory at all for the kernel as it comes.
  options_.emplace("kernel.oom.enable", "false");
  platform_.set_cpus(1);
  make_kernel();
  job_ = *Job::create(kernel_->root_job());
  process_ = make_process("first");
  main_ = process_->threads().begin()->second.get();
}

KernelRig::~KernelRig() {
  if (!kernel_) return;
  for (const auto& fault : {page_table_fault(kernel_->vm(), platform_), frame_fault(kernel_->vm())})
    if (fault) CATCH_FAIL_CHECK(*fault);
}

void KernelRig::check_memory() {
  if (std::optional<std::string> fault = page_table_fault(kernel_->vm(), platform_)) FAIL(*fault);
}

void KernelRig::make_kernel() {
  kernel_ = std::make_unique<Kernel>(
      platform_, KernelOptions{.options = options_, .only_from_vdso = false, .injections = injections_});
  if (KernelObserver* coverage = call_coverage()) kernel_->tasks().add_observer(*coverage);
}

void KernelRig::state(Archive& ar) {
  platform_.state(ar);
  kernel_->state(ar);
}

Digest KernelRig::digest() {
  Hasher hasher;
  state(hasher);
  return hasher.digest();
}

void KernelRig::reload() {
  kernel_->settle();
  Writer saved;
  state(saved);
  Digest before = digest();
  Koid job = job_->koid();
  Koid process = process_->koid();
  Koid main = main_->koid();
  std::vector<Koid> threads;
  for (Made& made : made_) {
    threads.push_back(made.thread->koid());
    made.thread = nullptr;
  }
  job_ = nullptr;
  process_ = nullptr;
  kernel_ = nullptr;

  make_kernel();
  Reader loaded(saved.data());
  state(loaded);
  INFO(loaded.error());
  REQUIRE(loaded.ok());
  REQUIRE(loaded.at_end());
  REQUIRE(digest() == before);
  ObjectTable& objects = core().objects();
  job_ = Ref<Job>(object_cast<Job>(objects.find(job)));
  process_ = Ref<Process>(object_cast<Process>(objects.find(process)));
  main_ = object_cast<Thread>(objects.find(main));
  for (size_t i = 0; i < threads.size(); ++i) {
    made_[i].thread = Ref<Thread>(object_cast<Thread>(objects.find(threads[i])));
  }
}

Ref<Process> KernelRig::make_unstarted(const Ref<Job>& job, std::string_view name) {
  Result<Ref<Process>> process = Process::create(job, name);
  REQUIRE(process.has_value());
  Ref<AddressRegion> root = (*process)->memory().root();
  Result<GuestAddr> at = root->map({.offset = kMemory - root->base(),
                                    .vmo = *Vmo::create(core(), kMemorySize),
                                    .length = kMemorySize,
                                    .options = VmOptions::kSpecific | VmOptions::kPermRead | VmOptions::kPermWrite});
  REQUIRE(at.has_value());
  return *process;
}

Ref<Process> KernelRig::make_process(const Ref<Job>& job, std::string_view name) {
  Ref<Process> process = make_unstarted(job, name);
  auto thread = make_object<Thread>(process, "main");
  REQUIRE(thread->start({.pc = GuestAddr(0x1000), .sp = GuestAddr(0x2000)}, true) == Status::kOk);
  return process;
}

Thread& KernelRig::make_thread(const Ref<Process>& process, std::string_view name) {
  auto thread = make_object<Thread>(process, name);
  REQUIRE(thread->start({.pc = GuestAddr(0x1000), .sp = GuestAddr(0x2000)}, false) == Status::kOk);
  return *thread;
}

uint64_t KernelRig::number(std::string_view name) {
  const abi::SyscallInfo* info = abi::syscall_by_name("zx_" + std::string(name));
  INFO(name);
  REQUIRE(info != nullptr);
  REQUIRE(info->number >= 0);
  return static_cast<uint64_t>(info->number);
}

Made& KernelRig::trap(Thread& thread, uint64_t number, std::array<uint64_t, 8> arguments) {
  REQUIRE(!thread.parked());
  // Its turn comes when all others have had theirs.
  ThreadContext* context = nullptr;
  for (size_t turn = 0; turn < 10'000 && context != &thread.context(); ++turn) {
    kernel_->tasks().scheduler().yield(0, platform_.now());
    context = kernel_->schedule(0);
    REQUIRE(context != nullptr);
  }
  collect();
  thread.context().result.reset();
  Made& made = made_.emplace_back();
  made.thread = Ref<Thread>(&thread);
  int64_t result = 0;
  Ref<Thread> alive(&thread);
  Next next = kernel_->system_call(0, {.number = number, .arguments = arguments}, result);
  if (next != Next::kSwitch) {
    made.over = true;
    made.result = result;
  } else {
    collect();
  }
  check_memory();
  return made;
}

/// Results that wait in their threads.
void KernelRig::collect() {
  for (Made& made : made_) {
    if (made.over || !made.thread || !made.thread->context().result) continue;
    made.result = *made.thread->context().result;
    made.over = true;
  }
}

void KernelRig::run() {
  for (size_t turn = 0; turn < 1000; ++turn) {
    kernel_->tasks().scheduler().yield(0, platform_.now());
    if (kernel_->schedule(0) == nullptr) break;
    collect();
  }
  check_memory();
}

void KernelRig::advance_to(Time when) {
  platform_.advance_to(when);
  kernel_->alarm();
  run();
}

GuestAddr KernelRig::room(size_t size) {
  GuestAddr at = kMemory + room_used_;
  room_used_ += (size + 15) & ~size_t{15};
  REQUIRE(room_used_ <= kMemorySize);
  return at;
}

GuestAddr KernelRig::user_text(std::string_view text) {
  GuestAddr at = room(text.size() + 1);
  REQUIRE(process_->memory().write(at, std::as_bytes(std::span(text.data(), text.size()))) == Status::kOk);
  return at;
}

Handle KernelRig::handle(const Ref<Process>& owner, Ref<Object> object, Rights rights) {
  Result<HandleOwner> made = core().handles().make(std::move(object), rights);
  REQUIRE(made.has_value());
  return owner->handles().add(std::move(*made));
}

}  // namespace jacinth::kernel
