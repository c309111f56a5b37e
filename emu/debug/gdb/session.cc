#include "emu/debug/gdb/session.h"

#include <fmt/format.h>

#include <algorithm>

namespace jacinth::emu::gdb {

/// By the beginning of the packet; the first that fits is it, so longer names come before their beginnings.
const Session::Row Session::kRows[] = {
    {"qSupported", &Session::supported},
    {"QStartNoAckMode", &Session::no_ack},
    {"qXfer:", &Session::transfer},
    {"qfThreadInfo", &Session::first_threads},
    {"qsThreadInfo", &Session::more_threads},
    {"qThreadExtraInfo,", &Session::thread_info},
    {"qThreadStopInfo", &Session::thread_stop_info},
    {"qCRC:", &Session::checksum},
    {"qC", &Session::current_thread},
    {"qAttached", &Session::attached},
    {"qOffsets", &Session::offsets},
    {"qGetTLSAddr:", &Session::thread_local_variable},
    {"qSymbol:", &Session::symbol},
    {"qRcmd,", &Session::monitor},
    {"qSearch:memory:", &Session::search},
    {"qMemoryRegionInfo:", &Session::region},
    {"qWatchpointSupportInfo", &Session::watchpoint_info},
    {"qHostInfo", &Session::host_info},
    {"qProcessInfo", &Session::process_info},
    {"qRegisterInfo", &Session::register_info},
    {"qVAttachOrWaitSupported", &Session::accept},
    {"QCatchSyscalls:", &Session::catch_calls},
    {"QThreadSuffixSupported", &Session::suffix},
    {"QListThreadsInStopReply", &Session::list_threads},
    {"QEnableErrorStrings", &Session::error_strings},
    {"QSaveRegisterState", &Session::save_registers},
    {"QRestoreRegisterState:", &Session::restore_registers},
    {"QPassSignals:", &Session::accept},
    {"QProgramSignals:", &Session::accept},
    {"QThreadEvents:", &Session::accept},
    {"jThreadsInfo", &Session::threads_json},
    {"vMustReplyEmpty", &Session::unknown},
    {"vCont?", &Session::resume_actions_known},
    {"vCont", &Session::resume_actions},
    {"vFile:", &Session::files},
    {"vKill;", &Session::kill},
    {"vAttach;", &Session::attach},
    {"vRun;", &Session::run},
    {"bc", &Session::resume_backwards},
    {"bs", &Session::step_backwards},
    {"!", &Session::extended},
    {"?", &Session::why_stopped},
    {"H", &Session::choose_thread},
    {"T", &Session::alive},
    {"D", &Session::detach},
    {"k", &Session::kill_now},
    {"R", &Session::restart},
    {"g", &Session::read_registers},
    {"G", &Session::write_registers},
    {"p", &Session::read_one},
    {"P", &Session::write_one},
    {"m", &Session::read_memory},
    {"x", &Session::read_binary},
    {"M", &Session::write_memory},
    {"X", &Session::write_binary},
    {"Z", &Session::insert_point},
    {"z", &Session::remove_point},
    {"c", &Session::resume_old},
    {"s", &Session::step_old},
    {"C", &Session::resume_with_signal},
    {"S", &Session::step_with_signal},
};

Session::Session(Timeline& timeline, SessionOptions options)
    : timeline_(timeline), target_(timeline.target()), options_(std::move(options)), files_(target_) {
  timeline_.catch_exceptions(true);
  set_catches();
  const DebugStop& last = timeline_.last_stop();
  if (last.reason == DebugStop::Reason::kEnded) ended_ = last.exit_code;
  attach_first();
}

Session::~Session() {
  for (const auto& [key, number] : points_) timeline_.remove(number);
  timeline_.catch_calls({});
  timeline_.catch_moments({});
  timeline_.catch_exceptions(false);
}

void Session::feed(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    char byte = bytes[i];
    unread_ = bytes.substr(i + 1);
    if (over_ != Over::kNot) return;
    switch (reader_.take(byte)) {
      case PacketReader::Event::kNone:
      case PacketReader::Event::kAck:
      case PacketReader::Event::kInterrupt: break;  // It stands already.
      case PacketReader::Event::kNak:
        if (!last_sent_.empty() && !no_ack_) options_.send(last_sent_);
        break;
      case PacketReader::Event::kBadChecksum:
        if (!no_ack_) {
          options_.send("-");
          break;
        }
        // Who asked for no acknowledgements promised that nothing gets lost, and may not count.
        packet(reader_.payload());
        break;
      case PacketReader::Event::kTooLong:
        if (!no_ack_) options_.send("+");
        fail(Error::kTooBig, "the packet is too long");
        break;
      case PacketReader::Event::kPacket:
        if (!no_ack_) options_.send("+");
        packet(reader_.payload());
        break;
    }
  }
}

