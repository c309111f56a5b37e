// What every call says of a handle or a pointer that is no good, whichever argument it is: a bad handle, a wrong type,
// a missing right, in this order, and an address where the caller has no memory. Nothing has happened then.
//
// Which arguments a call has comes from the ABI's table, good values for them from call_samples.cc.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <set>

#include "kernel/abi/status.h"
#include "kernel/syscalls/table.h"
#include "kernel/vm/address_space.h"
#include "tests/kernel/syscalls/call_samples.h"

namespace jacinth::kernel {
namespace {

using abi::ArgInfo;
using What = Exemption::What;

const abi::SyscallInfo& info_of(const Sample& sample) {
  const abi::SyscallInfo* info = abi::syscall_by_name("zx_" + std::string(sample.call));
  INFO(sample.call);
  REQUIRE(info != nullptr);
  return *info;
}

bool takes_handle(const ArgInfo& arg) { return arg.is_handle && !arg.pointer; }

struct SampleRig : ExceptionRig {
  explicit SampleRig(Arch arch = Arch::kArm64) : ExceptionRig(arch, {{"kernel.enable-debugging-syscalls", "true"}}) {}

  Status make_call(const Sample& sample, const Arguments& arguments) {
    return made(trap(main_thread(), number(sample.call), arguments.values));
  }
  static Status made(const Made& made) {
    REQUIRE((made.over || made.thread->dying_or_dead()));
    return made.result > 0 ? Status::kOk : made.status();
  }

  /// So that no page is missing when a call writes there.
  void touch_memory() {
    constexpr uint64_t kUsed = 16 * kPageSize;
    for (uint64_t at = 0; at < kUsed; at += kPageSize) poke(kMemory + at, uint8_t{0});
    poke(kMemory + kMemorySize - 1, uint8_t{0});
  }

  /// Where the caller may only read.
  GuestAddr read_only() {
    Result<GuestAddr> at = process()->memory().root()->map(
        {.vmo = *Vmo::create(core(), kPageSize), .length = kPageSize, .options = abi::VmOptions::kPermRead});
    REQUIRE(at.has_value());
    return *at;
  }

  /// All that a call could have changed, but for the caller itself and counts of what was made.
  struct Census {
    std::map<uint64_t, Digest> objects;
    std::vector<std::array<uint64_t, 3>> handles;
    uint64_t free_frames = 0;
    bool operator==(const Census&) const = default;
  };
  Census census() {
    kernel().settle();
    Census all;
    core().objects().for_each([&](Object& object) {
      bool calls = &object == process().get() || object.type() == ObjectType::kThread;
      Hasher hasher;
      hasher.set_context(&core());
      if (!calls) object.state(hasher);
      all.objects.emplace(abi::raw(object.koid()), hasher.digest());
    });
    process()->handles().for_each([&](Handle value, const HandleEntry& entry) {
      all.handles.push_back({abi::raw(value), static_cast<uint64_t>(entry.rights), abi::raw(entry.object->koid())});
    });
    all.free_frames = kernel().vm().pmm().free_count();
    return all;
  }
};

/// What is wrong with several calls, so that a test tells all of it at once.
class Complaints {
 public:
  void about(const Sample& sample, std::string_view argument, std::string_view how, std::string_view what) {
    text_ += fmt::format("\n  {}({}) {}: {}", sample.call, argument, how, what);
  }
  void expect(const Sample& sample, std::string_view argument, std::string_view how, Status is, Status wanted) {
    if (is == wanted) return;
    about(sample, argument, how, fmt::format("{} instead of {}", abi::status_name(is), abi::status_name(wanted)));
  }
  /// Nothing may have happened.
  void compare(const Sample& sample, std::string_view argument, std::string_view how, const SampleRig::Census& before,
               const SampleRig::Census& after) {
    if (before.handles != after.handles) about(sample, argument, how, "other handles");
    if (before.objects != after.objects) about(sample, argument, how, "other objects, or in another state");
    if (before.free_frames != after.free_frames) about(sample, argument, how, "another number of free pages");
  }
  ~Complaints() noexcept(false) {
    if (std::uncaught_exceptions() > 0) return;
    INFO(text_);
    REQUIRE(text_.empty());
  }

