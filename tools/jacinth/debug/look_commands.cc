// Commands that look at what is there.
#include <fmt/format.h>

#include <array>

#include "emu/cpu/disassembler.h"
#include "kernel/abi/format.h"
#include "kernel/inspect/deadlock_report.h"
#include "kernel/inspect/holders.h"
#include "kernel/inspect/process_view.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "tools/jacinth/debug/debugger.h"
#include "tools/jacinth/debug/moments.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {
namespace {

using Json = nlohmann::ordered_json;

Answer threads(Debugger& debugger, const Words&) {
  Answer answer;
  answer.data["processes"] = Json::array();
  emu::TaskId selected = debugger.selected();
  for (const emu::ProcessSummary& process : debugger.target().processes()) {
    answer.text += fmt::format("process {} \"{}\"\n", process.koid, process.name);
    Json row{{"koid", process.koid}, {"name", process.name}, {"threads", Json::array()}};
    for (const emu::ThreadSummary& thread : process.threads) {
      answer.text += fmt::format("{} thread {} \"{}\": {}\n", thread.id == selected ? "*" : " ", thread.id.thread,
                                 thread.name, thread.state);
      row["threads"].push_back({{"koid", thread.id.thread}, {"name", thread.name}, {"state", thread.state}});
    }
    answer.data["processes"].push_back(row);
  }
  return answer;
}

Answer select(Debugger& debugger, const Words& words) {
  auto koid = parse_number(words[0]);
  if (!koid) return Answer::failure(koid.error());
  for (const emu::ProcessSummary& process : debugger.target().processes()) {
    for (const emu::ThreadSummary& thread : process.threads) {
      if (thread.id.thread != *koid && process.koid != *koid) continue;
      debugger.select(thread.id);
      Answer answer;
      answer.data["thread"] = thread.id.thread;
      answer.text = fmt::format("thread {} \"{}\": {}\n", thread.id.thread, thread.name, thread.state);
      return answer;
    }
  }
  return Answer::failure(fmt::format("there is no living thread or process {}", words[0]));
}

std::string no_thread(Debugger& debugger) {
  uint64_t thread = debugger.selected().thread;
  if (thread == 0) return "no thread is selected: 'threads' lists those that live, 'thread KOID' selects one";
  return fmt::format("thread {} is no more", thread);
}

Answer backtrace(Debugger& debugger, const Words&) {
  emu::TaskId who = debugger.selected();
  kernel::Thread* thread = debugger.thread(who.thread);
  if (thread == nullptr || !debugger.target().registers(who.thread)) return Answer::failure(no_thread(debugger));
  Answer answer;
  answer.text = kernel::backtrace_text(debugger.code(), *thread, "");
  answer.data["backtrace"] = answer.text;
  return answer;
}

Answer registers(Debugger& debugger, const Words&) {
  auto r = debugger.target().registers(debugger.selected().thread);
  if (!r) return Answer::failure(no_thread(debugger));
  Answer answer;
  auto add = [&](std::string_view name, uint64_t value) {
    answer.data["registers"][std::string(name)] = fmt::format("{:#x}", value);
    answer.text += fmt::format("{:<8} {:#018x}\n", name, value);
  };
  if (debugger.target().arch() == Arch::kArm64) {
    for (size_t i = 0; i < r->gpr.size(); ++i) add(fmt::format("x{}", i), r->gpr[i]);
    add("sp", r->sp);
    add("pc", r->pc);
    add("nzcv", r->flags);
    add("tpidr", r->tls);
  } else {
    constexpr std::array<std::string_view, 16> kNames = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                                         "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    for (size_t i = 0; i < kNames.size(); ++i) add(kNames[i], r->gpr[i]);
    add("rip", r->pc);
    add("rflags", r->flags);
    add("fs_base", r->tls);
    add("gs_base", r->tls_second);
  }
  return answer;
}

Answer examine(Debugger& debugger, const Words& words) {
  auto address = debugger.value(words[0]);
  if (!address) return Answer::failure(address.error());
  uint64_t size = 64;
  if (words.size() > 1) {
    auto number = parse_number(words[1]);
    if (!number || *number == 0 || *number > 65536) return Answer::failure("the size is 1 to 65536 bytes");
    size = *number;
  }
  std::vector<std::byte> bytes(size);
  size_t got = debugger.target().read(debugger.selected().process, GuestAddr(*address), bytes);
  if (got == 0) return Answer::failure(fmt::format("nothing is mapped at {:#x}", *address));
  Answer answer;
  std::string hex;
  for (size_t line = 0; line < got; line += 16) {
    std::string text;
    answer.text += fmt::format("{:#x} ", *address + line);
    for (size_t i = line; i < std::min(got, line + 16); ++i) {
      auto byte = static_cast<unsigned char>(bytes[i]);
      answer.text += fmt::format(" {:02x}", byte);
      hex += fmt::format("{:02x}", byte);
      text += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
    }
    answer.text += fmt::format("{:>{}}{}\n", "", 3 * (line + 16 - std::min(got, line + 16)) + 2, text);
  }
  if (got < size) answer.text += fmt::format("and nothing is mapped at {:#x}\n", *address + got);
  answer.data["address"] = fmt::format("{:#x}", *address);
  answer.data["bytes"] = hex;
  return answer;
}

Answer disassemble(Debugger& debugger, const Words& words) {
  emu::TaskId who = debugger.selected();
  auto at = debugger.value(words.empty() ? "$pc" : words[0]);
  if (!at) return Answer::failure(at.error());
  uint64_t count = 8;
  if (words.size() > 1) {
    auto number = parse_number(words[1]);
    if (!number || *number == 0 || *number > 1000) return Answer::failure("the count is 1 to 1000 instructions");
    count = *number;
  }
  auto registers = debugger.target().registers(who.thread);
  Answer answer;
  answer.data["instructions"] = Json::array();
  GuestAddr pc(*at);
  for (uint64_t i = 0; i < count; ++i) {
    std::array<std::byte, 16> bytes = {};
    size_t got = debugger.target().read(who.process, pc, bytes);
    if (got == 0) break;
    emu::Instruction instruction =
        emu::disassemble(debugger.target().arch(), {reinterpret_cast<const uint8_t*>(bytes.data()), got}, pc);
    answer.text +=
        fmt::format("{} {:#x}  {}\n", registers && registers->pc == pc.value ? "=>" : "  ", pc.value, instruction.text);
    answer.data["instructions"].push_back({{"address", fmt::format("{:#x}", pc.value)}, {"text", instruction.text}});
    pc = pc + instruction.size;
  }
  if (answer.text.empty()) return Answer::failure(fmt::format("nothing is mapped at {:#x}", *at));
  return answer;
}

Answer maps(Debugger& debugger, const Words&) {
  Answer answer;
  answer.data["maps"] = Json::array();
  for (const emu::MemoryRegion& region : debugger.target().regions(debugger.selected().process)) {
    std::string access =
        fmt::format("{}{}{}", region.read ? 'r' : '-', region.write ? 'w' : '-', region.execute ? 'x' : '-');
    answer.text += fmt::format("{:#014x}-{:#014x} {} {:>8}  {}\n", region.base.value, region.base.value + region.size,
                               access, size_text(region.size), region.name);
    answer.data["maps"].push_back({{"base", fmt::format("{:#x}", region.base.value)},
                                   {"size", region.size},
                                   {"access", access},
                                   {"name", region.name}});
  }
  return answer;
}

Answer handles(Debugger& debugger, const Words& words) {
  uint64_t koid = debugger.selected().process;
  if (!words.empty()) {
    auto number = parse_number(words[0]);
    if (!number) return Answer::failure(number.error());
    koid = *number;
  }
  kernel::Process* process = debugger.process(koid);
  if (process == nullptr && koid == 0)
    return Answer::failure("no process is selected: 'threads' lists what lives, 'handles KOID' shows a process's");
  if (process == nullptr) return Answer::failure(fmt::format("there is no process {}", koid));
  Answer answer;
  answer.data["handles"] = Json::array();
  process->handles().for_each([&](kernel::Handle handle, const kernel::HandleEntry& entry) {
    std::string object = kernel::object_text(*entry.object);
    std::string rights = abi::format_rights(entry.rights);
    answer.text += fmt::format("{:#010x} {:<28} {}\n", abi::raw(handle), object, rights);
    answer.data["handles"].push_back({{"handle", fmt::format("{:#x}", abi::raw(handle))},
                                      {"object", object},
                                      {"koid", abi::raw(entry.object->koid())},
                                      {"rights", rights}});
  });
  if (answer.text.empty()) answer.text = "no handles\n";
  return answer;
}

Answer waits(Debugger& debugger, const Words&) {
  Answer answer;
  for (kernel::Thread* thread : debugger.kernel().blocked_threads())
    answer.text += kernel::wait_report(debugger.kernel(), debugger.code(), *thread);
  if (answer.text.empty()) answer.text = "no thread waits\n";
  answer.data["report"] = answer.text;
  return answer;
}

Answer why_blocked(Debugger& debugger, const Words& words) {
  uint64_t koid = debugger.selected().thread;
  if (!words.empty()) {
    auto number = parse_number(words[0]);
    if (!number) return Answer::failure(number.error());
    koid = *number;
  }
  kernel::Thread* thread = debugger.thread(koid);
  if (thread == nullptr) return Answer::failure(fmt::format("there is no thread {}", koid));
  Answer answer;
  answer.text = thread->may_run() ? fmt::format("{} waits for nothing\n", kernel::describe(*thread))
                                  : kernel::wait_report(debugger.kernel(), debugger.code(), *thread);
  answer.data["report"] = answer.text;
  return answer;
}

Answer counters(Debugger& debugger, const Words&) {
  Answer answer;
  for (const auto& [name, value] : debugger.kernel().core().counters()) {
    if (value == 0) continue;
    answer.text += fmt::format("{} = {}\n", name, value);
    answer.data["counters"][name] = value;
  }
  return answer;
}

Answer help(Debugger&, const Words&) {
  Answer answer;
  for (const DebugCommand& row : debug_commands()) {
    std::string usage = fmt::format("{} {}", row.name, row.arguments);
    answer.text += fmt::format("{:<34} {}{}\n", usage, row.summary,
                               row.aliases.empty() ? "" : fmt::format(" (also {})", row.aliases));
  }
  answer.text += fmt::format("\nAddresses are numbers, symbols and $registers, +OFFSET behind them. Moments: {}.\n",
                             moment_names());
  return answer;
}

Answer quit(Debugger&, const Words&) {
  Answer answer;
  answer.quit = true;
  return answer;
}

constexpr std::array kCommands = {
    DebugCommand{"threads", "processes ps", "", "Processes and threads, and what they do", 0, 0, threads},
    DebugCommand{"thread", "t", "KOID", "Select a thread, or the first of a process", 1, 1, select},
    DebugCommand{"backtrace", "bt where", "", "Who called whom", 0, 0, backtrace},
    DebugCommand{"registers", "regs", "", "The selected thread's registers", 0, 0, registers},
    DebugCommand{"x", "", "ADDRESS [SIZE]", "Bytes of memory (64)", 1, 2, examine},
    DebugCommand{"disas", "", "[ADDRESS [COUNT]]", "Instructions, from the next one on (8)", 0, 2, disassemble},
    DebugCommand{"maps", "", "", "What is mapped in the selected process", 0, 0, maps},
    DebugCommand{"handles", "", "[PROCESS]", "A process's handles", 0, 1, handles},
    DebugCommand{"waits", "", "", "Which threads wait, for what, and who could end it", 0, 0, waits},
    DebugCommand{"why-blocked", "why", "[THREAD]", "The same for one thread", 0, 1, why_blocked},
    DebugCommand{"counters", "", "", "The kernel's counters", 0, 0, counters},
    DebugCommand{"help", "h", "", "This list", 0, 0, help},
    DebugCommand{"quit", "q exit", "", "End the run and leave", 0, 0, quit},
};

}  // namespace

std::span<const DebugCommand> look_commands() { return kCommands; }

}  // namespace jacinth::cli