void Session::packet(const std::string& payload) {
  std::string_view text = payload;
  const auto* row = std::ranges::find_if(kRows, [&](const Row& known) { return text.starts_with(known.name); });
  if (row == std::end(kRows)) return reply("");
  text.remove_prefix(row->name.size());
  (this->*row->handler)(Scanner(text));
}

void Session::reply(std::string_view payload) {
  last_sent_ = framed(payload);
  options_.send(last_sent_);
}

void Session::fail(Error error, std::string_view why) {
  std::string text = fmt::format("E{:02x}", static_cast<unsigned>(error));
  if (error_strings_ && !why.empty()) text += ";" + hex_of(why);
  reply(text);
}

void Session::console(std::string_view text) {
  if (!text.empty()) reply("O" + hex_of(text));
}

std::string Session::id_text(TaskId id) const {
  return multiprocess_ ? fmt::format("p{:x}.{:x}", id.process, id.thread) : fmt::format("{:x}", id.thread);
}

/// The living processes that the client deals with: LLDB and whoever knows no processes have one.
std::vector<ProcessSummary> Session::visible() {
  std::vector<ProcessSummary> processes = target_.processes();
  std::erase_if(processes, [this](const ProcessSummary& process) { return !attached_.contains(process.koid); });
  if (processes.size() > 1 && (!multiprocess_ || lldb())) {
    auto kept = std::ranges::find(processes, stopped_.process, &ProcessSummary::koid);
    processes = {kept == processes.end() ? processes.front() : *kept};
  }
  return processes;
}

/// Somebody to begin with: who stopped, or the first process that has threads.
void Session::attach_first() {
  std::vector<ProcessSummary> processes = target_.processes();
  std::erase_if(processes, [](const ProcessSummary& process) { return process.threads.empty(); });
  if (processes.empty()) return;
  auto first = std::ranges::find(processes, timeline_.last_stop().who.process, &ProcessSummary::koid);
  uint64_t process = first == processes.end() ? processes.front().koid : first->koid;
  if (attached_.insert(process).second) note_executable(process);
}

std::vector<TaskId> Session::visible_threads() {
  std::vector<TaskId> threads;
  for (const ProcessSummary& process : visible())
    for (const ThreadSummary& thread : process.threads) threads.push_back(thread.id);
  return threads;
}

/// The first living thread that fits; the one that stopped if that does.
std::optional<TaskId> Session::resolve(const ThreadChoice& choice) {
  auto fits = [&](TaskId id) {
    bool process =
        choice.process == ThreadChoice::kAny || choice.process == ThreadChoice::kAll || choice.process == id.process;
    bool thread =
        choice.thread == ThreadChoice::kAny || choice.thread == ThreadChoice::kAll || choice.thread == id.thread;
    return process && thread;
  };
  std::vector<TaskId> threads = visible_threads();
  if (std::ranges::find(threads, stopped_) != threads.end() && fits(stopped_)) return stopped_;
  auto found = std::ranges::find_if(threads, fits);
  return found == threads.end() ? std::nullopt : std::optional(*found);
}

/// The thread that memory and registers are asked of; zeros when there is none.
TaskId Session::focus() {
  if (not_there_) return {.process = *not_there_};
  if (std::optional<TaskId> id = resolve(general_)) return *id;
  return resolve({}).value_or(TaskId{});
}

/// LLDB names the thread behind the packet.
std::optional<TaskId> Session::suffixed(Scanner& from) {
  if (!from.take(";thread:")) {
    TaskId id = focus();
    return id.thread != 0 ? std::optional(id) : std::nullopt;
  }
  std::optional<ThreadChoice> choice = from.thread();
  from.take(";");
  return choice ? resolve(*choice) : std::nullopt;
}

