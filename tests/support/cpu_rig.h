// A core on a few pages of RAM, with real page tables and a client that writes down what it is told.
#pragma once

#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emu/base/check.h"
#include "emu/cpu/code_coherence.h"
#include "emu/cpu/cpu.h"
#include "emu/memory/bus.h"
#include "emu/memory/physical_memory.h"
#include "emu/mmu/page_table.h"

namespace jacinth::emu {

class CpuRig : public CpuClient, private FrameSource {
 public:
  static constexpr uint64_t kCode = 0x40'0000;
  static constexpr uint64_t kData = 0x80'0000;
  static constexpr uint64_t kStack = 0xc0'0000;
  static constexpr uint64_t kHole = 0x1000'0000;

  explicit CpuRig(Arch arch, bool stepping = false)
      : arch_(arch), memory_(PhysAddr(0x4000'0000), 4 << 20), coherence_(memory_) {
    tables_ = PageTable::create(arch, memory_, *this);
    code_frame = map(kCode, {.read = true, .execute = true});
    data_frame = map(kData, {.read = true, .write = true});
    map(kStack - kPageSize, {.read = true, .write = true});
    cpu_ = make_cpu({.arch = arch, .stepping = stepping}, memory_, bus_, *this, coherence_);
    cpu_->set_page_table(tables_->root());
    registers.pc = kCode;
    stack_pointer(arch, registers) = kStack;
    registers.flags = arch == Arch::kArm64 ? 0 : 0x202;
    if (arch == Arch::kX86_64) registers.fpcr = 0x1f80, registers.x87_control = 0x37f, registers.x87_tag = 0xffff;
  }

  Arch arch() const { return arch_; }
  Cpu& cpu() { return *cpu_; }
  PhysicalMemory& memory() { return memory_; }
  PageTable& tables() { return *tables_; }
  CodeCoherence& coherence() { return coherence_; }
  Bus& bus() { return bus_; }

  std::unique_ptr<Cpu> another_cpu(bool stepping = false) {
    auto cpu = make_cpu({.arch = arch_, .stepping = stepping}, memory_, bus_, *this, coherence_);
    cpu->set_page_table(tables_->root());
    return cpu;
  }

  PhysAddr map(uint64_t page, PagePermissions permissions, std::optional<PhysAddr> frame = {}) {
    PhysAddr chosen = frame ? *frame : *allocate_frame();
    CHECK(tables_->map(GuestAddr(page), chosen, permissions, MemoryType::kNormal));
    cpu_flush();
    return chosen;
  }

  /// Puts instructions at `at` (a mapped page), as words on arm64 and as bytes on x86-64.
  void code(std::initializer_list<uint32_t> arm64, std::initializer_list<uint8_t> x86, uint64_t at = kCode) {
    std::vector<uint8_t> bytes;
    if (arch_ == Arch::kArm64) {
      for (uint32_t word : arm64) {
        for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(word >> 8 * i));
      }
    } else {
      bytes.assign(x86);
    }
    write(at, bytes.data(), bytes.size());
  }

  void write(uint64_t at, const void* data, size_t size) {
    auto translation = probe(arch_, memory_, tables_->root(), GuestAddr(at));
    CHECK(translation.has_value());
    std::memcpy(memory_.writable(translation->address), data, size);
  }

  uint64_t read64(uint64_t at) {
    auto translation = probe(arch_, memory_, tables_->root(), GuestAddr(at));
    CHECK(translation.has_value());
    uint64_t value = 0;
    std::memcpy(&value, memory_.data(translation->address), 8);
    return value;
  }

  /// Runs from `registers`, which hold the result afterwards.
  Stop run(uint64_t budget = Cpu::kUnlimited, uint64_t limit = Cpu::kUnlimited) {
    cpu_->load(registers);
    return go_on(budget, limit);
  }
  Stop go_on(uint64_t budget = Cpu::kUnlimited, uint64_t limit = Cpu::kUnlimited) {
    Stop stop = cpu_->run(budget, limit);
    cpu_->save(registers);
    executed += cpu_->take_executed();
    return stop;
  }

  Registers registers;
  uint64_t executed = 0;
  PhysAddr code_frame;
  PhysAddr data_frame;

  // What the client saw, and does.
  struct SeenCall {
    uint64_t number = 0;
    uint64_t arguments[8] = {};
    uint64_t pc = 0;
    uint64_t executed = 0;
  };
  std::vector<SeenCall> calls;
  std::vector<std::pair<uint64_t, AccessKind>> faults;
  std::vector<uint64_t> counter_reads;
  /// Where, and how much had been executed.
  std::vector<std::pair<uint64_t, uint64_t>> breakpoints;
  std::function<bool(GuestAddr)> on_breakpoint = [](GuestAddr) { return true; };
  std::function<bool(Cpu&, const SeenCall&)> on_call = [](Cpu&, const SeenCall& call) { return call.number != 0; };
  std::function<bool(GuestAddr, AccessKind)> on_fault = [](GuestAddr, AccessKind) { return false; };

 private:
  bool system_call(Cpu& cpu) override {
    SeenCall call;
    call.number = cpu.trap_number();
    cpu.trap_arguments(call.arguments);
    call.pc = cpu.pc();
    call.executed = executed += cpu.take_executed();
    calls.push_back(call);
    return on_call(cpu, call);
  }
  bool page_fault(Cpu&, GuestAddr page, AccessKind access) override {
    faults.emplace_back(page.value, access);
    return on_fault(page, access);
  }
  bool breakpoint(Cpu& cpu, GuestAddr pc) override {
    breakpoints.emplace_back(pc.value, executed += cpu.take_executed());
    return on_breakpoint(pc);
  }
  uint64_t counter(Cpu& cpu) override {
    executed += cpu.take_executed();
    counter_reads.push_back(executed);
    return executed;
  }
  std::optional<PhysAddr> allocate_frame() override {
    if (next_frame_ == memory_.page_count()) return std::nullopt;
    return memory_.base() + kPageSize * next_frame_++;
  }
  void free_frame(PhysAddr) override {}
  void cpu_flush() {
    if (cpu_ != nullptr) cpu_->flush_tlb();
  }

  Arch arch_;
  PhysicalMemory memory_;
  Bus bus_;
  CodeCoherence coherence_;
  uint64_t next_frame_ = 0;
  std::unique_ptr<PageTable> tables_;
  std::unique_ptr<Cpu> cpu_;
};

inline const Arch kBothArchitectures[] = {Arch::kArm64, Arch::kX86_64};

}  // namespace jacinth::emu
