// Commands that say what to stop at.
#include <fmt/format.h>

#include <array>

#include "kernel/inspect/call_text.h"
#include "kernel/inspect/holders.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "tools/jacinth/call_choice.h"
#include "tools/jacinth/debug/debugger.h"
#include "tools/jacinth/debug/moments.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {
namespace {

using Catch = Debugger::Catch;

Answer break_at(Debugger& debugger, const Words& words) {
  auto address = debugger.value(words[0]);
  if (!address) return Answer::failure(address.error());
  Catch what{.text = fmt::format("before {} ({:#x})", words[0], *address)};
  what.point = debugger.timeline().add({.process = debugger.selected().process, .address = GuestAddr(*address)});
  return debugger.add(std::move(what));
}

Answer watch(Debugger& debugger, const Words& words, emu::StopPoint::Kind kind, std::string_view verb) {
  auto address = debugger.value(words[0]);
  if (!address) return Answer::failure(address.error());
  uint64_t size = 8;
  if (words.size() > 1) {
    auto number = parse_number(words[1]);
    if (!number || *number == 0) return Answer::failure("the size is a number of bytes, at least 1");
    size = *number;
  }
  Catch what{.text = fmt::format("{} of {} bytes at {:#x}", verb, size, *address)};
  what.point = debugger.timeline().add(
      {.kind = kind, .process = debugger.selected().process, .address = GuestAddr(*address), .size = size});
  return debugger.add(std::move(what));
}

/// What a stop at a call must be like beyond its name. What is not set fits.
struct CallWish {
  std::optional<uint64_t> handle;
  std::optional<uint64_t> koid;
  std::optional<std::string> type;
  std::optional<std::string> result;
};

bool fits(Debugger& debugger, const CallWish& wish, const emu::DebugStop& stop) {
  if (wish.result) {
    std::string result;
    kernel::PendingCall call;
    call.info = abi::syscall_by_number(static_cast<uint32_t>(stop.call));
    kernel::CallText::print_result(call, stop.result, result);
    if (!result.starts_with(*wish.result) && *wish.result != fmt::format("{}", stop.result)) return false;
  }
  if (!wish.handle && !wish.koid && !wish.type) return true;
  kernel::Thread* thread = debugger.thread(stop.who.thread);
  auto registers = debugger.target().registers(stop.who.thread);
  if (thread == nullptr || !registers) return false;
  bool before = stop.reason == emu::DebugStop::Reason::kCallBefore;
  kernel::Trap trap = before ? trap_of(debugger.target().arch(), *registers) : thread->call().trap;
  const abi::SyscallInfo* info = abi::syscall_by_number(static_cast<uint32_t>(stop.call));
  if (info == nullptr) return false;
  for (size_t i = 0; i < info->args.size(); ++i) {
    if (!info->args[i].is_handle || info->args[i].pointer) continue;
    auto handle = static_cast<uint32_t>(trap.arguments[i]);
    if (wish.handle && *wish.handle != handle) continue;
    if (!wish.koid && !wish.type) return true;
    const kernel::HandleEntry* entry = thread->process().handles().find(kernel::Handle{handle});
    if (entry == nullptr) continue;
    if (wish.koid && *wish.koid != abi::raw(entry->object->koid())) continue;
    if (wish.type && !kernel::object_text(*entry->object).starts_with(*wish.type + ":")) continue;
    return true;
  }
  return false;
}

Answer catch_call(Debugger& debugger, const Words& words) {
  CallWish wish;
  Catch what;
  what.call = emu::CallCatch{};
  std::string names;
  for (const std::string& word : words) {
    size_t equals = word.find('=');
    std::string key = word.substr(0, equals);
    std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    what.text += (what.text.empty() ? "calls " : " ") + word;
    auto number = [&]() -> std::optional<uint64_t> {
      auto parsed = parse_number(value);
      return parsed ? std::optional(*parsed) : std::nullopt;
    };
    if (equals == std::string::npos) {
      if (word == "before" || word == "behind") {
        (word == "before" ? what.call->behind : what.call->before) = false;
      } else {
        names += (names.empty() ? "" : ",") + word;
      }
    } else if (key == "result") {
      wish.result = value;
      what.call->before = false;
    } else if (key == "type") {
      wish.type = value;
    } else if (auto parsed = number(); parsed && key == "handle") {
      wish.handle = parsed;
    } else if (parsed && key == "koid") {
      wish.koid = parsed;
    } else if (parsed && key == "thread") {
      what.call->thread = *parsed;
    } else if (parsed && key == "process") {
      what.call->process = *parsed;
    } else {
      return Answer::failure(fmt::format("'{}' is none of result=, handle=, koid=, type=, thread= and process=", word));
    }
  }
  if (!names.empty()) {
    auto chosen = chosen_calls(names);
    if (!chosen) return Answer::failure(chosen.error());
    for (uint64_t number = 0; number < chosen->size(); ++number)
      if ((*chosen)[number]) what.call->numbers.push_back(number);
  }
  what.call->condition = [&debugger, wish](const emu::DebugStop& stop) { return fits(debugger, wish, stop); };
  return debugger.add(std::move(what));
}

Answer catch_moment(Debugger& debugger, const Words& words) {
  if (words[0] == "exception") {
    Catch what{.text = "exceptions"};
    what.exceptions = true;
    return debugger.add(std::move(what));
  }
  auto moment = parse_moment(debugger, words);
  if (!moment) return Answer::failure(moment.error());
  Catch what{.text = fmt::format("{}", fmt::join(words, " "))};
  what.moment = *moment;
  return debugger.add(std::move(what));
}

Answer points(Debugger& debugger, const Words&) {
  Answer answer;
  answer.data["points"] = nlohmann::ordered_json::array();
  for (const auto& [number, what] : debugger.catches()) {
    answer.text += fmt::format("{}: {}\n", number, what.text);
    answer.data["points"].push_back({{"number", number}, {"catch", what.text}});
  }
  if (answer.text.empty()) answer.text = "nothing is stopped at\n";
  return answer;
}

Answer remove(Debugger& debugger, const Words& words) {
  auto number = parse_number(words[0]);
  if (!number || !debugger.remove(static_cast<uint32_t>(*number)))
    return Answer::failure(fmt::format("'points' has no number {}", words[0]));
  return {};
}

constexpr std::array kCommands = {
    DebugCommand{"break", "b", "ADDRESS|SYMBOL", "Stop before an instruction, in the selected process", 1, 1, break_at},
    DebugCommand{"watch", "", "ADDRESS [SIZE]", "Stop at writes of these bytes (8), the kernel's too", 1, 2,
                 [](Debugger& d, const Words& w) { return watch(d, w, emu::StopPoint::Kind::kWrite, "writes"); }},
    DebugCommand{"rwatch", "", "ADDRESS [SIZE]", "Stop at reads", 1, 2,
                 [](Debugger& d, const Words& w) { return watch(d, w, emu::StopPoint::Kind::kRead, "reads"); }},
    DebugCommand{"awatch", "", "ADDRESS [SIZE]", "Stop at reads and writes", 1, 2,
                 [](Debugger& d, const Words& w) { return watch(d, w, emu::StopPoint::Kind::kAccess, "accesses"); }},
    DebugCommand{"calls", "", "[NAMES] [before|behind] [result=|handle=|koid=|type=|thread=|process=]...",
                 "Stop at system calls, by name, pattern or family, and what they are about", 0, 16, catch_call},
    DebugCommand{"catch", "", "MOMENT [KOID|any [VALUE]]",
                 "Stop at moments in the kernel: exception, process-started, ...", 1, 3, catch_moment},
    DebugCommand{"points", "", "", "What is stopped at", 0, 0, points},
    DebugCommand{"delete", "d", "NUMBER", "Stop at this no more", 1, 1, remove},
};

}  // namespace

std::span<const DebugCommand> point_commands() { return kCommands; }

}  // namespace jacinth::cli
