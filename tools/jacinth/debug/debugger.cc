#include "tools/jacinth/debug/debugger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "kernel/abi/format.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/call_text.h"
#include "kernel/inspect/process_view.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/vdso/image.h"
#include "tools/jacinth/debug/moments.h"
#include "tools/jacinth/suggest.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {

using Reason = emu::DebugStop::Reason;

Answer Answer::failure(std::string text) {
  Answer answer;
  answer.data["error"] = text;
  answer.text = std::move(text) + "\n";
  answer.failed = true;
  return answer;
}

uint64_t& argument_register(Arch arch, Registers& registers, size_t index) {
  constexpr std::array kX86 = {kRdi, kRsi, kRdx, kR10, kR8, kR9, kR12, kR13};
  return arch == Arch::kArm64 ? registers.gpr[index] : registers.gpr[kX86[index]];
}

kernel::Trap trap_of(Arch arch, const Registers& r) {
  kernel::Trap trap;
  trap.number = arch == Arch::kArm64 ? r.gpr[16] : r.gpr[kRax];
  Registers copy = r;
  for (size_t i = 0; i < trap.arguments.size(); ++i) trap.arguments[i] = argument_register(arch, copy, i);
  trap.return_address = GuestAddr(r.pc + (arch == Arch::kArm64 ? 4 : 2));
  return trap;
}

Debugger::Debugger(emu::Timeline& timeline, kernel::Kernel& kernel, kernel::GuestCode& code,
                   const volatile std::sig_atomic_t* interrupt, Role role)
    : timeline_(timeline), kernel_(kernel), code_(code), interrupt_(interrupt), role_(role) {}

std::span<const DebugCommand> debug_commands() {
  static const std::vector<DebugCommand> kAll = [] {
    std::vector<DebugCommand> all;
    for (std::span<const DebugCommand> table : {run_commands(), point_commands(), look_commands(), object_commands()})
      all.insert(all.end(), table.begin(), table.end());
    return all;
  }();
  return kAll;
}

namespace {

bool called(const DebugCommand& command, std::string_view word) {
  if (command.name == word) return true;
  std::istringstream aliases{std::string(command.aliases)};
  for (std::string alias; aliases >> alias;) {
    if (alias == word) return true;
  }
  return false;
}

}  // namespace

Answer Debugger::execute(std::string_view line) {
  std::istringstream in{std::string(line)};
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  if (words.empty() || words.front().starts_with('#')) return {};
  std::string name = words.front();
  words.erase(words.begin());
  auto commands = debug_commands();
  auto command = std::ranges::find_if(commands, [&](const DebugCommand& row) { return called(row, name); });
  if (command == commands.end()) {
    // The beginning of exactly one name is that name.
    auto begins = [&](const DebugCommand& row) { return row.name.starts_with(name); };
    command = std::ranges::find_if(commands, begins);
    if (command != commands.end() && std::ranges::count_if(commands, begins) > 1) {
      std::string names;
      for (const DebugCommand& row : commands)
        if (begins(row)) names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
      return Answer::failure(fmt::format("'{}' could be {}", name, names));
    }
  }
  if (command == commands.end() && (name == "run" || name == "start"))
    return Answer::failure("the program is there: 'continue' goes on, and 'seek 0' back to its beginning");
  if (command == commands.end()) {
    std::vector<std::string> names;
    for (const DebugCommand& row : commands) names.emplace_back(row.name);
    std::string nearest = closest(name, names);
    return Answer::failure(fmt::format("there is no command '{}'{}; 'help' lists them", name,
                                       nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest)));
  }
  if (words.size() < command->least || words.size() > command->most)
    return Answer::failure(fmt::format("usage: {} {}", command->name, command->arguments));
  if (role_ == Role::kAnswers) {
    constexpr std::array<std::string_view, 6> kHarmless = {"when",  "checkpoint", "restart",
                                                           "catch", "points",     "delete"};
    bool seeks = command->name == "seek" && words[0] != "end";
    auto among = [command](std::span<const DebugCommand> table) {
      return std::ranges::find(table, command->name, &DebugCommand::name) != table.end();
    };
    bool looks = among(look_commands()) || among(object_commands());
    if (!looks && !seeks && std::ranges::find(kHarmless, command->name) == kHarmless.end())
      return Answer::failure(fmt::format("'{}' moves the run, which is the debugger's own to do", command->name));
  }
  // The other one stops there by itself.
  if (role_ == Role::kAnswers && command->name == "catch" && (words[0] == "exception" || words[0] == "process-exited"))
    return Answer::failure(fmt::format("the debugger hears of '{}' by itself", words[0]));
  Answer answer = command->run(*this, words);
  answer.data["command"] = command->name;
  return answer;
}

