// What LLDB asks beyond gdb's protocol (LLVM, lldb/docs/lldb-gdb-remote.txt), as version 14 does.
#include <fmt/format.h>

#include <algorithm>

#include "emu/debug/gdb/register_table.h"
#include "emu/debug/gdb/session.h"

namespace jacinth::emu::gdb {
namespace {

using Reason = DebugStop::Reason;

std::string_view triple(Arch arch) {
  return arch == Arch::kArm64 ? "aarch64-unknown-unknown-elf" : "x86_64-unknown-unknown-elf";
}

std::string_view reason_of(const DebugStop& stop) {
  switch (stop.reason) {
    case Reason::kStepped: return "trace";
    case Reason::kException: return "exception";
    case Reason::kInterrupted:
    case Reason::kBlocked: return "signal";
    default: return "trap";
  }
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out + "\"";
}

uint64_t pc_of(Target& target, uint64_t thread) {
  std::optional<Registers> registers = target.registers(thread);
  return registers ? registers->pc : 0;
}

}  // namespace

void Session::host_info(Scanner) {
  // On which side of the access LLDB finds the program: before it, it steps once before it compares.
  std::string_view side = target_.arch() == Arch::kArm64 ? "before" : "after";
  reply(fmt::format("triple:{};ptrsize:8;endian:little;hostname:{};watchpoint_exceptions_received:{};",
                    hex_of(triple(target_.arch())), hex_of("jacinth"), side));
}

void Session::watchpoint_info(Scanner) { reply(fmt::format("num:{};", kMaxPoints)); }

void Session::process_info(Scanner) {
  TaskId id = focus();
  if (id.process == 0) return fail(Error::kNoProcess, "there is no process");
  reply(
      fmt::format("pid:{:x};parent-pid:1;real-uid:0;real-gid:0;effective-uid:0;effective-gid:0;triple:{};"
                  "ptrsize:8;endian:little;",
                  id.process, hex_of(triple(target_.arch()))));
}

void Session::register_info(Scanner from) {
  const std::vector<RegisterRow>& rows = register_rows(target_.arch());
  std::optional<uint64_t> number = from.number();
  if (!number || *number >= rows.size()) return fail(Error::kNoEntry);
  const RegisterRow& row = rows[*number];
  bool vector = row.bits == 128;
  bool x87 = row.place == Place::kX87Stack;
  std::string text = fmt::format(
      "name:{};bitsize:{};offset:{};encoding:{};format:{};set:{};", row.name, row.bits, row.offset,
      vector || x87 ? "vector" : "uint", vector || x87 ? "vector-uint8" : "hex",
      row.feature.ends_with(".core") && !x87 ? "General Purpose Registers" : "Floating Point and System Registers");
  if (!row.generic.empty()) text += fmt::format("generic:{};", row.generic);
  reply(text);
}

void Session::suffix(Scanner) {
  thread_suffix_ = true;
  stop_sent_.clear();
  ok();
}

void Session::list_threads(Scanner) {
  list_threads_ = true;
  ok();
}

void Session::error_strings(Scanner) {
  error_strings_ = true;
  ok();
}

/// Everybody but the one who stopped stands without a reason of its own.
void Session::thread_stop_info(Scanner from) {
  std::optional<ThreadChoice> choice = from.thread();
  std::optional<TaskId> id = choice ? resolve(*choice) : std::nullopt;
  if (!id) return fail(Error::kNoProcess, "there is no such thread");
  if (*id == stopped_ && !stop_sent_.empty()) return reply(stop_sent_);
  reply(fmt::format("T00thread:{};", id_text(*id)));
}

void Session::put_lldb_stop(std::string& out, const DebugStop& stop, TaskId who) {
  auto at = std::back_inserter(out);
  std::string ids;
  std::string pcs;
  for (const ProcessSummary& process : visible())
    for (const ThreadSummary& thread : process.threads) {
      if (thread.id == who && !thread.name.empty()) fmt::format_to(at, "hexname:{};", hex_of(thread.name));
      ids += (ids.empty() ? "" : ",") + fmt::format("{:x}", thread.id.thread);
      pcs += (pcs.empty() ? "" : ",") + fmt::format("{:x}", pc_of(target_, thread.id.thread));
    }
  if (list_threads_) fmt::format_to(at, "threads:{};thread-pcs:{};", ids, pcs);
  const StopPoint* point = stop.reason == Reason::kPoint ? timeline_.point(stop.point) : nullptr;
  if (point == nullptr) {
    fmt::format_to(at, "reason:{};", reason_of(stop));
  } else if (point->kind == StopPoint::Kind::kExecute) {
    out += "reason:breakpoint;";
  } else {
    // LLDB wants its own watchpoint's address, and where the access was.
    out += "reason:watchpoint;";
    fmt::format_to(at, "description:{};", hex_of(fmt::format("{} 0 {}", point->address.value, stop.address.value)));
    return;
  }
  if (options_.describe)
    if (std::string text = options_.describe(stop); !text.empty()) fmt::format_to(at, "description:{};", hex_of(text));
}

void Session::threads_json(Scanner) {
  std::string text = "[";
  for (const ProcessSummary& process : visible())
    for (const ThreadSummary& thread : process.threads) {
      const DebugStop& stop = timeline_.last_stop();
      text += fmt::format("{}{{\"tid\":{},\"name\":{}", text.size() > 1 ? "," : "", thread.id.thread,
                          json_text(thread.name));
      if (thread.id == stopped_) text += fmt::format(",\"reason\":\"{}\"", reason_of(stop));
      text += "}";
    }
  reply(escaped(text + "]"));
}

}  // namespace jacinth::emu::gdb
