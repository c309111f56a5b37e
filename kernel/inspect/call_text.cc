#include "kernel/inspect/call_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "kernel/abi/format.h"

namespace jacinth::kernel {
namespace {

using abi::ArgFormat;
using abi::ArgInfo;
using abi::Direction;
using abi::SyscallInfo;

/// Of an inout argument so much is compared to tell whether the call changed it.
constexpr size_t kMaxCompared = 1024;

bool is_result(const ArgInfo& arg) { return arg.pointer && arg.direction == Direction::kOut; }

/// Failures that come with results all the same: sizes that would have been needed, signals seen until the deadline.
bool failed_with_results(const SyscallInfo& info, int64_t result) {
  if (info.returns != abi::ReturnKind::kStatus) return false;
  switch (static_cast<Status>(result)) {
    case Status::kBufferTooSmall:
    case Status::kTimedOut:
    case Status::kCanceled: return true;
    default: return false;
  }
}

bool is_late_result(const ArgInfo& arg) {
  switch (arg.value.format) {
    case ArgFormat::kUint:
    case ArgFormat::kCount:
    case ArgFormat::kSize:
    case ArgFormat::kSignals: return true;
    default: return arg.direction == Direction::kInOut;
  }
}

bool has_pointers(const ArgInfo& arg, Direction direction) {
  if (arg.value.format != ArgFormat::kStruct) return false;
  return std::ranges::any_of(arg.value.record->fields,
                             [&](const auto& field) { return field.pointer && field.direction == direction; });
}

}  // namespace

bool call_failed(const abi::SyscallInfo& info, int64_t result) {
  using abi::ReturnKind;
  return (info.returns == ReturnKind::kStatus || info.returns == ReturnKind::kStatusOrCount) &&
         static_cast<int32_t>(result) < 0;
}

std::string CallText::name(const PendingCall& call) {
  return call.info != nullptr ? std::string(call.info->name) : fmt::format("syscall_{}", call.trap.number);
}

ObjectType CallText::object_of(const PendingCall& call, const ArgInfo& arg) const {
  return arg.selector_arg >= 0 ? call.types[static_cast<uint8_t>(arg.selector_arg)] : ObjectType::kNone;
}

uint64_t CallText::selector_of(const PendingCall& call, const ArgInfo& arg) const {
  if (arg.selector_arg < 0) return 0;
  size_t index = static_cast<uint8_t>(arg.selector_arg);
  return abi::narrow(call.info->args[index].value, call.trap.arguments[index]);
}

/// The number that an argument points to.
std::optional<uint64_t> CallText::read_out(const PendingCall& call, const ArgInfo& arg, uint64_t address) const {
  static_cast<void>(call);
  std::array<std::byte, 8> bytes = {};
  size_t size = std::min<size_t>(arg.value.size, sizeof(uint64_t));
  if (address == 0 || size == 0 || !view_.peek_all(GuestAddr(address), std::span(bytes).first(size))) return {};
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), size);
  return value;
}

Extent CallText::extent(const PendingCall& call, const ArgInfo& arg, bool after) const {
  Extent extent;
  if (arg.length_arg < 0) return extent;
  size_t index = static_cast<uint8_t>(arg.length_arg);
  extent = {.count = abi::narrow(call.info->args[index].value, call.trap.arguments[index]),
            .in_records = arg.length_in_records,
            .array = true};
  if (after && arg.direction == Direction::kOut && arg.actual_arg >= 0) {
    size_t actual = static_cast<uint8_t>(arg.actual_arg);
    std::optional<uint64_t> came = read_out(call, call.info->args[actual], call.trap.arguments[actual]);
    if (came) {
      // A buffer given in bytes, filled with records: from here on records count.
      const abi::ValueFormat& value = arg.value;
      bool records = value.format != ArgFormat::kBytes && value.format != ArgFormat::kString;
      if (records && !extent.in_records) {
        extent.in_records = true;
        extent.count = *came;
      } else {
        extent.count = std::min(extent.count, *came);
      }
    }
  }
  if (arg.stride_arg >= 0) extent.count *= call.trap.arguments[size_t{static_cast<uint8_t>(arg.stride_arg)}];
  return extent;
}

void CallText::before(const SyscallInfo* info, const Trap& trap, PendingCall& call) const {
  call.info = info;
  call.trap = trap;
  call.text.clear();
  call.before.clear();
  call.printed = 0;
  ValuePrinter printer(view_, limits_, call.text);
  if (info == nullptr) {
    for (size_t i = 0; i < PendingCall::kMaxArgs; ++i) {
      printer.hex(trap.arguments[i]);
      call.ends[i] = static_cast<uint32_t>(call.text.size());
    }
    return;
  }
  // Types first: signals may stand before the handle that they are of.
  for (size_t i = 0; i < info->args.size(); ++i) {
    const ArgInfo& arg = info->args[i];
    if (arg.pointer || arg.value.format != ArgFormat::kHandle) continue;
    std::optional<GuestView::Named> named = view_.named(static_cast<Handle>(trap.arguments[i]));
    call.types[i] = named ? named->type : ObjectType::kNone;
  }
  for (size_t i = 0; i < info->args.size(); ++i) {
    if (!is_result(info->args[i])) print_input(printer, call, i);
    call.ends[i] = static_cast<uint32_t>(call.text.size());
    if (info->args[i].pointer && info->args[i].direction == Direction::kInOut) {
      // What is there now, to tell afterwards whether it changed.
      size_t begin = call.before.size();
      call.before.resize(begin + kMaxCompared);
      size_t seen = view_.peek(GuestAddr(trap.arguments[i]), std::span(call.before).subspan(begin));
      call.before.resize(begin + seen);
    }
  }
}

