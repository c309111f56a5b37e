// A Cpu on Unicorn 2.1.4 with its virtual TLB.
//
// How the engine is used, and why, is told in docs/design/engine.md; in short: TLB misses call our walker over the real
// page tables (UC_HOOK_TLB_FILL), traps and exceptions arrive in hooks, a block hook counts executed bytes, and no
// UC_HOOK_MEM_* is ever set, since one of them slows every access.
//
// Not modelled: debug registers (emu/machine looks at each instruction of a thread that has any), AVX, SVE, and
// anything above EL0 / CPL 3. Where the engine is not the processor: VEX-encoded instructions run as their SSE forms
// instead of raising #UD, and IN and OUT read zero and write nothing instead of raising #GP.
#pragma once

#include <unicorn/unicorn.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "emu/cpu/code_coherence.h"
#include "emu/cpu/cpu.h"
#include "emu/memory/bus.h"
#include "emu/mmu/page_table.h"

namespace jacinth::emu {

class UnicornCpu;

/// What a system call is read from, by the engine's names.
struct TrapRegisters {
  int pc;
  int result;
  std::array<int, 9> number_and_arguments;
};

/// What differs between the architectures.
class UnicornArch {
 public:
  virtual ~UnicornArch() = default;
  virtual Arch arch() const = 0;
  virtual uc_engine* open() const = 0;
  /// Brings the fresh engine to EL0 / CPL 3 by running a few instructions from `boot_page`, a page that is mapped at
  /// its own address for the time being.
  virtual void boot(UnicornCpu& cpu, uint64_t boot_address, std::byte* boot_page) const = 0;
  /// UC_HOOK_INTR, which system calls may come through, and what else the architecture traps with.
  virtual void add_hooks(UnicornCpu& cpu) const = 0;
  virtual void save(uc_engine* uc, Registers& registers) const = 0;
  virtual void load(uc_engine* uc, const Registers& registers) const = 0;
  virtual const TrapRegisters& trap_registers() const = 0;
  /// What else belongs to a thread that was stopped in the middle of its run.
  virtual void save_stopped(const UnicornCpu& /*cpu*/, Registers& /*registers*/) const {}
  virtual void load_stopped(const UnicornCpu& /*cpu*/, const Registers& /*registers*/) const {}
  /// Whether an instruction can lie at `pc`; what to raise when not.
  virtual bool aligned(uint64_t /*pc*/) const { return true; }
  virtual void raise_misaligned(UnicornCpu& /*cpu*/, uint64_t /*pc*/) const {}
  /// An exception that the engine raised, or an invalid instruction (`number` is kInvalidInstruction).
  static constexpr uint32_t kInvalidInstruction = 0xffffffff;
  virtual void exception(UnicornCpu& cpu, uint32_t number) const = 0;
  /// Completes a page fault report: exact address, syndrome or error code.
  virtual void describe_page_fault(UnicornCpu& cpu, WalkFault fault, ExceptionInfo& info) const = 0;
};

const UnicornArch& unicorn_arm64();
const UnicornArch& unicorn_x86_64();

class UnicornCpu final : public Cpu {
 public:
  UnicornCpu(const CpuOptions& options, PhysicalMemory& memory, Bus& bus, CpuClient& client, CodeCoherence& coherence);
  ~UnicornCpu() override;

  Arch arch() const override { return arch_.arch(); }
  Stop run(uint64_t budget, uint64_t limit) override;
  Stop step(uint64_t budget, uint64_t limit) override;
  void set_budget(uint64_t budget) override;
  void request_stop() override;
  uint64_t take_executed() override;
  void save(Registers& registers) override;
  void load(const Registers& registers) override;
  uint64_t pc() override { return trap_end_ ? *trap_end_ : read(trap_.pc); }
  uint64_t trap_number() override { return trap_values_[0]; }
  void trap_arguments(std::span<uint64_t> arguments) override;
  void set_result(int64_t result) override;
  void set_page_table(PhysAddr root) override;
  PhysAddr page_table() const override { return root_; }
  void flush_tlb() override;
  void forget_code(PhysAddr page) override;
  void hold() override { hold_ = true; }
  void set_breakpoints(std::span<const GuestAddr> addresses) override;
  void set_watched_pages(std::span<const WatchedPage> pages) override;

