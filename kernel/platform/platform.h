// The seam between the kernel and the machine below it, written as a contract.
//
// The kernel never sees an engine, a TLB or a device: it edits page tables, reads and writes page frames, asks for one
// alarm, and is told of traps, faults and the alarm. Real machines implement this in kernel/platform/on_machine.cc;
// unit tests use tests/support/fake_platform.h, which has RAM and page tables but runs no instruction.
//
// Everything happens on one host thread. Calls into the kernel never nest, but for page_fault(), which may come while
// guest code runs but never while the kernel does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "emu/base/access.h"
#include "emu/base/address.h"
#include "emu/state/archive.h"
#include "emu/state/exception_info.h"
#include "emu/state/registers.h"
#include "emu/state/thread_context.h"
#include "emu/time/virtual_clock.h"

namespace jacinth::kernel {

/// One address space's page tables.
class PageTables {
 public:
  struct Entry {
    PhysAddr frame;
    PagePermissions permissions;
    bool accessed = false;
    bool dirty = false;
  };

  virtual ~PageTables() = default;
  /// The root: what names the address space to the machine.
  virtual PhysAddr root() const = 0;
  /// Table pages in use.
  virtual uint64_t table_pages() const = 0;

  /// Maps one page, replacing what was there. False when no frame is left for a table page; nothing changed then.
  virtual bool map(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType type) = 0;
  /// Removes and changes include the invalidation: when they return, no CPU uses what was there before.
  virtual void unmap(GuestAddr page, uint64_t count) = 0;
  virtual void protect(GuestAddr page, uint64_t count, PagePermissions permissions) = 0;
  virtual std::optional<Entry> query(GuestAddr page) const = 0;
  virtual bool test_and_clear_accessed(GuestAddr page) = 0;
};

/// A range of RAM, in whole pages.
struct Arena {
  PhysAddr base;
  uint64_t size = 0;
};

/// What the kernel asks of the machine.
class Platform {
 public:
  /// `clock` is the machine's, up to date whenever it calls the kernel; outlives this.
  explicit Platform(const emu::VirtualClock& clock) : clock_(clock) {}
  virtual ~Platform() = default;
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  virtual Arch arch() const = 0;
  virtual unsigned cpu_count() const = 0;
  /// Asked for in each call, so no virtual function: behind code of the guest it would be mispredicted.
  Time now() const { return clock_.now(); }
  /// Arms the one-shot timer; KernelEntry::alarm() follows at the first preemption point at or after `when`.
  virtual void set_alarm(Time when) = 0;
  /// The run's seed: all the chance there is.
  virtual uint64_t seed() const = 0;

  virtual PhysAddr ram_base() const = 0;
  virtual uint64_t ram_size() const = 0;
  /// The ranges of RAM, ascending and apart from each other; all of it is one where nothing else is said.
  virtual std::vector<Arena> arenas() const { return {{ram_base(), ram_size()}}; }
  /// The bytes from `address` to the end of its page, to read; and to write now (do not keep the pointer).
  virtual const std::byte* data(PhysAddr address) const = 0;
  virtual std::byte* writable(PhysAddr address) = 0;
  /// Zeroes a page and gives its host memory back.
  virtual void discard(PhysAddr page) = 0;

  /// Null when no frame is left for the root.
  virtual std::unique_ptr<PageTables> create_page_tables(FrameSource& frames) = 0;
  /// Page tables whose root stands in RAM already, after loading a snapshot.
  virtual std::unique_ptr<PageTables> adopt_page_tables(FrameSource& frames, PhysAddr root, uint64_t table_pages) = 0;

  /// Brings `context.registers` up to date. Afterwards they are the truth: what the kernel changes there takes effect.
  virtual void fetch_registers(ThreadContext& context) = 0;
  /// The thread will never run again: the machine forgets it.
  virtual void forget(ThreadContext& context) = 0;

  /// The serial console.
  virtual void console_write(std::string_view text) = 0;

 private:
  const emu::VirtualClock& clock_;
};

/// A system call as it arrives.
struct Trap {
  uint64_t number = 0;
  GuestAddr return_address;  ///< Where the guest goes on: just behind the trap instruction.
  std::array<uint64_t, 8> arguments = {};
};

/// Whether the CPU goes on with the same thread, or asks schedule() for the next.
enum class Next : uint8_t {
  kContinue,
  // Only of a system call:
  kShare,    ///< It goes on, but idle CPUs should ask: work_waiting().
  kReslice,  ///< It goes on, but slice() has another answer now, and work_waiting() may.
  kSwitch,
};

/// What the machine tells the kernel.
class KernelEntry {
 public:
  virtual ~KernelEntry() = default;

  /// What `cpu` runs now; null when it has nothing to do. Called whenever the CPU left the guest for good: after
  /// kSwitch, after the alarm, at the end of a slice.
  virtual ThreadContext* schedule(unsigned cpu) = 0;
  /// What `cpu` runs at the moment. Null when it idles, and when it should not go on with what it ran, because another
  /// CPU killed or suspended that or made something more urgent ready: schedule() has to be asked. Never null between
  /// an entry that ended with kContinue and the next.
  virtual ThreadContext* current(unsigned cpu) = 0;
  /// A runnable thread waits for a CPU: an idle one should call schedule().
  virtual bool work_waiting() const = 0;
  /// How long the chosen thread may run before schedule() must be asked again.
  virtual Duration slice(unsigned cpu) const = 0;

  /// How many arguments of the trap with this number system_call() looks at.
  virtual size_t argument_count(uint64_t number) const = 0;
  /// Unless it says kSwitch, `result` goes to the result register at once.
  virtual Next system_call(unsigned cpu, const Trap& trap, int64_t& result) = 0;
  /// An access that the page tables do not allow. True: the tables allow it now, go on. False: the machine finds out
  /// the exact cause and comes back with page_fault_stop() before anything else happens on this CPU.
  virtual bool page_fault(unsigned cpu, GuestAddr page, AccessKind access) = 0;
  /// The same fault, registers exact (fetch_registers() works): the kernel parks the thread, raises the exception, or
  /// finds that the access works by now.
  virtual Next page_fault_stop(unsigned cpu, const ExceptionInfo& fault) = 0;
  virtual Next exception(unsigned cpu, const ExceptionInfo& info) = 0;
  virtual void alarm() = 0;
  /// The run is over: nothing will be scheduled any more.
  virtual bool finished() const = 0;

  virtual void state(Archive& ar) = 0;
};

}  // namespace jacinth::kernel
