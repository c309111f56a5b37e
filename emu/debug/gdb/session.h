// A debugger that speaks the GDB remote protocol (GDB manual, appendix E; LLVM's docs/lldb-gdb-remote.txt), on a
// Timeline. Bytes come in, bytes go out; sockets are somebody else's.
//
//   client --bytes--> feed() --> handler by packet name --> Timeline, Target
//          <--send()--'
//
// Ids are koids. In the protocol's words the target is all-stop, whatever the client asks to resume: the machine goes
// as a whole, and a step is one of the thread's own instructions while others run as they would. Nothing that comes in
// does more harm than a debugger may do: it is checked before anything is done with it.
//
// A client deals with the processes that it has attached to; the first one it has from the start. gdb takes processes
// that turn up by themselves for ones of another architecture.
//
// Left out: non-stop mode, tracepoints, agents, files that can be written, and killing one process of several.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "emu/debug/gdb/guest_files.h"
#include "emu/debug/gdb/packet.h"
#include "emu/debug/gdb/text.h"
#include "emu/debug/timeline.h"

namespace jacinth::emu::gdb {

struct SessionOptions {
  /// Takes what goes to the client.
  std::function<void(std::string_view)> send;
  /// Answers `monitor` commands; null: there are none.
  std::function<std::string(std::string_view)> monitor;
  /// Puts a stop into words that the protocol has none for; empty when there is nothing to say. May be null.
  std::function<std::string(const DebugStop&)> describe;
  /// Moments to stop at, of which `monitor` commands told; asked after each of those. Null: there are none.
  std::function<std::vector<MomentCatch>()> moments;
  /// Told when the run begins to go (true) and when it stands again.
  std::function<void(bool)> running = [](bool) {};
  /// What makes a run that goes come back.
  const volatile std::sig_atomic_t* interrupt = nullptr;
  /// Forwards, stop before the end first, so that the client can still go back from there.
  bool stop_before_end = false;
};

class Session {
 public:
  /// How the client left.
  enum class Over : uint8_t { kNot, kDetached, kKilled };

