// zx_object_get_info, zx_object_get_property and zx_object_set_property: topics and properties of tasks and memory that
// are numbers and lists, each by the program that has the handle.
#include "kernel/abi/info_memory.h"
#include "kernel/vm/address_space.h"
#include "tests/kernel/syscalls/exception_rig.h"

namespace jacinth::kernel {
namespace {

using abi::InfoTopic;
using abi::Property;

struct Rig : ExceptionRig {
  using ExceptionRig::ExceptionRig;
  /// The koids that a topic lists.
  std::vector<Koid> list(Handle handle, InfoTopic topic) {
    constexpr size_t kRoom = 8;
    GuestAddr out = room(kRoom * sizeof(Koid));
    GuestAddr counts = room(16);
    REQUIRE(call("object_get_info", handle, topic, out, kRoom * sizeof(Koid), counts, counts + 8) == Status::kOk);
    REQUIRE(peek<uint64_t>(counts) == peek<uint64_t>(counts, 1));
    std::vector<Koid> koids;
    for (uint64_t i = 0; i < peek<uint64_t>(counts); ++i) koids.push_back(peek<Koid>(out, i));
    return koids;
  }
};

TEST_CASE("a job lists its children, and only those", "[zx_object_get_info]") {
  Rig k;
  Handle outer = k.handle(k.job());
  REQUIRE(k.list(outer, InfoTopic::kJobChildren) == std::vector{k.object<Job>(k.inner_job)->koid()});
  REQUIRE(k.list(outer, InfoTopic::kJobProcesses) == std::vector{k.process()->koid()});
  REQUIRE(k.list(k.inner_job, InfoTopic::kJobChildren).empty());
  REQUIRE(k.list(k.inner_job, InfoTopic::kJobProcesses) == std::vector{k.victim_process().koid()});
  REQUIRE(k.list(k.process_handle, InfoTopic::kProcessThreads) == std::vector{k.victim().koid()});
}

TEST_CASE("ZX_INFO_VMAR tells where a region is, and ZX_INFO_THREAD_STATS how long a thread ran",
          "[zx_object_get_info]") {
  Rig k;
  Ref<AddressRegion> root = k.process()->memory().root();
  auto region = k.info<abi::InfoVmar>(k.handle(root), InfoTopic::kVmar);
  REQUIRE(region.base == root->base().value);
  REQUIRE(region.len == root->size());

  auto before = k.info<abi::InfoThreadStats>(k.thread_handle, InfoTopic::kThreadStats);
  k.put_on_cpu(k.victim());
  k.platform().advance_to(Time{500});
  k.run();
  auto after = k.info<abi::InfoThreadStats>(k.thread_handle, InfoTopic::kThreadStats);
  REQUIRE(after.total_runtime > before.total_runtime);

  // Of the dead only a program of July 2020 learns it.
  k.victim_process().kill(0);
  k.kernel().settle();
  GuestAddr out = k.room(sizeof(abi::InfoThreadStats));
  auto ask = [&] {
    return k.call("object_get_info", k.thread_handle, InfoTopic::kThreadStats, out, sizeof(abi::InfoThreadStats),
                  nullptr, nullptr);
  };
  REQUIRE(ask() == Status::kBadState);
  k.core().vm().set_july_2020();
  REQUIRE(ask() == Status::kOk);
  REQUIRE(k.peek<abi::InfoThreadStats>(out).total_runtime >= after.total_runtime);
}

TEST_CASE("a debugger is told where the dynamic linker keeps its list",
          "[zx_object_get_property][zx_object_set_property]") {
  Rig k;
  constexpr uint64_t kAddress = 0x1234'5000;
  REQUIRE(k.property<uint64_t>(k.process_handle, Property::kProcessDebugAddr) == 0);
  REQUIRE(k.set_property(k.process_handle, Property::kProcessDebugAddr, kAddress) == Status::kOk);
  REQUIRE(k.property<uint64_t>(k.process_handle, Property::kProcessDebugAddr) == kAddress);
  // Once: the list does not move.
  REQUIRE(k.set_property(k.process_handle, Property::kProcessDebugAddr, kAddress + 8) == Status::kAccessDenied);

  REQUIRE(k.property<uint64_t>(k.process_handle, Property::kProcessBreakOnLoad) == 0);
  REQUIRE(k.set_property(k.process_handle, Property::kProcessBreakOnLoad, uint64_t{1}) == Status::kOk);
  REQUIRE(k.property<uint64_t>(k.process_handle, Property::kProcessBreakOnLoad) == 1);
  REQUIRE(k.property<uint64_t>(k.process_handle, Property::kProcessVdsoBaseAddress) == 0);
  REQUIRE(k.set_property(k.process_handle, Property::kProcessVdsoBaseAddress, uint64_t{1}) == Status::kInvalidArgs);
  REQUIRE(k.set_property(k.thread_handle, Property::kProcessBreakOnLoad, uint64_t{1}) == Status::kWrongType);
}

TEST_CASE("a thread sets its own segment bases on x86-64, to canonical addresses of its own",
          "[zx_object_set_property]") {
  Rig k(Arch::kX86_64);
  Handle self = k.handle(Ref<Object>(&k.main_thread()));
  for (Property base : {Property::kRegisterFs, Property::kRegisterGs}) {
    REQUIRE(k.set_property(self, base, uint64_t{0x7000'1000}) == Status::kOk);
    REQUIRE(k.set_property(self, base, uint64_t{0x8000'0000'0000'0000}) == Status::kInvalidArgs);
    REQUIRE(k.set_property(k.thread_handle, base, uint64_t{0x7000'1000}) == Status::kAccessDenied);
    GuestAddr out = k.room(8);
    REQUIRE(k.call("object_get_property", self, base, out, 8) == Status::kInvalidArgs);
  }
}

}  // namespace
}  // namespace jacinth::kernel
