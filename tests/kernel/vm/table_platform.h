// A machine for tests whose page tables are the real ones, in RAM, so that they need frames like everything else.
#pragma once

#include <memory>
#include <utility>

#include "emu/memory/physical_memory.h"
#include "emu/mmu/page_table.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

class TablePlatform final : public Platform {
 public:
  explicit TablePlatform(Arch arch, uint64_t ram_size)
      : Platform(clock_), arch_(arch), memory_(PhysAddr(0x4000'0000), ram_size) {}

  Arch arch() const override { return arch_; }
  unsigned cpu_count() const override { return 1; }
  void set_alarm(Time) override {}
  uint64_t seed() const override { return 1; }
  PhysAddr ram_base() const override { return memory_.base(); }
  uint64_t ram_size() const override { return memory_.size(); }
  const std::byte* data(PhysAddr address) const override { return memory_.data(address); }
  std::byte* writable(PhysAddr address) override { return memory_.writable(address); }
  void discard(PhysAddr page) override { memory_.discard(page); }
  std::unique_ptr<PageTables> create_page_tables(FrameSource& frames) override {
    return wrap(emu::PageTable::create(arch_, memory_, frames));
  }
  std::unique_ptr<PageTables> adopt_page_tables(FrameSource& frames, PhysAddr root, uint64_t table_pages) override {
    return wrap(emu::PageTable::adopt(arch_, memory_, frames, root, table_pages));
  }
  void fetch_registers(ThreadContext&) override {}
  void forget(ThreadContext&) override {}
  void console_write(std::string_view) override {}

 private:
  class Tables final : public PageTables {
   public:
    explicit Tables(std::unique_ptr<emu::PageTable> table) : table_(std::move(table)) {}
    PhysAddr root() const override { return table_->root(); }
    uint64_t table_pages() const override { return table_->table_pages(); }
    bool map(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType type) override {
      return table_->map(page, frame, permissions, type);
    }
    void unmap(GuestAddr page, uint64_t count) override { table_->unmap(page, count); }
    void protect(GuestAddr page, uint64_t count, PagePermissions permissions) override {
      table_->protect(page, count, permissions);
    }
    std::optional<Entry> query(GuestAddr page) const override {
      auto found = table_->query(page);
      if (!found) return std::nullopt;
      return Entry{found->address.page(), found->permissions, found->accessed, found->dirty};
    }
    bool test_and_clear_accessed(GuestAddr page) override { return table_->test_and_clear_accessed(page); }

   private:
    std::unique_ptr<emu::PageTable> table_;
  };

  static std::unique_ptr<PageTables> wrap(std::unique_ptr<emu::PageTable> table) {
    return table != nullptr ? std::make_unique<Tables>(std::move(table)) : nullptr;
  }

  emu::VirtualClock clock_;  // Stands still.
  Arch arch_;
  emu::PhysicalMemory memory_;
};

}  // namespace jacinth::kernel