 private:
  std::string text_;
};

TEST_CASE("Every call that takes a handle or a pointer has a sample of good arguments") {
  std::set<std::string> sampled;
  for (const Sample& sample : call_samples()) sampled.insert("zx_" + std::string(sample.call));
  for (const TableEntry& entry : syscall_table()) {
    bool testing = entry.info->testonly || entry.row->support == Support::kAbsent || entry.info->number < 0;
    if (testing || entry.info->noreturn) continue;
    bool takes_some = false;
    for (const ArgInfo& arg : entry.info->args) takes_some = takes_some || arg.pointer || takes_handle(arg);
    INFO(entry.info->name);
    REQUIRE(sampled.contains(std::string(entry.info->name)) == takes_some);
  }
}

TEST_CASE("Every sample of a call does what its test takes it to do") {
  Complaints complaints;
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (const Sample& sample : call_samples()) {
      SampleRig k(arch);
      Arguments good = sample.make(k);
      complaints.expect(sample, "", "as it is", k.make_call(sample, good), sample.gives);
    }
  }
}

/// Gives every handle argument another value and looks at what comes of it. `spoil` makes that value, or nothing where
/// there is nothing to spoil.
template <class Spoil>
void try_bad_handles(Complaints& complaints, std::string_view how, Status wanted, Spoil spoil) {
  for (const Sample& sample : call_samples()) {
    const abi::SyscallInfo& info = info_of(sample);
    for (size_t i = 0; i < info.args.size(); ++i) {
      const ArgInfo& arg = info.args[i];
      if (!takes_handle(arg) || sample.is_exempt(arg.name, What::kAnyHandle)) continue;
      SampleRig k;
      Arguments bad = sample.make(k);
      std::optional<Handle> handle = spoil(k, sample, arg, static_cast<Handle>(bad.values[i]));
      if (!handle) continue;
      bad.values[i] = abi::raw(*handle);
      SampleRig::Census before = k.census();
      bool no_type = wanted == Status::kWrongType && sample.is_exempt(arg.name, What::kNoType);
      complaints.expect(sample, arg.name, how, k.make_call(sample, bad), no_type ? Status::kBadHandle : wanted);
      bool consumes = std::ranges::any_of(info.args, [](const ArgInfo& other) { return other.consumed; });
      if (!consumes && !sample.is_exempt(arg.name, What::kChanges))
        complaints.compare(sample, arg.name, how, before, k.census());
    }
  }
}

TEST_CASE("A handle that names nothing is ZX_ERR_BAD_HANDLE in every argument, and nothing happens") {
  Complaints complaints;
  try_bad_handles(complaints, "that names nothing", Status::kBadHandle,
                  [](SampleRig&, const Sample& sample, const ArgInfo& arg, Handle) {
                    bool none = sample.is_exempt(arg.name, What::kNoHandle);
                    return none ? std::optional<Handle>() : std::optional(SampleRig::kBad);
                  });
}

TEST_CASE("A handle to an object of another type is ZX_ERR_WRONG_TYPE in every argument, and nothing happens") {
  Complaints complaints;
  try_bad_handles(complaints, "of another type", Status::kWrongType,
                  [](SampleRig& k, const Sample&, const ArgInfo& arg, Handle) {
                    // With all rights that count: some calls look at these first.
                    if (arg.object_types == 0) return std::optional<Handle>();
                    return std::optional(k.handle(k.object<Object>(k.event()), arg.rights));
                  });
}

TEST_CASE("A handle without one of the rights is ZX_ERR_ACCESS_DENIED in every argument, and nothing happens") {
  Complaints complaints;
  for (uint32_t bit = 0; bit < 31; ++bit) {
    auto right = static_cast<Rights>(1u << bit);
    auto without = [right](SampleRig& k, const Sample& sample, const ArgInfo& arg,
                           Handle whole) -> std::optional<Handle> {
      if ((arg.rights & right) == Rights::kNone || whole == Handle::kInvalid) return std::nullopt;
      REQUIRE((k.basic(whole).rights & right) == right);
      return k.without(whole, sample.is_exempt(arg.name, What::kOrWrite) ? right | Rights::kWrite : right);
    };
    try_bad_handles(complaints, fmt::format("without the right {:#x}", 1u << bit), Status::kAccessDenied, without);
  }
}

struct BadPointer {
  std::string_view what;
  GuestAddr (*make)(SampleRig&);
  bool for_reading = true;
};

constexpr BadPointer kBadPointers[] = {
    {"null", [](SampleRig&) { return GuestAddr{0}; }},
    {"to nowhere", [](SampleRig&) { return SampleRig::kNowhere; }},
    {"across the end of a mapping", [](SampleRig&) { return SampleRig::kMemory + SampleRig::kMemorySize - 1; }},
    {"into the kernel's half", [](SampleRig&) { return GuestAddr{0xffff'8000'0000'0000}; }},
    {"beyond canonical addresses", [](SampleRig&) { return GuestAddr{0x0001'0000'0000'0000}; }},
    {"around the end of all addresses", [](SampleRig&) { return GuestAddr{~uint64_t{0}}; }},
    {"to memory that may only be read", [](SampleRig& k) { return k.read_only(); }, false},
};

/// Spoils one pointer in every way and looks at what comes of it. `place` puts the bad one where it belongs.
template <class Place>
void try_bad_pointers(Complaints& complaints, const Sample& sample, std::string_view name, bool written, bool optional,
                      Place place) {
  for (const BadPointer& kind : kBadPointers) {
    if ((kind.what == "null" && optional) || (!kind.for_reading && !written)) continue;
    if (kind.what.starts_with("across") && sample.is_exempt(name, What::kOneByte)) continue;
    SampleRig k;
    k.touch_memory();
    GuestAddr pointer = kind.make(k);
    Arguments bad = sample.make(k);
    place(k, bad, pointer);
    bool unused = sample.is_exempt(name, What::kUnused) ||
                  (sample.is_exempt(name, What::kNotRead) && pointer.value != 0 && pointer.value % 4 == 0);
    Status wanted = unused ? sample.gives : Status::kInvalidArgs;
    bool checked = kind.what == "null" && sample.is_exempt(name, What::kNoNull);
    if (sample.is_exempt(name, What::kFaults) && !checked)
      wanted = kind.for_reading ? Status::kNotFound : Status::kAccessDenied;
    SampleRig::Census before = k.census();
    complaints.expect(sample, name, kind.what, k.make_call(sample, bad), wanted);
    if (!unused && !sample.is_exempt(name, What::kChanges))
      complaints.compare(sample, name, kind.what, before, k.census());
  }
}

TEST_CASE("A pointer to no memory of the caller's is ZX_ERR_INVALID_ARGS in every argument, and nothing happens") {
  Complaints complaints;
  for (const Sample& sample : call_samples()) {
    const abi::SyscallInfo& info = info_of(sample);
    for (size_t i = 0; i < info.args.size(); ++i) {
      const ArgInfo& arg = info.args[i];
      if (!arg.pointer) continue;
      try_bad_pointers(complaints, sample, arg.name, arg.direction == abi::Direction::kOut, arg.optional,
                       [i](SampleRig&, Arguments& bad, GuestAddr pointer) { bad.values[i] = pointer.value; });
    }
  }
}

TEST_CASE("A pointer in a structure to no memory of the caller's is ZX_ERR_INVALID_ARGS, and nothing happens") {
  Complaints complaints;
  for (const Sample& sample : call_samples()) {
    SampleRig first;
    std::vector<Nested> nested = sample.make(first).nested;
    for (size_t i = 0; i < nested.size(); ++i) {
      try_bad_pointers(complaints, sample, nested[i].name, nested[i].written, false,
                       [i](SampleRig& k, Arguments& bad, GuestAddr pointer) { k.poke(bad.nested[i].at, pointer); });
    }
  }
}

}  // namespace
}  // namespace jacinth::kernel