  // For the architecture's half.
  /// Runs the engine from an address; with `exit`, until that address is reached.
  uc_err emulate(uint64_t from, std::optional<uint64_t> exit = {});
  uc_engine* engine() const { return uc_; }
  uint64_t read(int reg) const {
    uint64_t value = 0;
    uc_reg_read(uc_, reg, &value);
    return value;
  }
  void write(int reg, uint64_t value) { uc_reg_write(uc_, reg, &value); }
  void spare_sweeps();
  void add_hook(int type, void* callback, int instruction = 0);
  /// Where the block that runs ends: behind an instruction that always ends one, such as a trap's.
  uint64_t block_end() const { return block_ + block_size_; }
  /// The guest's trap, from the architecture's hook. `end` is the address behind the trap instruction.
  void on_system_call(uint64_t end);
  /// Whether the instruction before `end` was seen to be a system call since anything last changed what lies there. The
  /// engine says that an SVC trapped, not with which number: finding that out is a walk of the tables.
  bool known_trap(uint64_t end) const { return trap_sites_[slot_of(end)].end == end; }
  /// What a counter read that ends at `end` sees.
  uint64_t on_counter(uint64_t end);
  /// The engine is ours for a moment, to bring it to user mode: what it raises is no guest's.
  bool booting() const { return booting_; }
  /// The run is over already, whatever comes behind.
  bool stopping() const { return stopping_; }
  /// Ends the run with an exception. What the block counted behind it is the caller's to take back.
  void raise(const ExceptionInfo& info);
  /// Up to `size` bytes of code at `pc`, as far as it is mapped.
  size_t read_code(uint64_t pc, uint8_t* bytes, size_t size) const;
  /// The rest of the current block behind `end` was counted but has not been executed.
  void uncount_from(uint64_t end);

  static UnicornCpu& of(void* user_data) { return *static_cast<UnicornCpu*>(user_data); }

 private:
  static void on_block(uc_engine* uc, uint64_t address, uint32_t size, void* user_data);
  /// The same, and tells the listener of blocks that run.
  static void on_block_listened(uc_engine* uc, uint64_t address, uint32_t size, void* user_data);
  static bool on_tlb_fill(uc_engine* uc, uint64_t address, uc_mem_type type, uc_tlb_entry* entry, void* user_data);
  static void on_edge(uc_engine* uc, uc_tb* block, uc_tb* previous, void* user_data);
  static void on_breakpoint(uc_engine* uc, uint64_t address, uint32_t size, void* user_data);
  static bool on_invalid_instruction(uc_engine* uc, void* user_data);
  static uint64_t on_mmio_read(uc_engine* uc, uint64_t offset, unsigned size, void* user_data);
  static void on_mmio_write(uc_engine* uc, uint64_t offset, unsigned size, uint64_t value, void* user_data);

  void on_block_near_limit(uint64_t address, uint32_t size);
  /// What on_block() has to know of all limits.
  void update_threshold() { threshold_ = stepping_over_ || step_from_ || misaligned_ ? 0 : std::min(soft_, hard_); }
  bool fill(GuestAddr page, AccessKind access, uc_tlb_entry& entry);
  /// The instruction at the PC stores into the page that it lies in: runs it alone, so that nothing stale runs behind
  /// it.
  void step_over_own_store();
  bool translate(GuestAddr page, AccessKind access, uc_tlb_entry& entry, WalkFault& fault);
  /// Ends the run before the access that this fill is for.
  bool refuse(AccessKind access, Stop::Reason reason);
  const WatchedPage* watched(GuestAddr page) const;
  void clean_up();
  /// Reads into trap_values_.
  void read_trap(size_t first, size_t count);
  /// The page of RAM behind a guest address, as the tables have it.
  std::optional<PhysAddr> frame_of(uint64_t address) const;
  void stop_with(Stop::Reason reason);
  /// Counted bytes that lie behind `pc` in the current block.
  uint64_t ahead_of(uint64_t pc) const;

