// Accesses to watched pages, one by one.
//
// A core that runs blocks stops before an instruction that would touch such a page (Stop::kWatched). The instruction is
// decoded, the probe asked, and then run alone by the core that steps, which knows no watched pages. So only what comes
// near pays: some microseconds for each access to the page.
//
// Left out: accesses of the kernel in a thread's name, which go past every TLB: whoever watches compares what is there
// when the kernel was entered (Probe::entered).
#include <algorithm>
#include <cstring>

#include "emu/machine/machine.h"
#include "emu/mmu/walk.h"

namespace jacinth::emu {

std::span<const uint8_t> Machine::read_code(PhysAddr root, GuestAddr pc, std::span<uint8_t> bytes) const {
  size_t done = 0;
  while (done < bytes.size()) {
    GuestAddr at = pc + done;
    auto translation = emu::probe(options_.arch, memory_, root, at);
    if (!translation || !memory_.contains(translation->address)) break;
    size_t chunk = std::min<size_t>(bytes.size() - done, kPageSize - at.page_offset());
    std::memcpy(bytes.data() + done, memory_.data(translation->address), chunk);
    done += chunk;
  }
  return bytes.first(done);
}

Probe::Watch Machine::watched_access(ThreadContext& context, const Registers& registers) {
  uint8_t code[16];
  GuestAddr pc(registers.pc);
  std::vector<DataAccess> accesses = data_accesses(options_.arch, read_code(context.page_table, pc, code), registers);
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
