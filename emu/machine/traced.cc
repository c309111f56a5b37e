// Threads that somebody debugs, a guest through the kernel or a probe from outside: single steps, breakpoints and
// watchpoints, by looking at each instruction before it runs.
//
//   due step? -> breakpoint here? -> watchpoint in what it will touch? -> run it -> step over?
//
// Where the architectures differ (ARM DDI 0487, D2; Intel SDM vol. 3B, 17.2-3): an arm64 watchpoint stops before the
// access, one of x86-64 behind it; an x86-64 breakpoint that was reported does not stop the next try (RFLAGS.RF), one
// of arm64 does; an arm64 step that was reported is reported again until somebody steps anew (PSTATE.SS), while
// RFLAGS.TF steps on.
//
// Accesses are found by decoding (emu/cpu/data_access.h), not by hooks, which would slow every core down. The price,
// some microseconds per instruction, is paid by such a thread alone. Nothing of the run changes: time and budgets are
// those of the instructions.
//
// Left out: watchpoints on accesses of the kernel in the thread's name, I/O breakpoints.
#include <algorithm>
#include <cstring>

#include "emu/cpu/data_access.h"
#include "emu/machine/machine.h"
#include "emu/mmu/walk.h"

namespace jacinth::emu {
namespace {

constexpr uint64_t kResumeFlag = 1u << 16;  // RFLAGS.RF
constexpr uint32_t kDebugVector = 1;        // #DB

// ESR_EL1 of debug exceptions from EL0 (ARM DDI 0487, D13.2.37): class, IL, fault status "debug".
constexpr uint32_t kEcBreakpoint = 0x30, kEcStep = 0x32, kEcWatchpoint = 0x34;
constexpr uint32_t kDebugFault = 0x22, kIssWrite = 1u << 6, kIssStepValid = 1u << 24;
constexpr uint32_t syndrome(uint32_t ec, uint32_t iss) { return ec << 26 | 1u << 25 | iss | kDebugFault; }

Stop debug_stop(Arch arch, GuestAddr pc, uint32_t point, uint32_t esr, GuestAddr address = {}) {
  Stop stop{.reason = Stop::Reason::kException, .exception = {}};
  stop.exception = {.kind = ExceptionInfo::Kind::kHardwareBreakpoint, .pc = pc, .address = address, .point = point};
  if (arch == Arch::kArm64) {
    stop.exception.syndrome = esr;
  } else {
    stop.exception.address = {};
    stop.exception.vector = kDebugVector;
  }
  return stop;
}

struct Hit {
  const DebugControl::Point* point = nullptr;
  DataAccess access;
};

Hit watched(const DebugControl& debug, std::span<const DataAccess> accesses) {
  for (const DebugControl::Point& point : debug.points) {
    for (const DataAccess& access : accesses) {
      bool kind = (access.read && point.read) || (access.write && point.write);
      if (kind && access.touches(point.address.value, point.size)) return {&point, access};
    }
  }
  return {};
}

}  // namespace

Stop Machine::run_traced(ThreadContext& context) {
  pool_.fetch(context);
  Stop stop = run_traced_on(stepper_.core_for(context), context);
  // The next to run it may be a core that runs blocks. By now the thread may be no more; the pool knows.
  stepper_.fetch_all();
  return stop;
}

Stop Machine::run_traced_on(Cpu& core, ThreadContext& context) {
  Arch arch = options_.arch;
  bool arm64 = arch == Arch::kArm64;
  DebugControl& debug = context.debug;
  auto step_stop = [&] {
    debug.step_due = arm64;
    return debug_stop(arch, GuestAddr(core.pc()), ExceptionInfo::kStep, syndrome(kEcStep, kIssStepValid));
  };
  Stop last;
  bool data_points = std::ranges::any_of(debug.points, [](const auto& point) { return point.read || point.write; });

  while (true) {
    if (debug.step_due) return step_stop();
    GuestAddr pc(core.pc());
    Hit hit;
    if (!debug.points.empty()) {
      Registers registers;
      core.save(registers);
      bool resumes = !arm64 && (registers.flags & kResumeFlag) != 0;
      for (const DebugControl::Point& point : debug.points) {
        if (!point.execute || resumes || pc - point.address >= point.size) continue;
        stepper_.fetch(context);
        if (!arm64) context.registers.flags |= kResumeFlag;
        return debug_stop(arch, pc, point.number, syndrome(kEcBreakpoint, 0));
      }
      uint8_t code[16];
      if (data_points) {
        std::vector<DataAccess> accesses =
            data_accesses(arch, peek(arch, memory_, context.page_table, pc, code), registers);
        hit = watched(debug, accesses);
        if (hit.point != nullptr && arm64) {
          uint32_t esr = syndrome(kEcWatchpoint, hit.access.write ? kIssWrite : 0);
          return debug_stop(arch, pc, hit.point->number, esr, GuestAddr(hit.access.address));
        }
      }
    }

    Probe::Watch watched_here = Probe::Watch::kGoOn;
    if (probe_ != nullptr) {
      // Whether the turn goes on at all comes first: a stop here must not decide that.
      if (used_up(last)) return {.reason = Stop::Reason::kBudget, .exception = {}};
      hold_ |= probe_->traces(context) && probe_->instruction(context, pc);
      if (!hold_ && !watched_pages_.empty()) {
        Registers registers;
        core.save(registers);
        watched_here = watched_access(context, registers);
        hold_ |= watched_here == Probe::Watch::kStopBefore;
      }
      if (hold_) return {.reason = Stop::Reason::kHeld, .exception = {}};
    }

    // Whatever a system call makes of the thread, it ends the step. Afterwards the thread may be no more.
    debug.step_due = debug.step;
    Stop stop = step_on(core);
    if (stop.reason == Stop::Reason::kSystemCall) return stop;
    debug.step_due = false;
    bool trapped =
        stop.reason == Stop::Reason::kException && stop.exception.kind == ExceptionInfo::Kind::kHardwareBreakpoint;
    if (stop.reason != Stop::Reason::kStepped && !trapped) return stop;
    if (watched_here == Probe::Watch::kStopBehind) hold_ |= probe_->accessed(context);
    if (hit.point != nullptr) return debug_stop(arch, GuestAddr(core.pc()), hit.point->number, 0);
    if (trapped) return stop;
    if (debug.step) return step_stop();
    if (hold_) return {.reason = used_up(stop) ? Stop::Reason::kBudget : Stop::Reason::kHeld, .exception = {}};
    last = stop;
  }
}

}  // namespace jacinth::emu