  const UnicornArch& arch_;
  const TrapRegisters& trap_;
  bool stepping_;
  BlockListener* blocks_;
  PhysicalMemory& memory_;
  Bus& bus_;
  CpuClient& client_;
  CodeCoherence& coherence_;
  uc_engine* uc_ = nullptr;
  PhysAddr root_;
  bool booting_ = true;
  bool engine_running_ = false;
  std::byte* boot_page_ = nullptr;
  uc_context* pristine_ = nullptr;

  /// A trap or exception ended the block: the next one begins at a transfer point.
  void end_block() {
    block_ = kNoBlock;
    block_size_ = 0;
  }

  static constexpr uint64_t kNoBlock = ~uint64_t{0};

  /// A trap instruction that was run, and what its call reads.
  struct TrapSite {
    uint64_t end = 0;        // The address behind it; zero: none.
    uint32_t arguments = 0;  // How many were asked for the last time: the next time they come with the number.
  };
  TrapSite& site_of(uint64_t end);

  static size_t slot_of(uint64_t end) { return end / 4 % std::tuple_size_v<decltype(trap_sites_)>; }

  // Counting. A block is counted when it begins; what it does not execute is taken back. The first four are all that
  // on_block() touches.
  alignas(64) uint64_t counted_ = 0;
  uint64_t threshold_ = kUnlimited;
  uint64_t block_ = kNoBlock;  // The block that was counted last; its end tells a fall-through from a transfer.
  uint32_t block_size_ = 0;
  uint64_t soft_ = kUnlimited;
  uint64_t hard_ = kUnlimited;
  uint64_t taken_ = 0;
  uint64_t overshoot_ = 0;  // While a callback looks at time in the middle of a block.

  std::optional<uint64_t> trap_end_;  // In a system call: where the guest goes on.
  // Of that call: its number, then as many arguments as were read with it.
  std::array<uint64_t, 9> trap_values_ = {};
  uint32_t trap_arguments_ = 0;
  // A vDSO has a few dozen that a program uses.
  std::array<TrapSite, 64> trap_sites_ = {};
  Stop stop_;
  bool stopping_ = false;   // uc_emu_stop was called; `stop_` says why.
  bool retry_ = false;      // Stopped for ourselves: clean up and go on.
  bool own_store_ = false;  // ... because code stores into its own page.
  bool stepping_over_ = false;
  bool misaligned_ = false;  // The engine made a block where no instruction can lie: the next one must not run.
  std::optional<uint64_t> step_from_;  // In step(): the count before the instruction.
  bool running_ = false;
  bool midway_ = false;                  // The last stop was none of the run: nothing of what it began is over.
  bool hold_ = false;                    // Wanted during a page fault.
  std::optional<Stop::Reason> refused_;  // An access that the run ends before.
  std::vector<uc_hook> breakpoints_;
  std::vector<WatchedPage> watched_pages_;
  bool fault_pending_ = false;
  WalkFault fault_;
  GuestAddr fault_page_;
  AccessKind fault_access_ = AccessKind::kRead;

  bool tlb_stale_ = false;
  bool code_stale_ = false;
  std::set<uint64_t> code_pages_;  // Pages this engine may have translated from since the last flush.
  struct MmioWindow {
    UnicornCpu* cpu = nullptr;
    PhysAddr base;
  };
  std::vector<std::unique_ptr<MmioWindow>> windows_;
};

/// Stops the process when an engine call fails that cannot.
void uc_check(uc_err error, const char* what);

}  // namespace jacinth::emu