std::vector<std::string> Debugger::completions(std::string_view begun) {
  std::vector<std::string> found;
  size_t space = begun.rfind(' ');
  if (space == std::string_view::npos) {
    for (const DebugCommand& row : debug_commands())
      if (row.name.starts_with(begun)) found.emplace_back(row.name);
    return found;
  }
  std::string_view word = begun.substr(space + 1);
  std::string_view command = begun.substr(0, begun.find(' '));
  if (command == "to" || command == "back-to" || command == "catch") {
    std::string all = moment_names();
    for (size_t begin = 0; begin < all.size();) {
      size_t end = std::min(all.find(", ", begin), all.size());
      if (std::string name = all.substr(begin, end - begin); name.starts_with(word)) found.push_back(std::move(name));
      begin = end + 2;
    }
    return found;
  }
  if (command == "inject") {
    constexpr int32_t kLast = -256;
    for (int32_t value = 0; value > kLast; --value)
      if (std::string_view name = abi::status_name(kernel::Status{value}); !word.empty() && name.starts_with(word))
        found.emplace_back(name);
    return found;
  }
  for (const abi::SyscallInfo& info : abi::syscalls())
    if (!word.empty() && info.name.starts_with(word)) found.emplace_back(info.name);
  return found;
}

// --- Who and where ---

emu::TaskId Debugger::selected() {
  if (selected_ && (selected_->thread == 0 || thread(selected_->thread) != nullptr)) return *selected_;
  emu::TaskId who = timeline_.last_stop().who;
  if (who.thread != 0 && thread(who.thread) != nullptr) return who;
  std::vector<emu::ProcessSummary> processes = target().processes();
  for (const emu::ProcessSummary& process : processes)
    if (!process.threads.empty()) return process.threads.front().id;
  return {};
}

kernel::Object* Debugger::object(uint64_t koid) { return kernel_.core().objects().find(kernel::Koid{koid}); }

kernel::Thread* Debugger::thread(uint64_t koid) {
  kernel::Object* found = object(koid);
  return found == nullptr ? nullptr : kernel::object_cast<kernel::Thread>(found);
}

kernel::Process* Debugger::process(uint64_t koid) {
  kernel::Object* found = object(koid);
  return found == nullptr ? nullptr : kernel::object_cast<kernel::Process>(found);
}

std::optional<uint64_t> Debugger::symbol(std::string_view name) {
  for (const emu::LoadedModule& module : target().modules(selected().process)) {
    if (!module.there) continue;
    auto known = symbols_.find(module.name);
    if (known == symbols_.end()) {
      auto bytes = target().file(module.name);
      std::unique_ptr<emu::SymbolFile> file;
      if (bytes) {
        const auto* begin = reinterpret_cast<const char*>(bytes->data());
        if (auto read = emu::SymbolFile::from_bytes({begin, begin + bytes->size()})) file = std::move(*read);
      }
      known = symbols_.emplace(module.name, std::move(file)).first;
    }
    if (known->second == nullptr) continue;
    if (auto address = best_symbols(*known->second, from_host_).address_of(name)) return module.base.value + *address;
  }
  return std::nullopt;
}