void CallText::print_input(ValuePrinter& printer, const PendingCall& call, size_t index) const {
  const ArgInfo& arg = call.info->args[index];
  uint64_t value = call.trap.arguments[index];
  if (!arg.pointer) {
    const abi::ValueFormat* format = &arg.value;
    if (format->format == ArgFormat::kVariant) format = &format->variants->select(selector_of(call, arg));
    printer.scalar(*format, value, object_of(call, arg));
    return;
  }
  switch (arg.value.format) {
    case ArgFormat::kFutex:
    case ArgFormat::kAddress: printer.address(value); return;
    default: break;
  }
  printer.show({.in = arg.direction == Direction::kIn, .out = false});
  printer.memory(arg.value, GuestAddr(value), extent(call, arg, false), selector_of(call, arg));
}

void CallText::print_output(ValuePrinter& printer, const PendingCall& call, size_t index) const {
  const ArgInfo& arg = call.info->args[index];
  uint64_t value = call.trap.arguments[index];
  if (arg.value.format == ArgFormat::kSignals && !arg.is_handle) {
    std::optional<uint64_t> signals = read_out(call, arg, value);
    if (!signals) return printer.address(value);
    return printer.scalar(arg.value, *signals, object_of(call, arg));
  }
  printer.show({.in = false, .out = false});
  printer.memory(arg.value, GuestAddr(value), extent(call, arg, true), selector_of(call, arg));
}

/// What an argument is now that the call may have changed, if it has; after `prefix`.
bool CallText::print_changes(ValuePrinter& printer, const PendingCall& call, size_t index,
                             std::string_view prefix) const {
  const ArgInfo& arg = call.info->args[index];
  uint64_t value = call.trap.arguments[index];
  if (!arg.pointer || is_result(arg) || value == 0) return false;
  if (arg.direction == Direction::kIn) {
    // A structure of arguments that points to results (zx_channel_call).
    if (!has_pointers(arg, Direction::kOut)) return false;
    printer.out() += prefix;
    struct Context {
      const CallText* self;
      const PendingCall* call;
    } context{this, &call};
    printer.show({.in = false,
                  .out = true,
                  .context = &context,
                  .actual = [](const void* opaque, std::string_view name) -> std::optional<uint64_t> {
                    const auto& at = *static_cast<const Context*>(opaque);
                    std::span<const ArgInfo> args = at.call->info->args;
                    for (size_t i = 0; i < args.size(); ++i)
                      if (args[i].name == name) return at.self->read_out(*at.call, args[i], at.call->trap.arguments[i]);
                    return std::nullopt;
                  }});
    printer.results_of(*arg.value.record, GuestAddr(value));
    return true;
  }
  // Buffers behind an array of pointers change without the array: always show them.
  bool scattered = has_pointers(arg, Direction::kIn);
  std::vector<std::byte> now(call.before.size());
  now.resize(view_.peek(GuestAddr(value), now));
  if (!scattered && now == call.before) return false;
  printer.out() += prefix;
  std::optional<uint64_t> filled;
  if (scattered && arg.actual_arg >= 0) {
    size_t actual = static_cast<uint8_t>(arg.actual_arg);
    filled = read_out(call, call.info->args[actual], call.trap.arguments[actual]);
  }
  printer.show({.in = true, .out = true, .filled = filled});
  printer.memory(arg.value, GuestAddr(value), extent(call, arg, true), selector_of(call, arg));
  return true;
}

void CallText::print_begun(PendingCall& call, std::string& out) const {
  out += name(call);
  out += '(';
  if (call.info == nullptr) return;
  uint32_t begin = 0;
  for (size_t i = 0; i < call.info->args.size(); ++i) {
    const ArgInfo& arg = call.info->args[i];
    if (is_result(arg)) break;
    if (i > 0) out += ", ";
    out += arg.name;
    out += '=';
    out.append(call.text, begin, call.ends[i] - begin);
    begin = call.ends[i];
    ++call.printed;
  }
  if (call.printed < call.info->args.size() && call.printed > 0) out += ", ";
}

