#include "kernel/abi/format.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "emu/base/check.h"

namespace jacinth::abi {
namespace {

const FlagSet& known_set(std::string_view name) {
  const FlagSet* set = flag_set(name);
  CHECK(set != nullptr, "no set of constants {}", name);
  return *set;
}

std::string plain_number(uint64_t value, bool is_signed, bool hex) {
  if (hex && value > 9) return fmt::format("{:#x}", value);
  return is_signed ? fmt::format("{}", static_cast<int64_t>(value)) : fmt::format("{}", value);
}

/// Appends the names of the bits that `set` knows, and returns the bits that it doesn't.
uint64_t append_names(std::string& text, const FlagSet& set, uint64_t value) {
  uint64_t rest = value;
  for (const NamedValue& row : set.values) {
    // Each bit is named once, by the first row that matches; a zero is no flag.
    if (row.value == 0 || (value & row.mask) != row.value || (rest & row.mask) == 0) continue;
    if (!text.empty()) text += '|';
    text += row.name;
    rest &= ~row.mask;
  }
  return rest;
}

std::string finish_flags(std::string text, uint64_t rest) {
  if (rest != 0) {
    if (!text.empty()) text += '|';
    text += fmt::format("{:#x}", rest);
  }
  return text.empty() ? "0" : text;
}

/// The names that objects of this type give to their signals; those of the bits when there are none.
const FlagSet& signal_names(ObjectType type) {
  static const auto by_type = [] {
    std::array<const FlagSet*, kObjectTypeUpperBound> sets;
    for (uint32_t number = 0; number < sets.size(); ++number) {
      const FlagSet* set = flag_set(fmt::format("signals_{}", object_type_name(static_cast<ObjectType>(number))));
      sets[number] = set != nullptr ? set : &known_set("signals_none");
    }
    return sets;
  }();
  const auto number = static_cast<uint32_t>(type);
  return *by_type[number < by_type.size() ? number : 0];
}

/// Byte counts and offsets: whole pages are easier to read in hexadecimal.
std::string format_bytes_count(uint64_t value) {
  return value != 0 && value % 4096 == 0 ? fmt::format("{:#x}", value) : fmt::format("{}", value);
}

}  // namespace

std::string format_flags(const FlagSet& set, uint64_t value) {
  std::string text;
  for (const NamedValue& row : set.values) {
    // A name for zero: of the whole set (ZX_RIGHT_NONE), or of a number inside it (ZX_RSRC_KIND_MMIO beside flags).
    const bool zero_of_set = row.mask == 0 && value == 0;
    const bool zero_of_part = row.mask != 0 && row.value == 0 && (value & row.mask) == 0;
    if (zero_of_set || zero_of_part) text += row.name;
  }
  const uint64_t rest = append_names(text, set, value);
  return finish_flags(std::move(text), rest);
}

std::string format_enum(const FlagSet& set, uint64_t value) {
  for (const NamedValue& row : set.values)
    if (row.value == value) return std::string(row.name);
  return plain_number(value, set.is_signed, set.hex);
}

std::string format_rights(Rights rights) {
  static const FlagSet& names = known_set("rights");
  return format_flags(names, raw(rights));
}

std::string format_signals(ObjectType type, Signals signals) {
  static const FlagSet& shared = known_set("signals_any");
  if (signals == Signals::kNone) return "0";
  std::string text;
  uint64_t rest = append_names(text, signal_names(type), raw(signals));
  rest = append_names(text, shared, rest);
  return finish_flags(std::move(text), rest);
}

std::string_view status_name(Status status) {
  static const FlagSet& names = known_set("status");
  for (const NamedValue& row : names.values)
    if (static_cast<int32_t>(row.value) == raw(status)) return row.name;
  return {};
}

std::string format_status(Status status) {
  const std::string_view name = status_name(status);
  return name.empty() ? fmt::format("{}", raw(status)) : std::string(name);
}

std::string_view object_type_name(ObjectType type) {
  using enum ObjectType;
  switch (type) {
    case kNone: return "none";
    case kProcess: return "process";
    case kThread: return "thread";
    case kVmo: return "vmo";
    case kChannel: return "channel";
    case kEvent: return "event";
    case kPort: return "port";
    case kInterrupt: return "interrupt";
    case kPciDevice: return "pci_device";
    case kDebuglog: return "debuglog";
    case kSocket: return "socket";
    case kResource: return "resource";
    case kEventpair: return "eventpair";
    case kJob: return "job";
    case kVmar: return "vmar";
    case kFifo: return "fifo";
    case kGuest: return "guest";
    case kVcpu: return "vcpu";
    case kTimer: return "timer";
    case kIommu: return "iommu";
    case kBti: return "bti";
    case kProfile: return "profile";
    case kPmt: return "pmt";
    case kSuspendToken: return "suspend_token";
    case kPager: return "pager";
    case kException: return "exception";
    case kClock: return "clock";
    case kStream: return "stream";
    case kMsi: return "msi";
  }
  return {};
}

std::string format_time(Time time) {
  if (time == Time::never()) return "ZX_TIME_INFINITE";
  if (time == Time::long_ago()) return "ZX_TIME_INFINITE_PAST";
  if (time.ns == 0) return "0";
  constexpr uint64_t second = 1'000'000'000;
  const bool negative = time.ns < 0;
  const uint64_t ns = negative ? -static_cast<uint64_t>(time.ns) : static_cast<uint64_t>(time.ns);
  return fmt::format("{}{}.{:09}s", negative ? "-" : "", ns / second, ns % second);
}

std::string format_duration(Duration duration) {
  static constexpr std::array<std::pair<int64_t, std::string_view>, 3> units = {
      {{1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}}};
  if (Time{duration.ns} == Time::never()) return "ZX_TIME_INFINITE";
  if (Time{duration.ns} == Time::long_ago()) return "ZX_TIME_INFINITE_PAST";
  if (duration.ns == 0) return "0";
  for (const auto& [unit, name] : units)
    if (duration.ns % unit == 0) return fmt::format("{}{}", duration.ns / unit, name);
  return fmt::format("{}ns", duration.ns);
}

uint64_t narrow(const ValueFormat& format, uint64_t value) {
  if (format.size == 0 || format.size >= sizeof(uint64_t)) return value;
  const int unused = 64 - 8 * format.size;
  const uint64_t top = value << unused;
  return format.is_signed ? static_cast<uint64_t>(static_cast<int64_t>(top) >> unused) : top >> unused;
}

std::string format_scalar(const ValueFormat& format, uint64_t value, ObjectType object) {
  value = narrow(format, value);
  switch (format.format) {
    case ArgFormat::kUint:
    case ArgFormat::kCount: return fmt::format("{}", value);
    case ArgFormat::kInt:
    case ArgFormat::kTicks: return fmt::format("{}", static_cast<int64_t>(value));
    case ArgFormat::kHex:
    case ArgFormat::kAddress:
    case ArgFormat::kPaddr:
    case ArgFormat::kFutex: return value == 0 ? "0" : fmt::format("{:#x}", value);
    case ArgFormat::kHandle: return value == 0 ? "ZX_HANDLE_INVALID" : fmt::format("{:#x}", value);
    case ArgFormat::kBool: return value == 0 ? "false" : value == 1 ? "true" : fmt::format("{}", value);
    case ArgFormat::kSize:
    case ArgFormat::kOffset: return format_bytes_count(value);
    case ArgFormat::kKoid: return fmt::format("{}", value);
    case ArgFormat::kStatus: return format_status(static_cast<Status>(value));
    case ArgFormat::kRights: return format_rights(static_cast<Rights>(value));
    case ArgFormat::kSignals: return format_signals(object, static_cast<Signals>(value));
    case ArgFormat::kTime: return format_time(Time{static_cast<int64_t>(value)});
    case ArgFormat::kDuration: return format_duration(Duration{static_cast<int64_t>(value)});
    case ArgFormat::kFlags: return format_flags(*format.flags, value);
    case ArgFormat::kEnum: return format_enum(*format.flags, value);
    case ArgFormat::kNone:
    case ArgFormat::kString:
    case ArgFormat::kBytes:
    case ArgFormat::kStruct:
    case ArgFormat::kVariant: break;
  }
  return {};
}

std::string format_arg(const ArgInfo& arg, uint64_t value, ObjectType object) {
  if (arg.pointer) return value == 0 ? "NULL" : fmt::format("{:#x}", value);
  return format_scalar(arg.value, value, object);
}

}  // namespace jacinth::abi
