#include "tools/jacinth/debug/moments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernel/abi/format.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/exception_text.h"
#include "kernel/object/core.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {

using emu::MomentKind;

namespace {

constexpr std::array<std::string_view, 14> kNames = {
    "packet-queued",  "message-written", "futex-parked",    "thread-blocked",  "thread-woken",
    "thread-started", "thread-exited",   "process-started", "process-exited",  "exception",
    "handle-closed",  "signalled",       "page-committed",  "libraries-loaded"};
static_assert(kNames.size() == static_cast<size_t>(MomentKind::kLibrariesLoaded) + 1);

std::string value_words(const kernel::Object* object, const emu::Moment& moment) {
  switch (moment.kind) {
    case MomentKind::kPacketQueued: return fmt::format("key {:#x}", moment.value);
    case MomentKind::kMessageWritten: return fmt::format("{} bytes", moment.value);
    case MomentKind::kFutexParked: return fmt::format("at {:#x}", moment.value);
    case MomentKind::kProcessExited: return "code " + kernel::return_code_text(static_cast<int64_t>(moment.value));
    case MomentKind::kException: {
      const abi::FlagSet* names = abi::flag_set("exception_type");
      return names != nullptr ? abi::format_enum(*names, moment.value) : fmt::format("{:#x}", moment.value);
    }
    case MomentKind::kHandleClosed:
      return moment.value == 0 ? std::string("the last one") : fmt::format("{} left", moment.value);
    case MomentKind::kSignalled:
      return abi::format_signals(object != nullptr ? object->type() : kernel::ObjectType::kNone,
                                 static_cast<kernel::Signals>(moment.value));
    case MomentKind::kPageCommitted: return fmt::format("offset {:#x}", moment.value);
    case MomentKind::kThreadBlocked:
    case MomentKind::kThreadWoken:
    case MomentKind::kThreadStarted:
    case MomentKind::kThreadExited:
    case MomentKind::kProcessStarted:
    case MomentKind::kLibrariesLoaded: return {};
  }
  return {};
}

std::optional<uint64_t> named_signals(std::string_view word) {
  uint64_t signals = 0;
  while (!word.empty()) {
    std::string_view name = word.substr(0, word.find('|'));
    word.remove_prefix(std::min(word.size(), name.size() + 1));
    std::optional<uint64_t> found;
    for (const abi::FlagSet* set : abi::flag_sets()) {
      if (!set->name.starts_with("signals")) continue;
      auto row = std::ranges::find(set->values, name, &abi::NamedValue::name);
      if (row != set->values.end()) found = row->value;
    }
    if (!found) return std::nullopt;
    signals |= *found;
  }
  return signals;
}

}  // namespace

std::string_view moment_name(MomentKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::optional<MomentKind> moment_kind(std::string_view name) {
  auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<MomentKind>(found - kNames.begin());
}

std::string moment_names() { return fmt::format("{}", fmt::join(kNames, ", ")); }

std::string moment_words(kernel::Core& core, const emu::Moment& moment) {
  const kernel::Object* object = core.objects().find(kernel::Koid{moment.koid});
  std::string words = fmt::format("{} {}", moment_name(moment.kind), moment.koid);
  if (object != nullptr) words += fmt::format(" {}", abi::object_type_name(object->type()));
  if (std::string value = value_words(object, moment); !value.empty()) words += ": " + value;
  return words;
}

std::expected<emu::MomentCatch, std::string> parse_moment(Debugger& debugger, const Words& words) {
  auto kind = moment_kind(words[0]);
  if (!kind) return std::unexpected(fmt::format("there is no moment '{}': {}", words[0], moment_names()));
  emu::MomentCatch wanted{.kind = *kind};
  if (words.size() > 1 && words[1] != "any") {
    auto koid = parse_number(words[1]);
    if (!koid) return std::unexpected(koid.error());
    wanted.koid = *koid;
  }
  if (words.size() < 3) return wanted;
  wanted.value = *kind == MomentKind::kSignalled ? named_signals(words[2]) : std::nullopt;
  if (wanted.value) return wanted;
  auto value = debugger.value(words[2]);
  if (!value) return std::unexpected(value.error());
  wanted.value = *value;
  return wanted;
}

}  // namespace jacinth::cli