void Session::no_ack(Scanner) {
  ok();
  no_ack_ = true;
}

void Session::extended(Scanner) {
  extended_ = true;
  ok();
}

void Session::why_stopped(Scanner) {
  DebugStop last = timeline_.last_stop();
  // Whoever asks this has not interrupted it.
  if (last.reason == DebugStop::Reason::kInterrupted) last.reason = DebugStop::Reason::kArrived;
  if (stop_sent_.empty()) stop_sent_ = stop_text(last);
  reply(stop_sent_);
}

void Session::choose_thread(Scanner from) {
  bool general = from.take("g");
  if (!general && !from.take("c")) return fail(Error::kInvalid);
  std::optional<ThreadChoice> choice = from.thread();
  if (!choice) return fail(Error::kInvalid);
  bool there = resolve(*choice).has_value();
  if (general) {
    std::vector<ProcessSummary> processes = target_.processes();
    bool later = attached_.contains(choice->process) &&
                 std::ranges::find(processes, choice->process, &ProcessSummary::koid) == processes.end();
    not_there_ = later ? std::optional(choice->process) : std::nullopt;
  }
  if (!there) {
    // Going back, a run comes before processes that the client knows: they have nothing yet.
    if (general && not_there_) return ok();
    return fail(Error::kNoProcess, "there is no such thread");
  }
  (general ? general_ : resumed_) = *choice;
  ok();
}

void Session::alive(Scanner from) {
  std::optional<ThreadChoice> choice = from.thread();
  if (!choice || !resolve(*choice)) return fail(Error::kNoProcess);
  ok();
}

void Session::detach(Scanner from) {
  std::optional<uint64_t> process;
  if (from.take(";")) {
    process = from.number();
    if (!process) return fail(Error::kInvalid);
  }
  if (process) {
    std::vector<ProcessSummary> processes = visible();
    std::erase_if(processes, [&](const ProcessSummary& one) { return one.koid == *process; });
    // It may be one that is not there yet, after going back.
    if (!attached_.contains(*process)) return fail(Error::kNoProcess, "there is no such process");
    for (auto point = points_.begin(); point != points_.end();) {
      bool gone = point->first.process == *process;
      if (gone) timeline_.remove(point->second);
      point = gone ? points_.erase(point) : std::next(point);
    }
    catches_.erase(*process);
    set_catches();
    attached_.erase(*process);
    if (stopped_.process == *process) stopped_ = {};
    stop_sent_.clear();
    not_there_.reset();
    if (!processes.empty() || extended_) return ok();
  }
  ok();
  over_ = Over::kDetached;
}

/// One process cannot be taken out of a run that can be made again: the run ends. Who has said that he may begin it
/// again stays for that.
void Session::kill(Scanner) {
  ok();
  killed_ = true;
  attached_.clear();
  stop_sent_.clear();
  if (!extended_) over_ = Over::kKilled;
}

void Session::kill_now(Scanner) { over_ = Over::kKilled; }

void Session::attach(Scanner from) {
  std::optional<uint64_t> process = from.number();
  std::vector<ProcessSummary> processes = target_.processes();
  auto found = process ? std::ranges::find(processes, *process, &ProcessSummary::koid) : processes.end();
  if (found == processes.end() || found->threads.empty()) return fail(Error::kNoProcess, "there is no such process");
  attached_.insert(*process);
  note_executable(*process);
  stopped_ = found->threads.front().id;
  general_ = resumed_ = {.process = stopped_.process, .thread = stopped_.thread};
  stop_sent_ = thread_stop_text({.reason = DebugStop::Reason::kArrived}, stopped_);
  reply(stop_sent_);
}

/// From the first instruction again, with all that was set.
void Session::restart(Scanner) {
  timeline_.seek(Position{});
  ended_.reset();
  before_end_ = false;
  killed_ = false;
  attached_.clear();
  placed_.clear();
  untold_.reset();
  stopped_ = {};
  general_ = resumed_ = {};
  stop_sent_.clear();
  attach_first();
}

void Session::run(Scanner from) {
  restart(from);
  why_stopped(from);
}

}  // namespace jacinth::emu::gdb
