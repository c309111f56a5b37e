#include "tools/jacinth/divergence.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/abi/format.h"
#include "kernel/abi/syscall_info.h"

namespace jacinth::cli {
namespace {

using emu::Event;
using emu::EventKind;

std::string call_text(const Event& event, bool known) {
  const abi::SyscallInfo* info = abi::syscall_by_number(static_cast<uint32_t>(event.number));
  std::string text = info != nullptr ? std::string(info->name) : fmt::format("syscall_{}", event.number);
  if (!known) return text;
  text += '(';
  for (size_t i = 0; i < event.argument_count; ++i) {
    std::string_view name = info != nullptr && i < info->args.size() ? info->args[i].name : "";
    text += fmt::format("{}{}{}{:#x}", i == 0 ? "" : ", ", name, name.empty() ? "" : "=", event.arguments[i]);
  }
  return text + ')';
}

/// What differs first, and a few bytes of both.
std::string data_text(const std::vector<std::byte>& recorded, const std::vector<std::byte>& replayed) {
  auto [a, b] = std::ranges::mismatch(recorded, replayed);
  size_t at = static_cast<size_t>(a - recorded.begin());
  auto bytes = [at](const std::vector<std::byte>& all) {
    std::string text;
    for (size_t i = at; i < std::min(all.size(), at + 8); ++i)
      text += fmt::format(" {:02x}", static_cast<uint8_t>(all[i]));
    return text.empty() ? " nothing" : text;
  };
  return fmt::format("\n  at byte {} of the data: recorded{}, replayed{}", at, bytes(recorded), bytes(replayed));
}

}  // namespace

std::string event_text(const Event& event, bool known) {
  std::string text;
  if (known) text += fmt::format("{}.{:09}s ", event.time.ns / 1'000'000'000, event.time.ns % 1'000'000'000);
  if (event.thread != 0) {
    text += fmt::format("{}:{} ", event.process, event.thread);
  } else if (event.process != 0) {
    text += fmt::format("{} ", event.process);
  }
  switch (event.kind) {
    case EventKind::kCall:
      text += call_text(event, known);
      if (!known) break;
      if (const abi::FlagSet* names = abi::flag_set("status"); names != nullptr && event.result <= 0) {
        text += fmt::format(" = {}", abi::format_enum(*names, static_cast<uint64_t>(event.result)));
      } else {
        text += fmt::format(" = {}", event.result);
      }
      break;
    case EventKind::kCallAbandoned: text += call_text(event, known) + " = ?"; break;
    case EventKind::kCallParked: text += call_text(event, false) + " waits"; break;
    default:
      text += event_kind_name(event.kind);
      if (!known) break;
      if (event.number != 0) text += fmt::format(" {}", event.number);
      for (size_t i = 0; i < event.argument_count; ++i) text += fmt::format(" {:#x}", event.arguments[i]);
      if (event.kind == EventKind::kProcessExited) text += fmt::format(" {}", event.result);
      break;
  }
  return text;
}

std::string divergence_text(const emu::Divergence& divergence, emu::RecordLevel level) {
  bool full = level == emu::RecordLevel::kFull;
  std::string text = fmt::format("event {} is not what was recorded: {}", divergence.event, divergence.what);
  text += "\n  recorded: ";
  text += divergence.recorded ? event_text(divergence.recorded->event, full) : std::string("nothing more");
  text += "\n  replayed: ";
  text += divergence.replayed ? event_text(*divergence.replayed, true) : std::string("nothing more");
  if (full && divergence.recorded_data != divergence.replayed_data)
    text += data_text(divergence.recorded_data, divergence.replayed_data);
  if (!full && divergence.recorded && divergence.replayed)
    text +=
        "\n  The recording has digests only; one of --record-level=full would show the recorded arguments and "
        "results too.";
  return text;
}

}  // namespace jacinth::cli
