// The kernel on a real machine: the one place where kernel and machine meet.
//
//   Kernel --Platform--> OnMachine --> emu::Machine
//   Kernel <--KernelEntry-- OnMachine <--Supervisor-- emu::Machine
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "emu/machine/machine.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

class OnMachine final : private emu::Supervisor, public Platform {
 public:
  /// Where the serial console's bytes go.
  using Console = std::function<void(std::string_view)>;

  /// `machine` outlives this.
  OnMachine(emu::Machine& machine, uint64_t seed, Console console);

  /// Must be called before the machine runs; not owned.
  void attach(KernelEntry& kernel) { kernel_ = &kernel; }

  Arch arch() const override { return machine_.arch(); }
  unsigned cpu_count() const override { return machine_.cpu_count(); }
  void set_alarm(Time when) override { machine_.set_alarm(when); }
  uint64_t seed() const override { return seed_; }
  PhysAddr ram_base() const override { return machine_.memory().base(); }
  uint64_t ram_size() const override { return machine_.memory().size(); }
  const std::byte* data(PhysAddr address) const override { return machine_.memory().data(address); }
  std::byte* writable(PhysAddr address) override { return machine_.memory().writable(address); }
  void discard(PhysAddr page) override { machine_.memory().discard(page); }
  std::unique_ptr<PageTables> create_page_tables(FrameSource& frames) override;
  std::unique_ptr<PageTables> adopt_page_tables(FrameSource& frames, PhysAddr root, uint64_t table_pages) override;
  void fetch_registers(ThreadContext& context) override { machine_.fetch_registers(context); }
  void forget(ThreadContext& context) override { machine_.forget(context); }
  void console_write(std::string_view text) override { console_(text); }

 private:
  ThreadContext* schedule(unsigned cpu) override;
  ThreadContext* current(unsigned cpu) override { return kernel_->current(cpu); }
  bool work_waiting() const override { return kernel_->work_waiting(); }
  Duration slice(unsigned cpu) const override { return kernel_->slice(cpu); }
  emu::Next system_call(unsigned cpu, emu::Cpu& core, ThreadContext& context) override;
  bool page_fault(unsigned cpu, GuestAddr page, AccessKind access) override;
  emu::Next exception(unsigned cpu, const ExceptionInfo& info) override;
  void alarm() override { kernel_->alarm(); }

  emu::Machine& machine_;
  uint64_t seed_;
  Console console_;
  KernelEntry* kernel_ = nullptr;
};

}  // namespace jacinth::kernel
