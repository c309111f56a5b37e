// Running out of page frames at every single point of what programs do where one is asked for: the call says so,
// nothing is lost or kept, and the same works when there is memory again. Page tables are the real ones, in RAM.
#include <vector>

#include "kernel/abi/pager.h"
#include "kernel/abi/stream.h"
#include "kernel/abi/vmar.h"
#include "kernel/abi/vmo.h"
#include "kernel/boot/boot.h"
#include "tests/kernel/syscalls/exception_rig.h"
#include "tests/kernel/vm/table_platform.h"
#include "tests/support/elf_builder.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmarOp;
using abi::VmoOp;
using abi::VmoOptions;
using enum abi::VmOptions;

constexpr uint64_t kPage = kPageSize;

/// A booted program, whose calls the test makes. Its handles are counted, so that all can be closed.
class HungryRig {
 public:
  explicit HungryRig(Arch arch)
      : platform_(arch, 16 << 20),
        kernel_(platform_, {.options = {{"aslr.disable", "true"}, {"kernel.enable-debugging-syscalls", "true"}},
                            .only_from_vdso = false}),
        process_(*boot(kernel_, {.elf = good_elf(arch).build(), .name = "hungry", .arguments = {"hungry"}})) {
    // What calls read and write lies ready: those that fail do not fail for want of it.
    Ref<Vmo> vmo = *Vmo::create(kernel_.core(), kMemory);
    memory_ = *process_->memory().root()->map({.vmo = vmo, .length = kMemory, .options = kPermRead | kPermWrite});
    for (uint64_t at = 0; at < kMemory; at += kPage) poke<uint32_t>(memory_ + at, 0x5a);
    job_ = own(kernel_.root_job(), abi::default_rights(ObjectType::kJob));
    root_ = own(process_->memory().root(), process_->memory().root()->handle_rights());
    self_ = own(process_, abi::default_rights(ObjectType::kProcess));
  }

  static constexpr uint64_t kMemory = 32 * kPage;

  Pmm& pmm() { return kernel_.vm().pmm(); }
  size_t containers() { return kernel_.vm().pages_count(); }
  size_t handles() { return process_->handles().size(); }
  Handle job() const { return job_; }
  Handle root() const { return root_; }
  Handle self() const { return self_; }
  GuestAddr memory() const { return memory_; }

  template <class... Arguments>
  Status call(std::string_view name, Arguments... arguments) {
    Thread& main = *process_->threads().begin()->second;
    ThreadContext* context = kernel_.schedule(0);
    REQUIRE(context == &main.context());
    int64_t result = 0;
    Next next = kernel_.system_call(
        0, {.number = KernelRig::number(name), .arguments = {static_cast<uint64_t>(raw(arguments))...}}, result);
    INFO(name);
    REQUIRE(next != Next::kSwitch);
    return static_cast<Status>(result);
  }
  /// A call whose last argument is a handle that it gives.
  template <class... Arguments>
  Result<Handle> make(std::string_view name, Arguments... arguments) {
    TRY_STATUS(call(name, arguments..., memory_));
    return take(0);
  }
  /// The handle that a call left in the program's memory.
  Handle take(size_t index) {
    opened_.push_back(peek<Handle>(memory_ + index * sizeof(Handle)));
    return opened_.back();
  }
  /// The call that comes takes it, whatever comes of it.
  void give_away(Handle handle) { std::erase(opened_, handle); }
  void close_all() {
    for (Handle handle : opened_) REQUIRE(process_->handles().close(handle) == Status::kOk);
    opened_.clear();
    kernel_.settle();
  }

