// The machine: RAM, devices, N emulated CPUs, one clock, and the loop that runs them.
//
// One machine runs on one host thread. Its CPUs take turns: while more than one has work, each runs for a turn of
// virtual time, then the next. All share one clock that only moves forward as code executes, so that what one thread
// did before another is before it on every clock that a guest can read (as QEMU's -icount has it; on real hardware two
// busy CPUs get more done per second, which is the price). A CPU without work takes no turn, and when none has any,
// time jumps to the alarm.
//
// Turns, slices and the alarm end at the first transfer point at or after their time (emu/cpu/cpu.h). Nothing about a
// run depends on where run() was interrupted in between.
//
// Left out: --realtime pacing, CPU hot-plug, inter-processor interrupts (the supervisor asks by work_waiting()).
#pragma once

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <vector>

#include "emu/cpu/code_coherence.h"
#include "emu/cpu/cpu.h"
#include "emu/machine/core_pool.h"
#include "emu/machine/probe.h"
#include "emu/machine/supervisor.h"
#include "emu/memory/bus.h"
#include "emu/memory/physical_memory.h"
#include "emu/time/virtual_clock.h"

namespace jacinth::emu {

struct MachineOptions {
  Arch arch = Arch::kArm64;
  unsigned cpus = 2;
  PhysAddr ram_base;
  uint64_t ram_size = 0;
  /// Cores kept at most; see CorePool.
  size_t core_limit = 16;
  /// Every instruction by itself: slow, and the same run.
  bool stepping = false;
  /// Told of all code that runs; null: nobody. Outlives the machine.
  BlockListener* blocks = nullptr;
};

/// What time costs beyond executed code, and how CPUs take turns. Part of what a recording depends on.
inline constexpr Duration kTrapCost{100};
inline constexpr Duration kPageFaultCost{500};
inline constexpr Duration kTurn{50'000};

/// When run() comes back.
struct RunLimits {
  Time time = Time::never();
  /// Executed code bytes since the machine was made; an exact stop between two instructions.
  uint64_t code_bytes = Cpu::kUnlimited;
  /// Entries into the supervisor since the machine was made (Machine::entries()): stops behind the one that makes it so
  /// many.
  uint64_t entries = ~uint64_t{0};
  /// The host wants the loop back when this is not zero (a signal handler sets it); at no particular point of the run.
  const volatile std::sig_atomic_t* interrupt = nullptr;
};

enum class RunEnd : uint8_t {
  kStopped,  ///< stop() was called.
  kBlocked,  ///< No thread can run and no alarm is set: nothing will ever happen again.
  kTimeLimit,
  kCodeLimit,
  kEntryLimit,   ///< RunLimits::entries.
  kHeld,         ///< The probe said so.
  kInterrupted,  ///< The host wants the loop back (RunLimits::interrupt).
};

class Machine final : private CpuClient {
 public:
  explicit Machine(const MachineOptions& options);
  ~Machine() override;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  Arch arch() const { return options_.arch; }
  unsigned cpu_count() const { return options_.cpus; }
  PhysicalMemory& memory() { return memory_; }
  /// Regions must be added before the first run().
  Bus& bus() { return bus_; }
  /// Must be set before run(); not owned.
  void set_supervisor(Supervisor& supervisor) { supervisor_ = &supervisor; }
  /// Null: nobody debugs. Not owned.
  void set_probe(Probe* probe) { probe_ = probe; }
  /// Where the probe wants to be asked, in place of what was before.
  void set_breakpoints(std::vector<GuestAddr> addresses);
  void set_watched_pages(std::vector<WatchedPage> pages);

  RunEnd run(const RunLimits& limits = {});
  /// From a supervisor call: run() returns once the CPU has left the guest.
  void stop() { stop_requested_ = true; }
  /// Virtual time, exact in supervisor calls too.
  Time now() {
    if (running_ != nullptr) clock_.advance_bytes(running_->take_executed());
    return clock_.now();
  }
  /// The same without asking the core that runs: exact where the supervisor is called.
  const VirtualClock& clock() const { return clock_; }
  void set_alarm(Time when);
  /// Code bytes executed so far.
  uint64_t executed_bytes();
  /// Executed instructions: exact on arm64, bytes / 4 on x86-64.
  uint64_t executed_instructions() { return executed_bytes() / 4; }

  void fetch_registers(ThreadContext& context) { pool_.fetch(context); }
  void forget(ThreadContext& context) { pool_.forget(context); }
  void invalidate(PhysAddr root) {
    pool_.invalidate(root);
    stepper_.invalidate(root);
  }
  void release(PhysAddr root) {
    pool_.release(root);
    stepper_.release(root);
  }
  /// How often the supervisor was entered: together with executed_bytes() it says where in the run the machine is.
  uint64_t entries() const { return entries_; }
  /// Somebody keeps what memory was from here on: what allows writes without asking is gone.
  void flush_tlbs() {
    pool_.flush_all();
    stepper_.flush_all();
  }
  /// The thread whose turn it is, or was last; null when that one does not run any more.
  ThreadContext* turn() { return supervisor_->current(turn_); }
  /// Brings every thread's registers home.
  void fetch_all_registers() {
    pool_.fetch_all();
    stepper_.fetch_all();
  }

  /// Clock, turns, RAM, bus. Registers belong to the threads, devices to the board. Cores stay, and know nothing of
  /// what was before.
  void state(Archive& ar);
  /// The same without RAM: for digests that are taken often.
  void state_without_memory(Archive& ar);

 private:
  bool system_call(Cpu& core) override;
  bool page_fault(Cpu& core, GuestAddr page, AccessKind access) override;
  uint64_t counter(Cpu& core) override;
  bool breakpoint(Cpu& core, GuestAddr pc) override;

  std::unique_ptr<Cpu> make_core(bool stepping);
  /// The next CPU with work, its thread chosen; false when there is none.
  bool take_turn();
  /// Runs the thread whose turn it is until something ends the turn or a limit comes.
  Stop run_thread(ThreadContext& context);
  /// Whatever `go` does with the core: cpu.run() or cpu.step().
  template <class Go>
  Stop run_on(CorePool& pool, Cpu& core, Go go);
  Stop run_on(CorePool& pool, Cpu& core);
  /// The same for a thread that somebody debugs: looks at each instruction (traced.cc).
  Stop run_traced(ThreadContext& context);
  Stop run_traced_on(Cpu& core, ThreadContext& context);
  Stop step_on(Cpu& core);
  /// The thread stands before an access to a watched page: runs that instruction by itself (watched.cc).
  Stop run_watched(ThreadContext& context);
  /// What the probe says to the instruction that the thread stands before, when it touches a watched page.
  Probe::Watch watched_access(ThreadContext& context, const Registers& registers);
  /// The supervisor was entered.
  void entered();
  /// The budget is used up, and the last step came to a transfer point: the turn ends before the next instruction.
  bool used_up(const Stop& last) const { return last.transfer && clock_.now() >= std::min(preempt_at_, limits_.time); }
  /// Code bytes until the next reason to look up.
  uint64_t budget() const;
  void spend(Duration cost) { clock_.add(cost); }
  void update_preemption();

  MachineOptions options_;
  PhysicalMemory memory_;
  Bus bus_;
  CodeCoherence coherence_;
  VirtualClock clock_;
  Supervisor* supervisor_ = nullptr;
  CorePool pool_;
  CorePool stepper_;                  // For the way to a limit inside a block, and for threads that somebody debugs.
  Cpu* running_ = nullptr;            // Null while it calls the kernel: nothing is added to the time.
  ThreadContext* context_ = nullptr;  // Of whom it runs.
  CorePool* running_pool_ = nullptr;
  RunLimits limits_;
  bool stop_requested_ = false;
  Probe* probe_ = nullptr;
  std::vector<GuestAddr> breakpoints_;
  std::vector<WatchedPage> watched_pages_;
  bool hold_ = false;         // The probe wants it.
  bool entry_limit_ = false;  // RunLimits::entries has come.
  bool reload_ = false;       // A call went on, but the core must take up the registers anew.

  // What a run depends on.
  Time alarm_ = Time::never();
  struct CpuState {
    Time slice_end{};
    uint8_t must_schedule = 1;
    uint8_t has_thread = 0;
    std::array<uint8_t, 6> reserved = {};  // No padding: the state is hashed as it lies.
  };
  std::vector<CpuState> cpus_;
  uint32_t turn_ = 0;  // Whose turn it is.
  Time turn_end_ = Time::never();
  bool in_turn_ = false;             // run() came back in the middle of it.
  Time preempt_at_ = Time::never();  // Derived: the earliest of alarm, slice and turn.
  unsigned busy_ = 0;                // Derived: CPUs with a thread.
  uint64_t entries_ = 0;
};

}  // namespace jacinth::emu
