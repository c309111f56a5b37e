// Commands that move the run.
#include <fmt/format.h>

#include <array>

#include "kernel/abi/format.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/call_text.h"
#include "kernel/inspect/process_view.h"
#include "kernel/task/thread.h"
#include "tools/jacinth/debug/debugger.h"
#include "tools/jacinth/debug/moments.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {
namespace {

using Catch = Debugger::Catch;

/// A status by its name, of those that the kernel's own table knows.
std::optional<int32_t> status_by_name(std::string_view name) {
  constexpr int32_t kLast = -256;
  for (int32_t value = 0; value > kLast; --value) {
    if (abi::format_status(kernel::Status{value}) == name) return value;
  }
  return std::nullopt;
}

Answer go_on(Debugger& debugger, bool backwards) { return debugger.go({.backwards = backwards}); }

Answer step(Debugger& debugger, const Words& words, bool backwards) {
  uint64_t count = 1;
  if (!words.empty()) {
    auto number = parse_number(words[0]);
    if (!number) return Answer::failure(number.error());
    count = *number;
  }
  uint64_t thread = debugger.selected().thread;
  if (thread == 0) return Answer::failure("there is no thread to step");
  Answer answer;
  for (uint64_t i = 0; i < count; ++i) {
    answer = debugger.go({.backwards = backwards, .step_thread = thread});
    if (answer.data["stop"] != "step") break;
  }
  return answer;
}

/// One movement to what `wanted` says, past what is caught otherwise.
Answer once(Debugger& debugger, const Catch& wanted, bool backwards) {
  debugger.apply(&wanted, false);
  Answer answer = go_on(debugger, backwards);
  debugger.apply();
  return answer;
}

Answer next_call(Debugger& debugger, const Words& words, bool backwards) {
  Catch wanted;
  wanted.call = emu::CallCatch{.behind = false};
  bool any = !words.empty() && words[0] == "any";
  if (!words.empty() && !any) return Answer::failure("'any' is the only thing that can be said here");
  if (!any) wanted.call->thread = debugger.selected().thread;
  return once(debugger, wanted, backwards);
}

Answer finish(Debugger& debugger, const Words&) {
  Catch wanted;
  wanted.call = emu::CallCatch{.thread = debugger.selected().thread, .before = false};
  if (wanted.call->thread == 0) return Answer::failure("there is no thread whose call this could be");
  return once(debugger, wanted, false);
}

Answer to_moment(Debugger& debugger, const Words& words, bool backwards) {
  auto moment = parse_moment(debugger, words);
  if (!moment) return Answer::failure(moment.error());
  Catch wanted;
  wanted.moment = *moment;
  return once(debugger, wanted, backwards);
}

Answer last_write(Debugger& debugger, const Words& words) {
  auto address = debugger.value(words[0]);
  if (!address) return Answer::failure(address.error());
  uint64_t size = 8;
  if (words.size() > 1) {
    auto number = parse_number(words[1]);
    if (!number || *number == 0) return Answer::failure("the size is a number of bytes, at least 1");
    size = *number;
  }
  uint64_t process = debugger.selected().process;
  uint32_t point = debugger.timeline().add(
      {.kind = emu::StopPoint::Kind::kWrite, .process = process, .address = GuestAddr(*address), .size = size});
  Catch nothing;
  Answer answer = once(debugger, nothing, true);
  debugger.timeline().remove(point);
  return answer;
}

Answer when(Debugger& debugger, const Words&) {
  emu::Position position = debugger.timeline().position();
  Answer answer;
  answer.data["time"] = debugger.timeline().now().ns;
  answer.data["code_bytes"] = position.code_bytes;
  answer.data["entries"] = position.entries;
  answer.text = fmt::format("{}, place {}:{} ({} instructions, the kernel was entered {} times)\n",
                            time_text(debugger.timeline().now()), position.code_bytes, position.entries,
                            position.code_bytes / 4, position.entries);
  return answer;
}

Answer seek(Debugger& debugger, const Words& words) {
  const std::string& to = words[0];
  emu::Timeline& timeline = debugger.timeline();
  if (to == "begin") return debugger.tell(timeline.seek(emu::Position{}));
  if (to == "end") {
    Catch nothing;
    return once(debugger, nothing, false);
  }
  if (size_t colon = to.find(':'); colon != std::string::npos) {
    auto code = parse_number(to.substr(0, colon));
    auto entries = parse_number(to.substr(colon + 1));
    if (!code || !entries) return Answer::failure("a place is CODE:ENTRIES, as 'when' says it");
    return debugger.tell(timeline.seek(emu::Position{*code, *entries}));
  }
  auto time = parse_duration(to);
  if (!time) return Answer::failure(fmt::format("{}; or begin, end, or a place as 'when' says it", time.error()));
  return debugger.tell(timeline.seek(Time{time->ns}));
}

Answer checkpoint(Debugger& debugger, const Words&) {
  auto& bookmarks = debugger.bookmarks();
  uint32_t number = bookmarks.empty() ? 1 : bookmarks.rbegin()->first + 1;
  bookmarks[number] = debugger.timeline().position();
  Answer answer;
  answer.data["number"] = number;
  answer.text = fmt::format("checkpoint {} at {}: 'restart {}' comes back here\n", number,
                            time_text(debugger.timeline().now()), number);
  return answer;
}

Answer restart(Debugger& debugger, const Words& words) {
  auto number = parse_number(words[0]);
  if (!number) return Answer::failure(number.error());
  auto found = debugger.bookmarks().find(static_cast<uint32_t>(*number));
  if (found == debugger.bookmarks().end()) return Answer::failure(fmt::format("there is no checkpoint {}", *number));
  return debugger.tell(debugger.timeline().seek(found->second));
}

/// A status, or constants by name with | between: of the argument first, then any.
std::optional<uint64_t> named_value(const abi::ArgInfo* arg, std::string_view text) {
  if (auto status = status_by_name(text)) return static_cast<uint64_t>(static_cast<int64_t>(*status));
  auto find = [](const abi::FlagSet& set, std::string_view name) -> std::optional<uint64_t> {
    for (const abi::NamedValue& value : set.values)
      if (value.name == name) return value.value;
    return std::nullopt;
  };
  uint64_t all = 0;
  while (!text.empty()) {
    std::string_view name = text.substr(0, text.find('|'));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    std::optional<uint64_t> found;
    if (arg != nullptr && arg->value.flags != nullptr) found = find(*arg->value.flags, name);
    for (const abi::FlagSet* set : abi::flag_sets())
      if (!found) found = find(*set, name);
    if (!found) return std::nullopt;
    all |= *found;
  }
  return all;
}

std::expected<uint64_t, std::string> value_of(Debugger& debugger, const abi::ArgInfo* arg, std::string_view text) {
  auto value = debugger.value(text);
  if (value) return value;
  if (auto named = named_value(arg, text)) return *named;
  return std::unexpected(fmt::format("'{}' is no number, no $register, no symbol and no constant", text));
}

/// Changes the registers of a thread that is about to make a call.
Answer change(Debugger& debugger, uint64_t thread, const Registers& registers) {
  if (!debugger.target().set_registers(thread, registers)) return Answer::failure("the thread is gone");
  debugger.timeline().changed();
  return {};
}

/// NAME=VALUE...: the call is made, with other arguments.
Answer inject_arguments(Debugger& debugger, const abi::SyscallInfo& info, uint64_t thread, Registers registers,
                        const Words& words) {
  Arch arch = debugger.target().arch();
  Answer answer;
  for (const std::string& word : words) {
    size_t equals = word.find('=');
    if (equals == std::string::npos)
      return Answer::failure("one result, or arguments as NAME=VALUE: not both, since the call is made or not");
    std::string name = word.substr(0, equals);
    auto number = parse_number(name);
    size_t index = 0;
    while (index < info.args.size() && info.args[index].name != name && !(number && *number == index)) ++index;
    if (index == info.args.size()) {
      std::vector<std::string> names;
      for (const abi::ArgInfo& arg : info.args) names.emplace_back(arg.name);
      return Answer::failure(fmt::format("{} has no argument '{}'{}", info.name, name,
                                         names.empty() ? "" : fmt::format(", it has {}", fmt::join(names, ", "))));
    }
    auto value = value_of(debugger, &info.args[index], word.substr(equals + 1));
    if (!value) return Answer::failure(value.error());
    argument_register(arch, registers, index) = *value;
    answer.data["changed"][std::string(info.args[index].name)] = fmt::format("{:#x}", *value);
  }
  if (Answer failed = change(debugger, thread, registers); failed.failed) return failed;
  kernel::ProcessView view(debugger.thread(thread)->process());
  std::string arguments = kernel::call_arguments(view, {}, trap_of(arch, registers));
  answer.data["call"] = info.name;
  answer.data["arguments"] = arguments;
  answer.text = fmt::format("about to make {}{}\n", info.name, arguments);
  return answer;
}

/// In place of the call that the thread is about to make: its result, or other arguments.
Answer inject(Debugger& debugger, const Words& words) {
  uint64_t thread = debugger.selected().thread;
  const abi::SyscallInfo* info = debugger.call_ahead(thread);
  auto registers = debugger.target().registers(thread);
  if (info == nullptr || !registers)
    return Answer::failure("only where a thread is about to make a call ('next-call' goes there)");
  if (words[0].find('=') != std::string::npos) return inject_arguments(debugger, *info, thread, *registers, words);
  if (words.size() > 1) return Answer::failure("there is one result; arguments are changed as NAME=VALUE");
  auto result = value_of(debugger, nullptr, words[0]);
  if (!result) return Answer::failure(result.error());
  GuestAddr behind = trap_of(debugger.target().arch(), *registers).return_address;
  result_register(*registers) = *result;
  registers->pc = behind.value;
  if (Answer failed = change(debugger, thread, *registers); failed.failed) return failed;
  Answer answer;
  answer.data["call"] = info->name;
  answer.data["result"] = static_cast<int64_t>(*result);
  answer.text =
      fmt::format("{} was not made; it seems to have returned {}\n", info->name, static_cast<int64_t>(*result));
  return answer;
}

constexpr std::array kCommands = {
    DebugCommand{"continue", "c", "", "Go on until something stops the run", 0, 0,
                 [](Debugger& d, const Words&) { return go_on(d, false); }},
    DebugCommand{"rcont", "rc reverse-continue", "", "Go back until something stops the run", 0, 0,
                 [](Debugger& d, const Words&) { return go_on(d, true); }},
    DebugCommand{"step", "s si stepi", "[COUNT]", "One instruction of the selected thread", 0, 1,
                 [](Debugger& d, const Words& w) { return step(d, w, false); }},
    DebugCommand{"rstep", "rs rsi reverse-stepi", "[COUNT]", "One instruction back", 0, 1,
                 [](Debugger& d, const Words& w) { return step(d, w, true); }},
    DebugCommand{"next-call", "n nc", "[any]", "Before the next system call of the selected thread, or of any", 0, 1,
                 [](Debugger& d, const Words& w) { return next_call(d, w, false); }},
    DebugCommand{"prev-call", "p pc", "[any]", "Back before the previous system call", 0, 1,
                 [](Debugger& d, const Words& w) { return next_call(d, w, true); }},
    DebugCommand{"finish", "fin", "", "Behind the system call of the selected thread, with its results", 0, 0, finish},
    DebugCommand{"to", "", "MOMENT [KOID|any [VALUE]]", "On to a moment in the kernel, such as packet-queued 1042", 1,
                 3, [](Debugger& d, const Words& w) { return to_moment(d, w, false); }},
    DebugCommand{"back-to", "", "MOMENT [KOID|any [VALUE]]", "Back to the last such moment", 1, 3,
                 [](Debugger& d, const Words& w) { return to_moment(d, w, true); }},
    DebugCommand{"last-write", "lw", "ADDRESS [SIZE]", "Back to the last write of these bytes (8)", 1, 2, last_write},
    DebugCommand{"seek", "", "TIME|PLACE|begin|end", "To a time or place of the run, whatever lies between", 1, 1,
                 seek},
    DebugCommand{"when", "", "", "Where the run stands", 0, 0, when},
    DebugCommand{"checkpoint", "", "", "Remember this place", 0, 0, checkpoint},
    DebugCommand{"restart", "", "NUMBER", "Come back to a checkpoint", 1, 1, restart},
    DebugCommand{"inject", "", "STATUS|VALUE|ARGUMENT=VALUE...",
                 "Give the call that the thread is about to make this result instead, or other arguments", 1, 8,
                 inject},
};

}  // namespace

std::span<const DebugCommand> run_commands() { return kCommands; }

}  // namespace jacinth::cli
