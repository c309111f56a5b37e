// A machine for unit tests of the kernel: RAM, page tables and a clock, but no CPU. Time moves only when told to.
//
// Page tables are plain maps, kept by the machine under their root frame as real ones are kept in RAM, so that a kernel
// loaded from a snapshot finds them again.
//
// Left out: running guest code. Tests call the kernel's entry points themselves.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "emu/state/archive.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

class FakePlatform final : public Platform {
 public:
  static constexpr uint64_t kRamSize = 64 << 20;

  explicit FakePlatform(Arch arch = Arch::kArm64, uint64_t ram_size = kRamSize);

  // --- what tests turn ---

  void advance_to(Time when) { clock_.advance_to(when); }
  void set_seed(uint64_t seed) { seed_ = seed; }
  void set_cpus(unsigned cpus) { cpus_ = cpus; }
  /// RAM in several pieces, each followed by a hole of a page or more. Before there is a kernel.
  void set_arenas(std::vector<Arena> arenas) { arenas_ = std::move(arenas); }
  Time alarm() const { return alarm_; }
  /// The alarm is due: KernelEntry::alarm() should be called.
  bool alarm_due() const { return alarm_ <= clock_.now(); }
  /// Everything the kernel wrote on the serial console.
  const std::string& console() const { return console_; }
  /// The page table of a root, to look at.
  std::map<GuestAddr, PageTables::Entry>& page_table(PhysAddr root) { return tables_[root]; }
  /// Sets what the CPU would set on an access.
  void touch(PhysAddr root, GuestAddr address, bool write);
  uint64_t discards() const { return discards_; }

  // --- Platform ---

  Arch arch() const override { return arch_; }
  unsigned cpu_count() const override { return cpus_; }
  void set_alarm(Time when) override { alarm_ = when; }
  uint64_t seed() const override { return seed_; }

  PhysAddr ram_base() const override { return PhysAddr{0x4000'0000}; }
  uint64_t ram_size() const override { return ram_size_; }
  std::vector<Arena> arenas() const override { return arenas_.empty() ? Platform::arenas() : arenas_; }
  const std::byte* data(PhysAddr address) const override { return ram_.get() + offset(address); }
  std::byte* writable(PhysAddr address) override { return ram_.get() + offset(address); }
  void discard(PhysAddr page) override;

  std::unique_ptr<PageTables> create_page_tables(FrameSource& frames) override;
  std::unique_ptr<PageTables> adopt_page_tables(FrameSource& frames, PhysAddr root, uint64_t table_pages) override;

  void fetch_registers(ThreadContext&) override {}
  void forget(ThreadContext& context) override { context.resident = nullptr; }
  void console_write(std::string_view text) override { console_ += text; }

  /// RAM (pages that are not zero), page tables, time. Load it before the kernel.
  void state(Archive& ar);

 private:
  using Table = std::map<GuestAddr, PageTables::Entry>;

  class Tables;
  struct Unmap {
    uint64_t size = 0;
    void operator()(std::byte* ram) const;
  };

  uint64_t offset(PhysAddr address) const;
  static void state_table(Archive& ar, Table& table);

  Arch arch_;
  uint64_t ram_size_;
  std::vector<Arena> arenas_;
  // Straight from the host, a page at a time: an allocator that fills what is freed (MALLOC_PERTURB_, which Meson sets)
  // takes 20 ms for it.
  std::unique_ptr<std::byte[], Unmap> ram_;
  std::map<PhysAddr, Table> tables_;
  emu::VirtualClock clock_;
  Time alarm_ = Time::never();
  uint64_t seed_ = 1;
  unsigned cpus_ = 2;
  uint64_t discards_ = 0;
  std::string console_;
};

}  // namespace jacinth::kernel
