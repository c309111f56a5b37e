// Accesses to watched pages, one by one.
//
// A core that runs blocks stops before an instruction that would touch such a page (Stop::kWatched). The instruction is
// decoded, the probe asked, and then run alone by the core that steps, which knows no watched pages. So only what comes
// near pays: some microseconds for each access to the page.
//
// Left out: accesses of the kernel in a thread's name, which go past every TLB: whoever watches compares what is there
// when the kernel was entered (Probe::entered).
#include "emu/machine/machine.h"
#include "emu/mmu/walk.h"

namespace jacinth::emu {

Probe::Watch Machine::watched_access(ThreadContext& context, const Registers& registers) {
  uint8_t code[16];
  GuestAddr pc(registers.pc);
  std::vector<DataAccess> accesses =
      data_accesses(options_.arch, peek(options_.arch, memory_, context.page_table, pc, code), registers);
  for (const DataAccess& access : accesses) {
    for (const WatchedPage& watched : watched_pages_) {
      bool kind = (access.read && watched.read) || (access.write && watched.write);
      if (kind && access.touches(watched.page.value, kPageSize)) return probe_->accesses(context, pc, accesses);
    }
  }
  return Probe::Watch::kGoOn;
}

Stop Machine::run_watched(ThreadContext& context) {
  pool_.fetch(context);
  Probe::Watch answer = probe_ == nullptr ? Probe::Watch::kGoOn : watched_access(context, context.registers);
  if (answer == Probe::Watch::kStopBefore) {
    hold_ = true;
    return {.reason = Stop::Reason::kHeld, .exception = {}};
  }
  Stop stop = step_on(stepper_.core_for(context));
  // By now the thread may be no more; the pool knows.
  stepper_.fetch_all();
  if (stop.reason != Stop::Reason::kStepped) return stop;
  if (answer == Probe::Watch::kStopBehind) hold_ |= probe_->accessed(context);
  if (used_up(stop)) stop.reason = Stop::Reason::kBudget;
  return stop;
}

}  // namespace jacinth::emu
