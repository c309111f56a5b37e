// One run of a guest on one machine, from its file to the exit code: what `run`, `record`, `replay` and `trace` share.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boards/system.h"
#include "emu/machine/probe.h"
#include "emu/memory/memory_digest.h"
#include "emu/replay/verifier.h"
#include "emu/trace/frame.h"
#include "kernel/boot/boot.h"
#include "kernel/inspect/call_counts.h"
#include "kernel/inspect/event_source.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/guest_code.h"
#include "tools/jacinth/guest_run.h"
#include "tools/jacinth/host_events.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/run_driver.h"
#include "tools/jacinth/run_recording.h"
#include "tools/jacinth/run_snapshots.h"
#include "tools/jacinth/summary.h"
#include "tools/jacinth/views/coverage.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {

/// Says it, and is the exit code.
int fail(std::string_view who, ExitCode code, std::string_view text);

/// Tells of processes that die of an exception.
class CrashWatch final : public kernel::KernelObserver {
 public:
  CrashWatch(std::string_view who, bool quiet, kernel::Core& core, SymbolizedCode& code, const Style& style);
  ~CrashWatch() override;
  CrashWatch(const CrashWatch&) = delete;
  CrashWatch& operator=(const CrashWatch&) = delete;

  void crashed(kernel::Thread& thread, const kernel::Exception& exception) override;
  /// Whoever knows whether that happened before.
  void set_driver(RunDriver* driver) { driver_ = driver; }

  const std::vector<Crash>& crashes() const { return crashes_; }
  /// For a snapshot.
  void state(Archive& ar) { ar(crashes_); }
  bool crashed(const kernel::Process& process) const;

 private:
  std::string_view who_;
  bool quiet_;
  kernel::Core& core_;
  SymbolizedCode& code_;
  const Style& style_;
  RunDriver* driver_ = nullptr;
  std::vector<Crash> crashes_;
};

/// Who else takes part in a run. Null: nobody.
struct SessionPartners {
  /// What comes in at the serial console.
  std::string_view console_input;
  /// Where the view of the run goes; only kRecords needs none.
  Output* trace = nullptr;
  Output* summary = nullptr;
  RunRecording* recording = nullptr;
  emu::Verifier* verifier = nullptr;
  /// Of the recording that is made, or held against.
  emu::RecordLevel level = emu::RecordLevel::kDigests;
  /// Of the format: what is in it, and in what words.
  uint8_t minor_version = emu::kTraceMinor;
  /// Between two digests of the machine; 0: none are taken.
  Duration digest_period;
  /// Where somebody ended the recorded run.
  std::optional<Time> ended_at;
  bool print_output = true;
  /// What the services have from outside.
  HostInputs* inputs = nullptr;
  /// Who makes the run go.
  RunDriver* driver = nullptr;
  /// The run was recorded before.
  bool recorded = false;
  /// Where it begins; null: at the start of the program.
  const emu::SavedState* begin = nullptr;
  std::string_view begin_name;  ///< Of the file that has it.
  /// Behind so many events that are as they were recorded, run() comes back with the run in the middle; 0: never.
  uint64_t pause_at_event = 0;
  /// What it leaves behind on its way.
  RunSnapshots* snapshots = nullptr;
};

class GuestSession final : public emu::EventSink {
 public:
  /// All of it outlives the session.
  GuestSession(const RunRequest& request, const boards::Board& board, const SessionPartners& partners);
  ~GuestSession() override;
  GuestSession(const GuestSession&) = delete;
  GuestSession& operator=(const GuestSession&) = delete;

  /// From the event source alone.
  void event(const emu::Event& event) override;

  /// Runs the program to its end and tells of it. The exit code.
  int run(std::span<const std::byte> file);

  /// Whether run() came back because of SessionPartners::pause_at_event.
  bool paused() const { return paused_; }
  /// The run as it stands, for another session to go on with.
  void save(emu::FrameSink& frames) { save_state(frames, system_, {.session = saved_session()}); }

  boards::System& system() { return system_; }
  /// How the run came to its end.
  const emu::RunConclusion& conclusion() const { return conclusion_; }

 private:
  /// What a failed CHECK flushes before it ends the program.
  struct LastWords {
    Output* trace = nullptr;
    LastWords();
    ~LastWords();
    LastWords(const LastWords&) = delete;
    LastWords& operator=(const LastWords&) = delete;
    static void speak(void* context, std::string_view text);
  };

  /// Stops the machine at SessionPartners::pause_at_event.
  class Pause final : public emu::Probe {
   public:
    explicit Pause(const SessionPartners& partners) : partners_(partners) {}
    bool entered() override;
    bool traces(const ThreadContext&) override { return false; }
    bool instruction(ThreadContext&, GuestAddr) override { return false; }
    bool breakpoint(ThreadContext&, GuestAddr) override { return false; }
    Watch accesses(ThreadContext&, GuestAddr, std::span<const emu::DataAccess>) override { return Watch::kGoOn; }
    bool accessed(ThreadContext&) override { return false; }

   private:
    const SessionPartners& partners_;
  };

  kernel::Kernel& kernel() { return system_.kernel(); }
  kernel::Core& core() { return kernel().core(); }
  int fail(ExitCode code, std::string_view text) const { return cli::fail(request_.who, code, text); }
  boards::SystemOptions system_options();
  void output(unsigned descriptor, std::string_view text);
  std::string add_launch(kernel::BootOptions& options);
  void write_folders_back();
  void hint_at_linker(int64_t return_code);
  static bool has_unreadable_code(std::span<const std::byte> file);
  std::optional<std::string> start(std::span<const std::byte> file);
  void session_state(Archive& ar);
  std::vector<std::byte> saved_session();
  ExitCode run_to_end(std::span<const std::byte> file);
  ExitCode drive(std::span<const std::byte> file);
  ExitCode wished();
  ExitCode out_of_time();
  void conclude_driven(ExitCode code);
  bool told_before() const { return partners_.driver != nullptr && partners_.driver->again(); }
  emu::RunEnd run_on(emu::RunLimits limits);
  Digest take_digest();
  emu::EventSink& event_sink();
  ExitCode outcome();
  ExitCode deadlock();
  int finish(const RunAccount& account);
  void tell(std::string_view text) const;

  const RunRequest& request_;
  SessionPartners partners_;
  LastWords last_words_;
  HostEvents host_;
  Style style_;
  std::optional<Coverage> coverage_;           // The machine tells it what runs.
  std::optional<kernel::EventSource> events_;  // Before the system, which may print as soon as it is there.
  boards::System system_;
  SymbolizedCode code_;
  CrashWatch crash_watch_;
  std::unique_ptr<View> view_;
  std::optional<kernel::CallCounts> counts_;
  Pause pause_{partners_};
  bool paused_ = false;
  std::optional<std::string> unfit_begin_;  // What is wrong with partners_.begin.
  Time next_digest_ = Time::never();
  Duration digest_gap_;
  std::optional<emu::MemoryDigest> memory_digest_;
  uint64_t executed_at_digest_ = 0;
  bool unreadable_code_ = false;  // Segments to execute and not to read.
  emu::RunConclusion conclusion_;
};

}  // namespace jacinth::cli
