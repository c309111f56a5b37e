#include "tools/jacinth/inject.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "kernel/abi/format.h"
#include "kernel/abi/syscall_info.h"
#include "tools/jacinth/call_choice.h"
#include "tools/jacinth/suggest.h"

namespace jacinth::cli {
namespace {

using kernel::Injection;

template <class T>
using Parsed = std::expected<T, std::string>;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// The whole text, or nothing.
template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value = {};
  bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The failures that have names.
const std::map<std::string, int32_t>& errors() {
  static const std::map<std::string, int32_t> names = [] {
    constexpr int32_t kMost = 1000;
    std::map<std::string, int32_t> all;
    for (int32_t number = 1; number < kMost; ++number)
      if (std::string_view name = abi::status_name(abi::Status{-number}); !name.empty())
        all.emplace(std::string(name), -number);
    return all;
  }();
  return names;
}

Parsed<int64_t> parse_error(std::string_view text) {
  if (std::optional<int32_t> number = whole_number<int32_t>(text)) {
    if (*number < 0) return *number;
    std::string_view meant = abi::status_name(abi::Status{-*number});
    return std::unexpected(
        fmt::format("error={} is no failure, failures are negative{}; any number is retval=", text,
                    meant.empty() || *number == 0 ? "" : fmt::format(" ({} is {})", -*number, meant)));
  }
  std::string name(text);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (!name.starts_with("ZX_")) name = "ZX_ERR_" + name;
  if (auto found = errors().find(name); found != errors().end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, number] : errors()) names.push_back(known);
  std::string meant = closest(name, names);
  return std::unexpected(
      fmt::format("there is no status {}{}", text, meant.empty() ? "" : fmt::format(", did you mean {}?", meant)));
}

Parsed<int64_t> parse_retval(std::string_view text) {
  if (std::optional<int64_t> number = whole_number<int64_t>(text)) return *number;
  if (std::optional<uint64_t> number = whole_number<uint64_t>(text)) return static_cast<int64_t>(*number);
  return std::unexpected(fmt::format("retval={} is no number", text));
}

/// FIRST[..LAST][+[STEP]]
std::optional<std::string> parse_when(std::string_view text, Injection& injection) {
  auto bad = [text](std::string_view why) {
    return fmt::format("when={}: {}; it is FIRST[..LAST][+[STEP]], and calls count from 1", text, why);
  };
  std::string_view rest = text;
  bool repeats = false;
  if (size_t plus = rest.find('+'); plus != rest.npos) {
    repeats = true;
    std::string_view step = rest.substr(plus + 1);
    rest = rest.substr(0, plus);
    std::optional<uint64_t> number = step.empty() ? 1 : whole_number<uint64_t>(step);
    if (!number || *number == 0) return bad(fmt::format("'{}' is no number of calls", step));
    injection.step = *number;
  }
  std::string_view last;
  bool ends = false;
  if (size_t dots = rest.find(".."); dots != rest.npos) {
    ends = true;
    last = rest.substr(dots + 2);
    rest = rest.substr(0, dots);
  }
  std::optional<uint64_t> first = whole_number<uint64_t>(rest);
  if (!first || *first == 0) return bad(fmt::format("'{}' is not which call", rest));
  injection.first = *first;
  injection.last = repeats ? Injection::kForever : *first;
  if (!ends) return std::nullopt;
  std::optional<uint64_t> number = whole_number<uint64_t>(last);
  if (!number) return bad(fmt::format("'{}' is not which call", last));
  if (*number < *first) return bad("the last comes before the first");
  injection.last = *number;
  return std::nullopt;
}

/// Why nothing can be put in the place of this call; empty when something can.
std::string reason_against(const abi::SyscallInfo& info, bool error) {
  if (info.number < 0) return "never reaches the kernel: the vDSO answers it or makes other calls";
  if (info.noreturn) return "does not return, so there is no place for a result";
  if (info.internal && info.name.ends_with("_finish"))
    return "goes on with a call that began before a suspension: inject that one";
  bool status = info.returns == abi::ReturnKind::kStatus || info.returns == abi::ReturnKind::kStatusOrCount;
  if (info.returns == abi::ReturnKind::kVoid) return "returns nothing";
  if (error && !status) return "returns no status: use retval=";
  return {};
}

/// The calls that a list names, those left out that cannot be injected and were not named one by one.
Parsed<std::vector<uint64_t>> parse_calls(std::string_view list, bool error) {
  auto chosen = chosen_calls(std::string(list));
  if (!chosen) return std::unexpected(chosen.error());
  for (std::string_view word : split(list, ',')) {
    const abi::SyscallInfo* info = named_call(word);
    if (info == nullptr || (info->number < 0 && !calls_behind(info->name).empty())) continue;
    if (std::string reason = reason_against(*info, error); !reason.empty())
      return std::unexpected(fmt::format("{} {}", info->name, reason));
  }
  std::vector<uint64_t> numbers;
  for (size_t number = 0; number < chosen->size(); ++number) {
    const abi::SyscallInfo* info = abi::syscall_by_number(static_cast<uint32_t>(number));
    if ((*chosen)[number] && info != nullptr && reason_against(*info, error).empty()) numbers.push_back(number);
  }
  if (numbers.empty()) return std::unexpected(fmt::format("'{}' leaves no call that can be injected", list));
  return numbers;
}

}  // namespace