  /// The timeline stands, and outlives the session.
  Session(Timeline& timeline, SessionOptions options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// What came from the client.
  void feed(std::string_view bytes);
  Over over() const { return over_; }
  /// What it means that the client goes away without a word: kNot when it would have gone on here.
  Over over_when_gone() const {
    if (killed_) return Over::kKilled;
    return attached_.empty() ? Over::kDetached : over_;
  }
  /// The run has come to its end, and with which exit code.
  std::optional<int> ended() const { return ended_; }

 private:
  using Handler = void (Session::*)(Scanner);
  struct Row {
    std::string_view name;
    Handler handler;
  };
  static const Row kRows[];

  /// Errors by the numbers of Unix, as other stubs have them.
  enum class Error : uint8_t { kNoEntry = 2, kNoProcess = 3, kIo = 5, kTooBig = 7, kFault = 14, kInvalid = 22 };

  // session.cc: frames, choice of threads, beginning and end.
  void packet(const std::string& payload);
  void reply(std::string_view payload);
  void ok() { reply("OK"); }
  void fail(Error error, std::string_view why = {});
  void console(std::string_view text);
  bool lldb() const { return thread_suffix_; }
  std::string id_text(TaskId id) const;
  std::vector<ProcessSummary> visible();
  std::vector<TaskId> visible_threads();
  std::optional<TaskId> resolve(const ThreadChoice& choice);
  TaskId focus();
  std::optional<TaskId> suffixed(Scanner& from);
  void no_ack(Scanner);
  void extended(Scanner);
  void why_stopped(Scanner);
  void choose_thread(Scanner);
  void alive(Scanner);
  void detach(Scanner);
  void kill(Scanner);
  void kill_now(Scanner);
  void attach(Scanner);
  void attach_first();
  void restart(Scanner);
  void run(Scanner);
  void unknown(Scanner) { reply(""); }

  // session_memory.cc
  void read_registers(Scanner);
  void write_registers(Scanner);
  void read_one(Scanner);
  void write_one(Scanner);
  void save_registers(Scanner);
  void restore_registers(Scanner);
  void set_registers(uint64_t thread, const Registers& registers);
  void read_memory(Scanner);
  void read_binary(Scanner);
  void write_memory(Scanner);
  void write_binary(Scanner);
  void write(uint64_t address, std::string_view bytes);
  void search(Scanner);
  void checksum(Scanner);
  void region(Scanner);
  void insert_point(Scanner);
  void remove_point(Scanner);

  // session_run.cc
  void resume_actions(Scanner);
  void resume_actions_known(Scanner);
  void resume_old(Scanner);
  void step_old(Scanner);
  void resume_with_signal(Scanner);
  void step_with_signal(Scanner);
  void resume_backwards(Scanner);
  void step_backwards(Scanner);
  void catch_calls(Scanner);
  void set_catches();
  void resume(Resume request);
  bool unheard(const DebugStop& stop, bool backwards) const;
  DebugStop settle_exit(const DebugStop& stop);
  DebugStop back_from_end(const DebugStop& end);
  std::string stop_text(const DebugStop& stop);
  std::string thread_stop_text(const DebugStop& stop, TaskId who);
  void put_lldb_stop(std::string& out, const DebugStop& stop, TaskId who);
  std::string exit_text(uint64_t process, uint64_t code) const;
  bool of_libraries(const DebugStop& stop) const;
  bool waited_for(const DebugStop& stop) const;
  void tell_of_libraries(const DebugStop& stop);
  std::string news_of_libraries(uint64_t process);
  void note_executable(uint64_t process);

  // session_query.cc
  void supported(Scanner);
  void transfer(Scanner);
  std::optional<std::string> document(std::string_view object, std::string_view annex);
  void first_threads(Scanner);
  void more_threads(Scanner);
  void thread_info(Scanner);
  void current_thread(Scanner);
  void attached(Scanner);
  void offsets(Scanner);
  void thread_local_variable(Scanner);
  void monitor(Scanner);
  void symbol(Scanner) { ok(); }
  void files(Scanner);
  void accept(Scanner) { ok(); }

  // session_lldb.cc
  void host_info(Scanner);
  void watchpoint_info(Scanner);
  void process_info(Scanner);
  void register_info(Scanner);
  void suffix(Scanner);
  void list_threads(Scanner);
  void error_strings(Scanner);
  void thread_stop_info(Scanner);
  void threads_json(Scanner);

  Timeline& timeline_;
  Target& target_;
  SessionOptions options_;
  PacketReader reader_;
  std::string_view unread_;  // What came behind the packet that is being answered.
  GuestFiles files_;
  std::string last_sent_;  // In case it has to be sent again.
  Over over_ = Over::kNot;
  bool killed_ = false;
  std::optional<int> ended_;

  // What the client can and wants.
  bool no_ack_ = false;
  bool extended_ = false;
  bool multiprocess_ = false;
  bool software_stops_ = false;
  bool hardware_stops_ = false;
  bool thread_suffix_ = false;
  bool list_threads_ = false;
  bool error_strings_ = false;

  ThreadChoice general_;
  std::optional<uint64_t> not_there_;  // The client chose a process that it knows from later in the run.
  ThreadChoice resumed_;
  /// Who stopped, or was looked at last.
  TaskId stopped_;
  std::set<uint64_t> attached_;  // Processes that the client deals with.
  std::vector<TaskId> more_threads_;
  std::string stop_sent_;  // How the stop was told.

  /// A client cannot set more points than this.
  static constexpr size_t kMaxPoints = 4096;
  struct PointKey {
    char type = '0';
    uint64_t process = 0;
    uint64_t address = 0;
    uint64_t kind = 0;
    auto operator<=>(const PointKey&) const = default;
  };
  std::map<PointKey, uint32_t> points_;
  std::map<uint64_t, std::vector<uint64_t>> catches_;  // By process.
  std::map<uint64_t, Registers> saved_registers_;
  uint64_t next_saved_ = 1;
  bool before_end_ = false;          // It stands where it was put to not yet be over.
  std::set<uint64_t> placed_;        // Processes whose executable lies where the client thinks that it does.
  std::optional<DebugStop> untold_;  // Libraries were loaded when it stopped for the user.
  std::string document_name_;
  std::string document_;
};

}  // namespace jacinth::emu::gdb
