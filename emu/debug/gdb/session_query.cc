// What a client asks: what we can, documents, threads, files, and commands for people.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "emu/debug/gdb/documents.h"
#include "emu/debug/gdb/session.h"
#include "emu/debug/gdb/thread_locals.h"

namespace jacinth::emu::gdb {
namespace {

/// Room for the frame and the letter before a piece of something, every byte of which may be escaped.
constexpr uint64_t kMaxPiece = kMaxPayload / 2 - 32;

/// As many as fit into a packet.
constexpr size_t kThreadsPerPacket = 1024;

}  // namespace

void Session::supported(Scanner from) {
  if (from.take(":"))
    while (!from.done()) {
      std::string_view feature = from.until(';');
      if (feature == "multiprocess+") multiprocess_ = true;
      if (feature == "swbreak+") software_stops_ = true;
      if (feature == "hwbreak+") hardware_stops_ = true;
    }
  std::string text = fmt::format(
      "PacketSize={:x};QStartNoAckMode+;swbreak+;hwbreak+;vContSupported+;ReverseContinue+;ReverseStep+;"
      "QCatchSyscalls+;QPassSignals+;QProgramSignals+;QThreadEvents+;qXfer:features:read+;qXfer:threads:read+;"
      "qXfer:libraries:read+;qXfer:libraries-svr4:read+;qXfer:exec-file:read+;qXfer:auxv:read+;"
      "qXfer:memory-map:read+;qXfer:osdata:read+;exec-events+",
      kMaxPayload);
  if (multiprocess_) text += ";multiprocess+";
  reply(text);
}

/// Nothing: there is no such thing.
std::optional<std::string> Session::document(std::string_view object, std::string_view annex) {
  if (object == "features")
    return annex == "target.xml" ? std::optional(target_description(target_.arch())) : std::nullopt;
  if (object == "memory-map") return memory_map();
  if (object == "osdata") return annex == "processes" ? std::optional(process_list(target_.processes())) : std::nullopt;
  if (object == "threads") return thread_list(visible(), [this](TaskId id) { return id_text(id); });
  uint64_t process = focus().process;
  if (object == "libraries") return library_list(target_.modules(process));
  if (object == "libraries-svr4") return library_list_svr4(target_.modules(process), lldb());
  if (object == "exec-file") {
    if (!annex.empty()) process = Scanner(annex).number().value_or(0);
    std::vector<LoadedModule> modules = target_.modules(process);
    return modules.empty() ? std::nullopt : std::optional(modules.front().name);
  }
  if (object == "auxv") {
    std::string text;
    auto put = [&text](uint64_t value) { text.append(reinterpret_cast<const char*>(&value), sizeof value); };
    for (const auto& [type, value] : target_.auxiliary(process)) {
      put(type);
      put(value);
    }
    put(0);
    put(0);
    return text;
  }
  return std::nullopt;
}

void Session::transfer(Scanner from) {
  std::string_view object = from.until(':');
  if (from.until(':') != "read") return reply("");
  std::string_view annex = from.until(':');
  std::optional<uint64_t> offset = from.number();
  std::optional<uint64_t> length = from.take(",") ? from.number() : std::nullopt;
  if (!offset || !length) return fail(Error::kInvalid);
  std::string name = fmt::format("{}:{}:{}", object, annex, focus().process);
  // The pieces of one document belong together.
  if (*offset == 0 || name != document_name_) {
    std::optional<std::string> text = document(object, annex);
    if (!text) return reply("E00");
    document_ = std::move(*text);
    document_name_ = std::move(name);
  }
  if (*offset > document_.size()) return fail(Error::kInvalid);
  std::string_view piece = std::string_view(document_).substr(*offset, std::min(*length, kMaxPiece));
  bool last = *offset + piece.size() == document_.size();
  reply((last ? "l" : "m") + escaped(piece));
}

void Session::first_threads(Scanner from) {
  more_threads_ = visible_threads();
  more_threads(from);
}

void Session::more_threads(Scanner) {
  if (more_threads_.empty()) return reply("l");
  size_t count = std::min(more_threads_.size(), kThreadsPerPacket);
  std::string text = "m";
  for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + id_text(more_threads_[i]);
  more_threads_.erase(more_threads_.begin(), more_threads_.begin() + static_cast<std::ptrdiff_t>(count));
  reply(text);
}

void Session::thread_info(Scanner from) {
  std::optional<ThreadChoice> choice = from.thread();
  if (choice)
    for (const ProcessSummary& process : visible())
      for (const ThreadSummary& thread : process.threads)
        if (thread.id.thread == choice->thread)
          return reply(hex_of(thread.name.empty() ? thread.state : thread.name + ": " + thread.state));
  fail(Error::kNoProcess, "there is no such thread");
}

void Session::current_thread(Scanner) {
  TaskId id = focus();
  if (id.thread == 0) return reply("");
  reply("QC" + id_text(id));
}

/// "We have made the process ourselves": a client that goes away kills it then, but for one that says so.
void Session::attached(Scanner from) {
  if (from.take(":")) {
    std::optional<uint64_t> process = from.number();
    // Only the first process was started for the client; all others came about by themselves.
    std::vector<ProcessSummary> processes = target_.processes();
    bool first = !processes.empty() && process == processes.front().koid;
    return reply(first ? "0" : "1");
  }
  reply("0");
}

/// Where the executable lies, for clients that do not ask for auxiliary values.
void Session::offsets(Scanner) {
  std::vector<LoadedModule> modules = target_.modules(focus().process);
  if (modules.empty() || !modules.front().there) return reply("");
  reply(fmt::format("TextSeg={:x}", modules.front().base.value));
}

/// qGetTLSAddr:THREAD,OFFSET,MODULE. The module is an entry of the dynamic linker's list, or 0 without one.
void Session::thread_local_variable(Scanner from) {
  std::optional<ThreadChoice> choice = from.thread();
  std::optional<uint64_t> offset = from.take(",") ? from.number() : std::nullopt;
  bool whole = choice && offset && from.take(",");
  std::optional<uint64_t> given = whole ? from.number() : std::nullopt;
  if (!given) return fail(Error::kInvalid);
  uint64_t entry = given.value_or(0);
  std::optional<TaskId> id = resolve(*choice);
  std::optional<Registers> registers = id ? target_.registers(id->thread) : std::nullopt;
  if (!registers) return fail(Error::kNoProcess, "there is no such thread");
  std::vector<LoadedModule> modules = target_.modules(id->process);
  if (modules.empty() || (entry != 0 && entry != modules.front().link_map))
    return fail(Error::kNoEntry, "thread-local variables are known of executables, not of libraries");
  auto file = target_.file(modules.front().name);
  auto address = file ? thread_local_address(target_.arch(), registers->tls, *file, *offset) : std::nullopt;
  if (!address) return fail(Error::kNoEntry, "the executable has no thread-local variables");
  reply(fmt::format("{:x}", *address));
}

void Session::monitor(Scanner from) {
  std::optional<std::string> command = bytes_of_hex(from.rest());
  if (!command) return fail(Error::kInvalid);
  if (!options_.monitor) return reply("");
  std::string answer = options_.monitor(*command);
  set_catches();
  // It may have gone somewhere else: what was remembered of here is of no use there.
  document_name_.clear();
  stop_sent_.clear();
  if (!answer.empty() && answer.back() != '\n') answer += '\n';
  // A client reads at most so much at once.
  constexpr size_t kMost = kMaxPayload / 2 - 1;
  while (answer.size() > kMost) {
    console(answer.substr(0, kMost));
    answer.erase(0, kMost);
  }
  if (answer.empty()) return ok();
  reply(hex_of(answer));
}

void Session::files(Scanner from) { reply(files_.answer(from.rest())); }

}  // namespace jacinth::emu::gdb