Parsed<std::vector<Injection>> parse_injection(std::string_view text) {
  std::vector<std::string_view> parts = split(text, ':');
  Injection injection;
  bool has_result = false;
  bool error = false;
  bool has_when = false;
  for (size_t i = 1; i < parts.size(); ++i) {
    size_t equals = parts[i].find('=');
    std::string_view name = parts[i].substr(0, equals);
    std::string_view value = equals == parts[i].npos ? std::string_view() : parts[i].substr(equals + 1);
    if (name == "error" || name == "retval") {
      if (has_result) return std::unexpected("there is one result only, error= or retval=");
      has_result = true;
      error = name == "error";
      auto result = error ? parse_error(value) : parse_retval(value);
      if (!result) return std::unexpected(result.error());
      injection.result = *result;
    } else if (name == "when") {
      if (has_when) return std::unexpected("there is one when= only");
      has_when = true;
      if (std::optional<std::string> problem = parse_when(value, injection)) return std::unexpected(*problem);
    } else if (name == "delay_enter" || name == "delay_exit" || name == "signal" || name == "syscall" ||
               name.starts_with("poke_")) {
      return std::unexpected(fmt::format("{} is strace's alone: here it is error= or retval=", name));
    } else {
      const std::vector<std::string> known = {"error", "retval", "when"};
      std::string meant = closest(name, known);
      return std::unexpected(fmt::format("'{}' is none of error=, retval= and when={}", parts[i],
                                         meant.empty() ? "" : fmt::format(", did you mean {}=?", meant)));
    }
  }
  if (parts[0].empty()) return std::unexpected("it is CALLS:error=STATUS or CALLS:retval=NUMBER, then :when=N");
  if (!has_result) return std::unexpected(fmt::format("'{}' says no result: error=STATUS or retval=NUMBER", text));
  auto numbers = parse_calls(parts[0], error);
  if (!numbers) return std::unexpected(numbers.error());
  std::vector<Injection> injections;
  for (uint64_t number : *numbers) {
    injection.number = number;
    injections.push_back(injection);
  }
  return injections;
}

Parsed<std::vector<Injection>> parse_injections(std::span<const std::string> texts) {
  std::map<uint64_t, Injection> by_number;
  for (const std::string& text : texts) {
    auto injections = parse_injection(text);
    if (!injections) return std::unexpected(injections.error());
    for (const Injection& injection : *injections) by_number[injection.number] = injection;
  }
  std::vector<Injection> all;
  all.reserve(by_number.size());
  for (const auto& [number, injection] : by_number) all.push_back(injection);
  return all;
}

std::string injection_text(const Injection& injection) {
  const abi::SyscallInfo& info = *abi::syscall_by_number(static_cast<uint32_t>(injection.number));
  bool status = info.returns == abi::ReturnKind::kStatus || info.returns == abi::ReturnKind::kStatusOrCount;
  bool error = status && injection.result < 0 && injection.result >= std::numeric_limits<int32_t>::min();
  std::string text = std::string(info.name);
  text += error ? fmt::format(":error={}", abi::format_status(abi::Status{static_cast<int32_t>(injection.result)}))
                : fmt::format(":retval={}", injection.result);
  if (injection.first == 1 && injection.last == Injection::kForever && injection.step == 1) return text;
  text += fmt::format(":when={}", injection.first);
  if (injection.last == injection.first) return text;
  if (injection.last != Injection::kForever) text += fmt::format("..{}", injection.last);
  if (injection.last == Injection::kForever || injection.step != 1) text += '+';
  if (injection.step != 1) text += fmt::format("{}", injection.step);
  return text;
}

}  // namespace jacinth::cli
