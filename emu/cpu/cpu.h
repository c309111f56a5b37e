// One emulated processor core that runs guest code at EL0 / CPL 3: the seam behind which an engine stands.
//
//   Machine --run(budget)--> Cpu --> guest code
//      ^                      |
//      '------ CpuClient <----'   traps, faults, counter reads, while the guest runs
//
// What a Cpu promises:
//  - Executed code is counted in bytes, exactly: whatever way the engine cuts its blocks, the count at a trap, a fault
//  or
//    a stop is the sum of the lengths of the instructions that completed (a repeated string instruction counts once per
//    iteration). Virtual time derives from it.
//  - A budget ends at the first *transfer point* at or past it: a place where control did not just fall through to the
//    next address (a taken branch, a trap). That is a property of the executed instructions alone, so that a run does
//    not notice block boundaries, caches, breakpoints or single-stepping; and it needs no exact stop inside a block,
//    which would cost a retranslation (measured in docs/design).
//  - A hard limit is never passed, for debuggers and snapshots. It may come anywhere and is not an event of the run:
//  going
//    on afterwards gives what would have been. A core that runs blocks stops at the last block boundary before it; a
//    stepping core, to which the machine hands the rest, at the exact instruction.
//  - Registers are exact whenever run() has returned and inside every CpuClient call but page_fault() and
//    counter(), where only the PC is.
//
// A Cpu is a cache: it holds nothing that cannot be rebuilt from a thread's Registers and the page tables.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "emu/base/access.h"
#include "emu/base/address.h"
#include "emu/memory/physical_memory.h"
#include "emu/state/exception_info.h"
#include "emu/state/registers.h"

namespace jacinth::emu {

class Bus;
class Cpu;

/// Who is told while guest code runs. None of these may call run().
class CpuClient {
 public:
  virtual ~CpuClient() = default;

  /// SVC #0 or SYSCALL. The PC is behind the instruction. False: leave run() (with Stop::kSystemCall).
  virtual bool system_call(Cpu& cpu) = 0;
  /// The page tables do not allow `access` to the page at `page`. True: they do now.
  virtual bool page_fault(Cpu& cpu, GuestAddr page, AccessKind access) = 0;
  /// What a read of the cycle counter (RDTSC, CNTVCT_EL0) gives now.
  virtual uint64_t counter(Cpu& cpu) = 0;
  /// The instruction at `pc`, one of those of set_breakpoints(), is about to run. True: run() ends before it.
  virtual bool breakpoint(Cpu& /*cpu*/, GuestAddr /*pc*/) { return false; }
};

/// A page whose accesses somebody wants to see one by one.
struct WatchedPage {
  GuestAddr page;
  bool read = false;
  bool write = false;
};

/// Why run() returned.
struct Stop {
  enum class Reason : uint8_t {
    kBudget,      ///< The budget is used up, at a transfer point.
    kLimit,       ///< The next block (stepping: instruction) would pass the hard limit.
    kSystemCall,  ///< CpuClient::system_call() said so; the PC is behind the trap instruction.
    kException,   ///< `exception` says what; the PC is exact.
    kRequested,   ///< request_stop().
    kStepped,     ///< step() has run its instruction.
    kHeld,        ///< A client asked to stop here: nothing of the instruction at the PC has happened.
    kWatched,     ///< The instruction at the PC is about to access a watched page: the same.
  };
  Reason reason = Reason::kRequested;
  /// kStepped: the step did not just fall through to the next instruction. It was a transfer point, which the budget
  /// ends at.
  bool transfer = false;
  ExceptionInfo exception;
};

class Cpu {
 public:
  static constexpr uint64_t kUnlimited = std::numeric_limits<int64_t>::max();

  virtual ~Cpu() = default;

  virtual Arch arch() const = 0;

  /// Runs from the current registers until `budget` code bytes are used up (see above), the hard limit is reached, or
  /// something else ends it. `limit` counts bytes from here too.
  virtual Stop run(uint64_t budget, uint64_t limit = kUnlimited) = 0;
  /// The same for one instruction (one iteration of a repeated one): ends with kStepped unless something else ends it.
  /// A system call that goes on at once is one instruction like any other. Only for cores that step.
  virtual Stop step(uint64_t budget, uint64_t limit = kUnlimited) = 0;
  /// Gives a run() that is under way another budget, counted from now; for CpuClient calls, when they took time or set
  /// an alarm.
  virtual void set_budget(uint64_t budget) = 0;
  /// Makes a run() that is under way return soon, at a block boundary; for CpuClient calls.
  virtual void request_stop() = 0;

  /// For CpuClient::page_fault(), when it resolved the fault: run() ends with kHeld before the instruction, which will
  /// run anew.
  virtual void hold() = 0;

  // For debuggers. None of it changes what the guest sees, and instructions elsewhere run as fast as ever.
  /// In place of those before. In every address space that this core runs: the client tells them apart.
  virtual void set_breakpoints(std::span<const GuestAddr> addresses) = 0;
  /// The same for pages, which need their accesses looked at one by one (kWatched): the next to run the instruction is
  /// a core without watched pages.
  virtual void set_watched_pages(std::span<const WatchedPage> pages) = 0;

  /// Code bytes executed since the last call of this function, exact inside CpuClient calls too.
  virtual uint64_t take_executed() = 0;

  virtual void save(Registers& registers) = 0;
  virtual void load(const Registers& registers) = 0;
  /// Single values, cheap, for traps.
  virtual uint64_t pc() = 0;
  virtual uint64_t trap_number() = 0;
  /// The first arguments of a trap, eight at most. Each costs: ask for those that the call has.
  virtual void trap_arguments(std::span<uint64_t> arguments) = 0;
  virtual void set_result(int64_t result) = 0;

  /// Uses the tables at `root` from now on and forgets all translations of addresses.
  virtual void set_page_table(PhysAddr root) = 0;
  virtual PhysAddr page_table() const = 0;
  /// The tables changed: forget translations of addresses. Safe inside CpuClient calls.
  virtual void flush_tlb() = 0;
  /// Forgets that this core translated instructions from `page`, whose contents are about to change. Takes effect
  /// before the next instruction of this core that could notice.
  virtual void forget_code(PhysAddr page) = 0;
};

/// Told when a core must be the only one that may execute, or write, a page (see emu/cpu/code_coherence.h).
class CodeCoherence;

/// Told of code as it runs.
class BlockListener {
 public:
  virtual ~BlockListener() = default;
  /// `size` bytes at `address` are about to be executed, by the tables at `page_table`. Should the code trap or fault,
  /// some of them are not. How code is parted into blocks is the engine's affair.
  virtual void block(PhysAddr page_table, GuestAddr address, uint32_t size) = 0;
};

struct CpuOptions {
  Arch arch = Arch::kArm64;
  /// Runs one instruction at a time, always. Slow; the meaning of a run is the same.
  bool stepping = false;
  /// Null: nobody listens, which costs nothing.
  BlockListener* blocks = nullptr;
};

/// A core on the one engine that there is (Unicorn). `memory`, `bus`, `client` and `coherence` outlive it.
std::unique_ptr<Cpu> make_cpu(const CpuOptions& options, PhysicalMemory& memory, Bus& bus, CpuClient& client,
                              CodeCoherence& coherence);

}  // namespace jacinth::emu