void CallText::print_rest(PendingCall& call, int64_t result, std::string& out) const {
  if (call.info == nullptr) return print_rest_without_result(call, out);
  bool late = failed_with_results(*call.info, result);
  bool none = call_failed(*call.info, result) && !late;
  auto has_result = [&](const ArgInfo& arg) { return !none && (!late || is_late_result(arg)); };
  ValuePrinter printer(view_, limits_, out);
  bool first = true;
  // What was out before the call waited, and has changed since.
  for (size_t i = 0; i < call.printed; ++i) {
    const ArgInfo& arg = call.info->args[i];
    if (!has_result(arg)) continue;
    std::string prefix = first ? "" : ", ";
    prefix += arg.name;
    if (print_changes(printer, call, i, prefix + "=")) first = false;
  }
  uint32_t begin = call.printed > 0 ? call.ends[call.printed - 1] : 0;
  for (size_t i = call.printed; i < call.info->args.size(); ++i) {
    const ArgInfo& arg = call.info->args[i];
    if (!first) out += ", ";
    first = false;
    out += arg.name;
    out += '=';
    if (is_result(arg)) {
      if (has_result(arg)) {
        print_output(printer, call, i);
      } else {
        printer.address(call.trap.arguments[i]);
      }
    } else {
      out.append(call.text, begin, call.ends[i] - begin);
      if (has_result(arg)) print_changes(printer, call, i, " => ");
    }
    begin = call.ends[i];
  }
  out += ')';
}

void CallText::print_rest_without_result(PendingCall& call, std::string& out) const {
  ValuePrinter printer(view_, limits_, out);
  size_t count = call.info != nullptr ? call.info->args.size() : PendingCall::kMaxArgs;
  uint32_t begin = call.printed > 0 ? call.ends[call.printed - 1] : 0;
  for (size_t i = call.printed; i < count; ++i) {
    if (i > call.printed) out += ", ";
    if (call.info != nullptr) {
      out += call.info->args[i].name;
      out += '=';
    }
    if (call.info != nullptr && is_result(call.info->args[i])) {
      printer.address(call.trap.arguments[i]);
      continue;
    }
    out.append(call.text, begin, call.ends[i] - begin);
    begin = call.ends[i];
  }
  out += ')';
}

std::vector<ArgumentText> CallText::arguments(const PendingCall& call, const int64_t* result) const {
  std::vector<ArgumentText> list;
  size_t count = call.info != nullptr ? call.info->args.size() : PendingCall::kMaxArgs;
  bool known = call.info != nullptr && result != nullptr;
  bool late = known && failed_with_results(*call.info, *result);
  bool none = !known || (call_failed(*call.info, *result) && !late);
  uint32_t begin = 0;
  for (size_t i = 0; i < count; ++i) {
    ArgumentText& at = list.emplace_back();
    at.value = call.trap.arguments[i];
    at.text = call.text.substr(begin, call.ends[i] - begin);
    begin = call.ends[i];
    if (call.info == nullptr) continue;
    const ArgInfo& arg = call.info->args[i];
    at.name = arg.name;
    at.is_result = is_result(arg);
    bool has_result = !none && (!late || is_late_result(arg));
    ValuePrinter printer(view_, limits_, at.is_result ? at.text : at.after);
    if (at.is_result && has_result) {
      print_output(printer, call, i);
    } else if (at.is_result) {
      printer.address(at.value);
    } else if (has_result) {
      static_cast<void>(print_changes(printer, call, i, ""));
    }
  }
  return list;
}

void CallText::print_result(const PendingCall& call, int64_t result, std::string& out) {
  using abi::ReturnKind;
  auto append = std::back_inserter(out);
  if (call.info == nullptr) {
    out += abi::format_status(static_cast<Status>(result));
    return;
  }
  switch (call.info->returns) {
    case ReturnKind::kVoid: out += '?'; return;
    case ReturnKind::kStatus:
      if (result == 0) {
        out += "ZX_OK";
      } else {
        out += abi::format_status(static_cast<Status>(result));
      }
      return;
    case ReturnKind::kStatusOrCount:
      if (result < 0) {
        out += abi::format_status(static_cast<Status>(result));
      } else {
        fmt::format_to(append, "{}", result);
      }
      return;
    case ReturnKind::kTime: out += abi::format_time(Time{result}); return;
    case ReturnKind::kTicks:
    case ReturnKind::kInt64: fmt::format_to(append, "{}", result); return;
    case ReturnKind::kUint64: fmt::format_to(append, "{}", static_cast<uint64_t>(result)); return;
    case ReturnKind::kUint32: fmt::format_to(append, "{}", static_cast<uint32_t>(result)); return;
    case ReturnKind::kPointer:
    case ReturnKind::kStringView: fmt::format_to(append, "{:#x}", static_cast<uint64_t>(result)); return;
  }
}

std::string call_arguments(const GuestView& view, const TextLimits& limits, const Trap& trap) {
  PendingCall call;
  CallText text(view, limits);
  text.before(abi::syscall_by_number(static_cast<uint32_t>(trap.number)), trap, call);
  std::string out = "(";
  text.print_rest_without_result(call, out);
  return out;
}

}  // namespace jacinth::kernel