std::expected<uint64_t, std::string> Debugger::value(std::string_view word) {
  if (size_t plus = word.rfind('+'); plus != std::string_view::npos && plus > 0) {
    auto base = value(word.substr(0, plus));
    auto offset = parse_number(std::string(word.substr(plus + 1)));
    if (!base) return base;
    if (!offset) return std::unexpected(offset.error());
    return *base + *offset;
  }
  if (word.starts_with('$')) {
    auto registers = target().registers(selected().thread);
    if (!registers) return std::unexpected("there is no thread whose registers these could be");
    std::string_view name = word.substr(1);
    if (name == "pc" || name == "rip") return registers->pc;
    if (name == "sp" || name == "rsp") return stack_pointer(target().arch(), *registers);
    if (target().arch() == Arch::kArm64 && name.starts_with('x')) {
      auto number = parse_number(std::string(name.substr(1)));
      if (number && *number < registers->gpr.size()) return registers->gpr[*number];
    }
    constexpr std::array<std::string_view, 16> kX86 = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                                       "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    if (target().arch() == Arch::kX86_64) {
      auto found = std::ranges::find(kX86, name);
      if (found != kX86.end()) return registers->gpr[static_cast<size_t>(found - kX86.begin())];
    }
    return std::unexpected(fmt::format("there is no register {}", word));
  }
  if (auto number = parse_number(std::string(word))) return *number;
  if (auto address = symbol(word)) return *address;
  std::string call = word.starts_with("zx_") ? std::string(word) : fmt::format("zx_{}", word);
  return std::unexpected(fmt::format(
      "'{}' is no number, no $register and no symbol of the process{}", word,
      abi::syscall_by_name(call) != nullptr ? fmt::format("; 'calls {}' stops at the system call", call) : ""));
}

const abi::SyscallInfo* Debugger::call_ahead(uint64_t koid) {
  kernel::Thread* at = thread(koid);
  auto registers = target().registers(koid);
  if (at == nullptr || !registers || at->process().vdso_code() == GuestAddr()) return nullptr;
  // Only the vDSO makes calls: the instruction is known by where it lies.
  const kernel::VdsoImage& vdso = kernel_.vm().vdso_image();
  kernel::Trap trap = trap_of(target().arch(), *registers);
  uint64_t offset = trap.return_address.value - at->process().vdso_code().value + vdso.code_offset;
  const kernel::ReturnSite* site = vdso.site(offset, trap.number);
  return site != nullptr ? abi::syscall_by_number(site->call) : nullptr;
}

// --- Catches ---

Answer Debugger::add(Catch what) {
  uint32_t number = ++last_catch_;
  Answer answer;
  answer.data["number"] = number;
  answer.data["catch"] = what.text;
  answer.text = fmt::format("{}: {}\n", number, what.text);
  catches_[number] = std::move(what);
  apply();
  return answer;
}

bool Debugger::remove(uint32_t number) {
  auto found = catches_.find(number);
  if (found == catches_.end()) return false;
  if (found->second.point) timeline_.remove(*found->second.point);
  catches_.erase(found);
  apply();
  return true;
}

std::vector<emu::MomentCatch> Debugger::moments() const {
  std::vector<emu::MomentCatch> moments;
  for (const auto& [number, what] : catches_)
    if (what.moment) moments.push_back(*what.moment);
  return moments;
}

void Debugger::apply(const Catch* extra, bool others) {
  // Whoever leads asks for what he has to know.
  if (role_ == Role::kAnswers) return;
  std::vector<emu::CallCatch> calls;
  std::vector<emu::MomentCatch> moments;
  bool exceptions = false;
  auto take = [&](const Catch& what) {
    if (what.call) calls.push_back(*what.call);
    if (what.moment) moments.push_back(*what.moment);
    exceptions |= what.exceptions;
  };
  if (others) {
    for (const auto& [number, what] : catches_) take(what);
  }
  if (extra != nullptr) take(*extra);
  timeline_.catch_calls(std::move(calls));
  timeline_.catch_moments(std::move(moments));
  timeline_.catch_exceptions(exceptions);
}

// --- Stops ---

Answer Debugger::go(emu::Resume resume) {
  resume.interrupt = interrupt_;
  return tell(timeline_.resume(resume));
}

std::string Debugger::place_text(emu::TaskId who) {
  kernel::Thread* at = thread(who.thread);
  auto registers = target().registers(who.thread);
  if (at == nullptr || !registers) return {};
  std::string text = fmt::format("{:#x}", registers->pc);
  std::vector<kernel::CodePlace> places = code_.places(at->process(), GuestAddr(registers->pc));
  if (!places.empty()) text += " " + places.back().text();
  GuestAddr vdso = at->process().vdso_base();
  uint64_t size = kernel_.vm().vdso_image().elf.size();
  if (vdso == GuestAddr() || registers->pc - vdso.value >= size) return text;
  // Who called the vDSO says more.
  std::string caller = kernel::call_site_text(code_, *at);
  return caller.empty() ? text : fmt::format("{}, called from {}", text, caller);
}