  template <class T>
  void poke(GuestAddr at, T value) {
    REQUIRE(process_->memory().write(at, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  }
  template <class T>
  T peek(GuestAddr at) {
    T value{};
    REQUIRE(process_->memory().read(at, std::as_writable_bytes(std::span(&value, 1))) == Status::kOk);
    return value;
  }

 private:
  static uint64_t raw(GuestAddr address) { return address.value; }
  static uint64_t raw(std::nullptr_t) { return 0; }
  template <class T>
  static uint64_t raw(T value) {
    return static_cast<uint64_t>(value);
  }
  Handle own(Ref<Object> object, Rights rights) {
    return process_->handles().add(std::move(*kernel_.core().handles().make(std::move(object), rights)));
  }

  TablePlatform platform_;
  Kernel kernel_;
  Ref<Process> process_;
  GuestAddr memory_;
  Handle job_{}, root_{}, self_{};
  std::vector<Handle> opened_;
};

/// Runs the scenario with ever more allocations that work, until it succeeds. Returns at how many points it failed.
template <class Scenario>
uint64_t starve(HungryRig& k, Scenario scenario) {
  // Once with plenty: what the kernel keeps in reserve from then on is not counted.
  INFO("with plenty of memory");
  REQUIRE(scenario(k) == Status::kOk);
  k.close_all();
  uint64_t free = k.pmm().free_count();
  size_t containers = k.containers();
  size_t handles = k.handles();
  uint64_t allowed = 0;
  for (Status status = Status::kNoMemory; status != Status::kOk; ++allowed) {
    INFO(fmt::format("after {} allocations", allowed));
    k.pmm().fail_after(allowed);
    status = scenario(k);
    k.pmm().never_fail();
    k.close_all();
    REQUIRE((status == Status::kOk || status == Status::kNoMemory));
    REQUIRE(k.pmm().free_count() == free);
    REQUIRE(k.containers() == containers);
    REQUIRE(k.handles() == handles);
  }
  return allowed - 1;
}

template <class Scenario>
void starve_on_both(uint64_t at_least, Scenario scenario) {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    HungryRig k(arch);
    uint64_t points = starve(k, scenario);
    REQUIRE(points >= at_least);
  }
}

TEST_CASE("VMOs and their children say when frames run out, and give everything back") {
  starve_on_both(16, [](HungryRig& k) -> Status {
    Handle vmo = TRY(k.make("vmo_create", 8 * kPage, VmoOptions::kResizable));
    TRY_STATUS(k.call("vmo_write", vmo, k.memory(), kPage / 2, 2 * kPage));
    TRY_STATUS(k.call("vmo_op_range", vmo, VmoOp::kCommit, 4 * kPage, 3 * kPage, nullptr, 0));
    Handle child = TRY(k.make("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshot, 0, 8 * kPage));
    TRY_STATUS(k.call("vmo_write", child, k.memory(), kPage, 3 * kPage));
    TRY_STATUS(k.call("vmo_op_range", vmo, VmoOp::kZero, kPage / 2, kPage, nullptr, 0));
    Handle grandchild =
        TRY(k.make("vmo_create_child", child, abi::VmoChildOptions::kSnapshotAtLeastOnWrite, kPage, 4 * kPage));
    TRY_STATUS(k.call("vmo_op_range", grandchild, VmoOp::kCommit, 0, 4 * kPage, nullptr, 0));
    TRY_STATUS(k.call("vmo_set_size", vmo, 5 * kPage + 7));
    Handle plain = TRY(k.make("vmo_create", 4 * kPage, 0));
    Handle slice = TRY(k.make("vmo_create_child", plain, abi::VmoChildOptions::kSlice, kPage, 2 * kPage));
    TRY_STATUS(k.call("vmo_write", slice, k.memory(), 0, 2 * kPage));
    Handle stream = TRY(k.make("stream_create", abi::StreamOptions::kModeWrite, vmo, 0));
    k.poke(k.memory() + 64, k.memory().value);
    k.poke(k.memory() + 72, 2 * kPage);
    return k.call("stream_writev", stream, 0, k.memory() + 64, 1, nullptr);
  });
}

TEST_CASE("mappings say when frames or page tables run out, and give everything back") {
  starve_on_both(8, [](HungryRig& k) -> Status {
    Handle vmo = TRY(k.make("vmo_create", 8 * kPage, 0));
    TRY_STATUS(k.call("vmar_allocate", k.root(), kCanMapRead | kCanMapWrite | kCanMapSpecific, 0, uint64_t{4} << 30,
                      k.memory(), k.memory() + 8));
    Handle region = k.take(0);
    auto base = k.peek<uint64_t>(k.memory() + 8);
    auto use = [&]() -> Status {
      // Far from one another: tables of their own, at every level below the root.
      for (uint64_t offset : {uint64_t{0}, uint64_t{4} << 20, uint64_t{3} << 30}) {
        TRY_STATUS(
            k.call("vmar_map", region, kPermRead | kPermWrite | kSpecific, offset, vmo, 0, 8 * kPage, k.memory() + 16));
        TRY_STATUS(k.call("vmar_op_range", region, VmarOp::kCommit, base + offset, 4 * kPage, nullptr, 0));
      }
      TRY_STATUS(k.call("process_write_memory", k.self(), base + 6 * kPage, k.memory(), kPage, k.memory() + 24));
      TRY_STATUS(k.call("vmar_unmap", region, base + (uint64_t{3} << 30), 4 * kPage));
      return Status::kOk;
    };
    Status status = use();
    TRY_STATUS(k.call("vmar_destroy", region));
    return status;
  });
}

TEST_CASE("pagers say when frames run out, and give everything back", "[zx_pager_supply_pages]") {
  starve_on_both(12, [](HungryRig& k) -> Status {
    Handle port = TRY(k.make("port_create", 0));
    Handle pager = TRY(k.make("pager_create", 0));
    Handle vmo = TRY(k.make("pager_create_vmo", pager, VmoOptions::kResizable, port, 7, 8 * kPage));
    Handle aux = TRY(k.make("vmo_create", 8 * kPage, 0));
    TRY_STATUS(k.call("vmo_write", aux, k.memory(), 0, 4 * kPage));
    TRY_STATUS(k.call("pager_supply_pages", pager, vmo, 0, 8 * kPage, aux, 0));
    TRY_STATUS(k.call("vmo_write", vmo, k.memory(), 3 * kPage, 2 * kPage));
    Handle copy = TRY(k.make("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshotAtLeastOnWrite, 0, 8 * kPage));
    TRY_STATUS(k.call("vmo_write", copy, k.memory(), 0, 6 * kPage));
    TRY_STATUS(k.call("vmo_op_range", copy, VmoOp::kZero, 6 * kPage, kPage, nullptr, 0));
    TRY_STATUS(k.call("vmo_set_size", vmo, 10 * kPage));
    TRY_STATUS(k.call("vmo_write", vmo, k.memory(), 8 * kPage, 2 * kPage));
    Handle trapping = TRY(k.make("pager_create_vmo", pager, VmoOptions::kTrapDirty, port, 8, 4 * kPage));
    TRY_STATUS(k.call("pager_supply_pages", pager, trapping, 0, 4 * kPage, aux, 4 * kPage));
    TRY_STATUS(k.call("pager_op_range", pager, abi::PagerOp::kDirty, trapping, 0, 4 * kPage, 0));
    TRY_STATUS(k.call("vmo_write", trapping, k.memory(), 0, 4 * kPage));
    return k.call("pager_detach_vmo", pager, vmo);
  });
}

TEST_CASE("messages, packets and waits say when the kernel's own frames run out, and give everything back") {
  starve_on_both(2, [](HungryRig& k) -> Status {
    Handle port = TRY(k.make("port_create", 0));
    TRY_STATUS(k.call("channel_create", 0, k.memory(), k.memory() + 4));
    Handle near = k.take(0);
    Handle far = k.take(1);
    for (int i = 0; i < 4; ++i) TRY_STATUS(k.call("channel_write", near, 0, k.memory(), 60'000, nullptr, 0));
    TRY_STATUS(k.call("socket_create", 0, k.memory(), k.memory() + 4));
    Handle in = k.take(0);
    k.take(1);
    // A socket without memory is a full one.
    Status sent = k.call("socket_write", in, 0, k.memory(), 100'000, nullptr);
    if (sent != Status::kOk) return sent == Status::kShouldWait ? Status::kNoMemory : sent;
    TRY_STATUS(k.call("fifo_create", 64, 64, 0, k.memory(), k.memory() + 4));
    Handle fifo = k.take(0);
    k.take(1);
    TRY_STATUS(k.call("fifo_write", fifo, 64, k.memory() + kPage, 32, nullptr));
    // More than the kernel keeps in reserve.
    for (int i = 0; i < 300; ++i) TRY_STATUS(k.call("port_queue", port, k.memory() + kPage));
    Handle event = TRY(k.make("event_create", 0));
    for (uint64_t key = 0; key < 1500; ++key)
      TRY_STATUS(k.call("object_wait_async", event, port, key, Signals::kUser0, 0));
    return k.call("channel_read", far, 0, k.memory(), nullptr, 60'000, 0, k.memory() + 16 * kPage, nullptr);
  });
}

TEST_CASE("processes say when frames run out, and give everything back", "[zx_process_create]") {
  starve_on_both(3, [](HungryRig& k) -> Status {
    TRY_STATUS(k.call("process_create", k.job(), k.memory() + kPage, 1, 0, k.memory(), k.memory() + 4));
    Handle process = k.take(0);
    Handle region = k.take(1);
    Handle thread = TRY(k.make("thread_create", process, k.memory() + kPage, 1, 0));
    Handle vmo = TRY(k.make("vmo_create", 2 * kPage, 0));
    TRY_STATUS(k.call("vmar_map", region, kPermRead | kPermWrite, 0, vmo, 0, 2 * kPage, k.memory() + 8));
    auto base = k.peek<uint64_t>(k.memory() + 8);
    TRY_STATUS(k.call("process_write_memory", process, base, k.memory(), 2 * kPage, k.memory() + 16));
    Handle event = TRY(k.make("event_create", 0));
    k.give_away(event);
    TRY_STATUS(k.call("process_start", process, thread, base, base, event, 0));
    return k.call("task_kill", process);
  });
}

TEST_CASE("a program that does not fit is not started, and leaves nothing behind") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    std::vector<std::byte> elf = good_elf(arch).build();
    uint64_t points = 0;
    for (uint64_t allowed = 0;; ++allowed) {
      TablePlatform platform(arch, 16 << 20);
      Kernel kernel(platform, {});
      REQUIRE(kernel.vdso_vmo().has_value());  // Made once, and kept.
      Pmm& pmm = kernel.vm().pmm();
      uint64_t free = pmm.free_count();
      pmm.fail_after(allowed);
      auto process = boot(kernel, {.elf = elf, .name = "big", .arguments = {"big", "argument"}});
      pmm.never_fail();
      INFO(fmt::format("after {} allocations", allowed));
      if (process) break;
      ++points;
      REQUIRE(!process.error().line.empty());
      REQUIRE(pmm.free_count() == free);
      REQUIRE(kernel.vm().pages_count() == 1);
    }
    REQUIRE(points > 4);
  }
}

TEST_CASE("a vDSO that finds no frame can be made later") {
  TablePlatform platform(Arch::kArm64, 16 << 20);
  Kernel kernel(platform, {});
  uint64_t free = kernel.vm().pmm().free_count();
  for (uint64_t allowed = 0; allowed < 2; ++allowed) {
    kernel.vm().pmm().fail_after(allowed);
    REQUIRE(kernel.vdso_vmo().status() == Status::kNoMemory);
    kernel.vm().pmm().never_fail();
    kernel.settle();
    REQUIRE(kernel.vm().pmm().free_count() == free);
  }
  REQUIRE(kernel.vdso_vmo().has_value());
}

TEST_CASE("a fault that finds no frame is an exception that says so, and works when it is made again") {
  ExceptionRig k;
  Handle channel = k.attach(k.process_handle);
  GuestAddr page = KernelRig::kMemory + 5 * kPage;
  k.put_on_cpu(k.victim());
  k.kernel().vm().pmm().fail_after(0);
  REQUIRE_FALSE(k.kernel().page_fault(0, page, AccessKind::kWrite));
  k.fault(k.victim(), {.kind = ExceptionInfo::Kind::kPageFault, .address = page, .access = AccessKind::kWrite});
  k.kernel().vm().pmm().never_fail();
  ExceptionRig::Taken taken = k.take(channel);
  REQUIRE(taken.info.type == ExceptionRig::Type::kFatalPageFault);
  REQUIRE(static_cast<Status>(k.report().synth_code) == Status::kNoMemory);
  // The handler made room: the thread tries again.
  k.answer(taken.exception, ExceptionRig::State::kHandled);
  k.run();
  k.put_on_cpu(k.victim());
  REQUIRE(k.kernel().page_fault(0, page, AccessKind::kWrite));
}

}  // namespace
}  // namespace jacinth::kernel
