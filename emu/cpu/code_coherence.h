// Code written through one core and executed on another.
//
//   fetch from a page --> the page is code:  no TLB of any core may hold it writable
//   write to a page   --> the page is data:  no core may hold instructions translated from it, nor a TLB entry to fetch
//
// A physical page is one or the other at a time, across all cores. Flips are found by TLB misses (a page is never
// handed out writable and executable) and by PhysicalMemory for writes by the kernel. Only one core runs at a time, so
// the others need not be interrupted: they clean up before they run again.
//
// What it costs: a page that is written and executed in turns flips each time. Programs that generate code pay once per
// batch of code, as on a machine that makes them synchronise caches.
#pragma once

#include <vector>

#include "emu/base/address.h"
#include "emu/memory/physical_memory.h"

namespace jacinth::emu {

class Cpu;

class CodeCoherence final : public CodeWatcher {
 public:
  explicit CodeCoherence(PhysicalMemory& memory);
  ~CodeCoherence() override;
  CodeCoherence(const CodeCoherence&) = delete;
  CodeCoherence& operator=(const CodeCoherence&) = delete;

  void add(Cpu& cpu) { cpus_.push_back(&cpu); }
  void remove(Cpu& cpu);

  /// `page` is about to be fetched from: it becomes code.
  void fetched(PhysAddr page);
  /// `page` is about to be handed out writable to a core: it becomes data.
  void written(PhysAddr page);
  void code_page_written(PhysAddr page) override { written(page); }

  bool is_code(PhysAddr page) const { return (memory_.notes(page) & PhysicalMemory::kCode) != 0; }

 private:
  PhysicalMemory& memory_;
  std::vector<Cpu*> cpus_;
};

}  // namespace jacinth::emu
