#include "emu/cpu/code_coherence.h"

#include <algorithm>

#include "emu/cpu/cpu.h"

namespace jacinth::emu {

CodeCoherence::CodeCoherence(PhysicalMemory& memory) : memory_(memory) { memory_.set_code_watcher(this); }

CodeCoherence::~CodeCoherence() { memory_.set_code_watcher(nullptr); }

void CodeCoherence::remove(Cpu& cpu) { std::erase(cpus_, &cpu); }

void CodeCoherence::fetched(PhysAddr page) {
  if (is_code(page)) return;
  bool handed_out = (memory_.notes(page) & PhysicalMemory::kWritableInTlb) != 0;
  memory_.set_notes(page, PhysicalMemory::kCode);
  memory_.clear_notes(page, PhysicalMemory::kWritableInTlb);
  if (!handed_out) return;
  for (Cpu* cpu : cpus_) cpu->flush_tlb();
}

void CodeCoherence::written(PhysAddr page) {
  if (!is_code(page)) return;
  memory_.clear_notes(page, PhysicalMemory::kCode);
  for (Cpu* cpu : cpus_) cpu->forget_code(page);
}

}  // namespace jacinth::emu