Answer Debugger::tell(const emu::DebugStop& stop) {
  selected_.reset();
  Answer answer;
  nlohmann::ordered_json& data = answer.data;
  std::string who = stop.who.thread != 0 ? fmt::format("[{}:{}] ", stop.who.process, stop.who.thread) : "";
  std::string what;
  kernel::Thread* at = thread(stop.who.thread);
  switch (stop.reason) {
    case Reason::kStepped:
      data["stop"] = "step";
      what = "step";
      break;
    case Reason::kPoint: {
      const emu::StopPoint* point = timeline_.point(stop.point);
      bool watch = point != nullptr && point->kind != emu::StopPoint::Kind::kExecute;
      uint32_t number = 0;
      for (const auto& [mine, one] : catches_)
        if (one.point == stop.point) number = mine;
      data["stop"] = watch ? "watchpoint" : "breakpoint";
      data["number"] = number;
      data["address"] = fmt::format("{:#x}", stop.address.value);
      what = number != 0 ? fmt::format("{} {}", watch ? "watchpoint" : "breakpoint", number)
                         : std::string(watch ? "watched place" : "place");
      if (watch) what += fmt::format(" at {:#x}", stop.address.value);
      break;
    }
    case Reason::kCallBefore:
    case Reason::kCallBehind: {
      bool before = stop.reason == Reason::kCallBefore;
      std::string name(target().call_name(stop.call));
      data["stop"] = before ? "call" : "return";
      data["call"] = name;
      if (at == nullptr) break;
      kernel::ProcessView view(at->process());
      auto registers = target().registers(stop.who.thread);
      kernel::Trap trap = before && registers ? trap_of(target().arch(), *registers) : at->call().trap;
      if (before) {
        std::string arguments = kernel::call_arguments(view, {}, trap);
        data["arguments"] = arguments;
        what = name + arguments;
        break;
      }
      // As the call left them: what it was given still stands there, but for handles that are gone.
      kernel::TextLimits limits;
      kernel::CallText text(view, limits);
      kernel::PendingCall call;
      std::string result;
      text.before(abi::syscall_by_number(static_cast<uint32_t>(stop.call)), trap, call);
      text.print_begun(call, what);
      text.print_rest(call, stop.result, what);
      kernel::CallText::print_result(call, stop.result, result);
      data["arguments"] = what.substr(std::min(what.size(), name.size()));
      data["result"] = result;
      what += " = " + result;
      break;
    }
    case Reason::kMoment:
    case Reason::kException:
      data["stop"] = stop.reason == Reason::kMoment ? "moment" : "exception";
      data["moment"] = moment_name(stop.moment.kind);
      data["koid"] = stop.moment.koid;
      data["value"] = stop.moment.value;
      what = moment_words(kernel_.core(), stop.moment);
      data["words"] = what;
      break;
    case Reason::kHistoryBegin:
      data["stop"] = "begin";
      what = "here the run begins";
      break;
    case Reason::kHistoryEnd:
      data["stop"] = "end";
      what = end_words_;
      break;
    case Reason::kEnded:
      data["stop"] = "exit";
      data["code"] = stop.exit_code;
      what = fmt::format("the run is over: return code {}", stop.exit_code);
      break;
    case Reason::kBlocked:
      data["stop"] = "blocked";
      what = "every thread waits, and nothing is left that could wake any: 'waits' says for what";
      break;
    case Reason::kInterrupted:
      data["stop"] = "interrupted";
      what = "interrupted";
      break;
    case Reason::kArrived:
      data["stop"] = "arrived";
      what = "arrived";
      break;
  }
  data["process"] = stop.who.process;
  data["thread"] = stop.who.thread;
  data["time"] = timeline_.now().ns;
  std::string place = place_text(stop.who);
  data["place"] = place;
  answer.text = fmt::format("{} {}{}\n", time_text(timeline_.now()), who, what);
  if (!place.empty()) answer.text += fmt::format("    at {}\n", place);
  return answer;
}

}  // namespace jacinth::cli
