// Forwards, backwards and to wherever somebody asks, in a live run: no recording is needed, since a run that is made
// again is the same run.
//
//   forwards:   run, with a checkpoint every so often, until something holds the machine
//   backwards:  for each checkpoint before here, the last first:
//                 go there, run to where we came from, note what would have held the machine
//                 the last of that is where to go
//
// An instruction backwards looks only at the end of the way, in windows that grow until the thread's last instruction
// lies in one.
//
// On the side of access that the architectures stop (see emu/debug/timeline.h) debuggers rely in both directions: what
// an arm64 stop has before itself when going forwards, it has behind itself in time when going back, since the
// debugger steps once more in its direction before it looks (gdb's non-steppable watchpoints).
//
// Left out: going forward by checkpoints that lie ahead: they are dropped when the machine goes back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "emu/debug/history.h"
#include "emu/debug/kernel_side.h"
#include "emu/debug/target.h"
#include "emu/debug/timeline.h"
#include "emu/machine/probe.h"

namespace jacinth::emu {

struct TimeTravelOptions {
  /// Of memory for history.
  size_t max_bytes = size_t{1} << 30;
  /// Between two checkpoints, in bytes of guest code: a million instructions are made again in some milliseconds.
  uint64_t checkpoint_gap = 4'000'000;
  /// Where a recorded run ends that somebody ended from outside.
  std::optional<Time> end;
};

class TimeTravel final : public Timeline, private Probe, private KernelSink {
 public:
  /// The machine stands at the beginning of its run, or of what can be gone back to. All of it outlives this.
  TimeTravel(Rewindable& run, Target& target, KernelSide& kernel, const TimeTravelOptions& options = {});
  ~TimeTravel() override;
  TimeTravel(const TimeTravel&) = delete;
  TimeTravel& operator=(const TimeTravel&) = delete;

  Target& target() override { return target_; }
  DebugStop resume(const Resume& resume) override;
  const DebugStop& last_stop() const override { return last_stop_; }
  Position position() override { return history_.here(); }
  Time now() override { return machine_.now(); }
  Position begins() const override { return history_.position(history_.last_change()); }
  bool is_changed() const override { return history_.last_change() != 0; }
  DebugStop seek(Position where) override;
  DebugStop seek(Time when) override;
  uint32_t add(const StopPoint& point) override;
  void remove(uint32_t point) override;
  const StopPoint* point(uint32_t number) const override;
  void catch_calls(std::vector<CallCatch> calls) override;
  void catch_moments(std::vector<MomentCatch> moments) override;
  void catch_exceptions(bool on) override { catch_exceptions_ = on; }
  void changed() override;
  void detach() override;

  /// Whether the machine is where it has been before: what it prints was printed then. For whoever shows output, while
  /// the machine runs.
  bool was_here() { return history_.here() < furthest_; }
  /// Since when the machine has not just gone forward, as without a debugger: it went back then, or was changed.
  std::optional<Time> parted() const { return parted_; }

 private:
  /// What would have held the machine, while it runs again for that.
  struct Found {
    Position position;
    DebugStop stop;
  };
  enum class Mode : uint8_t {
    kStop,    ///< Holds at what was asked for.
    kSearch,  ///< Notes the last of it.
    kPass,    ///< Nothing of it counts.
  };

  // Probe.
  bool traces(const ThreadContext& context) override;
  bool instruction(ThreadContext& context, GuestAddr pc) override;
  bool breakpoint(ThreadContext& context, GuestAddr pc) override;
  Watch accesses(ThreadContext& context, GuestAddr pc, std::span<const DataAccess> accesses) override;
  bool accessed(ThreadContext& context) override;
  bool entered() override;
  // KernelSink.
  void call_left(TaskId who, uint64_t number, int64_t result) override;
  bool wants(MomentKind kind) override;
  void moment(const Moment& moment) override;

  /// Something that somebody may want to stop at. Whether the machine stops.
  bool reached(const DebugStop& stop, const StopCondition* condition = nullptr);
  /// Between instructions, before one that has not run: what lies at the end of a search is no part of it.
  bool reached_before_instruction(const DebugStop& stop, const StopCondition* condition = nullptr);
  /// The machine stands where conditions can be asked for, and what comes of them is where it stands.
  void ask_conditions();
  void note_start();
  /// The thread stands where the machine was let go: what lies there was stopped at.
  bool at_start(TaskId who, GuestAddr pc);
  /// Hears of a change that the kernel made to something that is watched.
  void compare_watched();
  std::optional<uint64_t> watched_value(const StopPoint& point);
  void note_watched_values();

  DebugStop forwards(const Resume& resume);
  DebugStop backwards(const Resume& resume);
  DebugStop step_back(const Resume& resume);
  /// The last thing before `end` that is caught, between there and checkpoint `from`.
  std::optional<Found> search(size_t from, Position end);
  /// Goes on until the machine stands at `where`, or the run ends or is interrupted before.
  RunEnd run_to(Position where);
  /// One run() with checkpoints and breakpoints as they should be. kCodeLimit: a checkpoint was made, or `limits` came.
  RunEnd go(RunLimits limits);
  void rewind(size_t checkpoint);
  void travel(Position where);
  void keep_if_due();
  void arm();
  bool interrupted() const { return interrupt_ != nullptr && *interrupt_ != 0; }
  DebugStop stop_at_end(RunEnd end);
  DebugStop remember(DebugStop stop);
  TaskId current_task();

  Rewindable& run_;
  Machine& machine_;
  Target& target_;
  KernelSide& kernel_;
  TimeTravelOptions options_;
  History history_;
  Position furthest_;  // Where the run has ever been.
  std::optional<Time> parted_;

  std::map<uint32_t, StopPoint> points_;
  uint32_t last_point_ = 0;
  std::vector<CallCatch> calls_;
  std::vector<MomentCatch> moments_;
  bool catch_exceptions_ = false;
  bool armed_ = false;           // What the machine looks out for is what is asked for.
  std::vector<CallSite> sites_;  // Of calls_ that want to stop before.
  std::map<uint32_t, uint64_t> watched_values_;

  Mode mode_ = Mode::kPass;
  const volatile std::sig_atomic_t* interrupt_ = nullptr;
  uint64_t step_thread_ = 0;
  GuestAddr step_begin_, step_end_;
  bool step_begun_ = false;
  bool backwards_ = false;
  Position start_;  // Where the machine was let go, and who stood there.
  TaskId start_task_;
  GuestAddr start_pc_;
  Position origin_;  // Where it stood when it was to go back.
  Position end_;     // Of a search.
  std::optional<Found> found_;
  std::optional<DebugStop> stop_;
  struct Pending {
    DebugStop stop;
    const StopCondition* condition = nullptr;
  };
  std::vector<Pending> pending_;      // What the kernel told while it was entered.
  std::vector<Pending> candidates_;   // What stops the machine unless a condition says otherwise.
  std::optional<DebugStop> watched_;  // The access that the machine is about to make.
  DebugStop last_stop_;
  Position stopped_at_;
};

}  // namespace jacinth::emu
