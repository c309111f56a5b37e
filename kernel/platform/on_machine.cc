#include "kernel/platform/on_machine.h"

#include "emu/base/check.h"
#include "emu/mmu/page_table.h"

namespace jacinth::kernel {
namespace {

emu::Next to_machine(Next next) {
  switch (next) {
    case Next::kContinue: return emu::Next::kContinue;
    case Next::kShare: return emu::Next::kShare;
    case Next::kReslice: return emu::Next::kReslice;
    case Next::kSwitch: break;
  }
  return emu::Next::kSwitch;
}

/// Page tables in guest RAM; every change that a TLB could notice is followed by its invalidation.
class MachinePageTables final : public PageTables {
 public:
  MachinePageTables(emu::Machine& machine, std::unique_ptr<emu::PageTable> table)
      : machine_(machine), table_(std::move(table)) {}
  ~MachinePageTables() override { machine_.release(table_->root()); }

  PhysAddr root() const override { return table_->root(); }
  uint64_t table_pages() const override { return table_->table_pages(); }

  bool map(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType type) override {
    // A TLB holds only what was accessed: nothing else needs the invalidation.
    auto found = table_->query(page);
    bool replaces = found && found->accessed;
    if (!table_->map(page, frame, permissions, type)) return false;
    if (replaces) machine_.invalidate(root());
    return true;
  }
  void unmap(GuestAddr page, uint64_t count) override {
    if (table_->unmap(page, count)) machine_.invalidate(root());
  }
  void protect(GuestAddr page, uint64_t count, PagePermissions permissions) override {
    if (table_->protect(page, count, permissions)) machine_.invalidate(root());
  }
  std::optional<Entry> query(GuestAddr page) const override {
    auto found = table_->query(page);
    if (!found) return std::nullopt;
    return Entry{found->address.page(), found->permissions, found->accessed, found->dirty};
  }
  bool test_and_clear_accessed(GuestAddr page) override {
    if (!table_->test_and_clear_accessed(page)) return false;
    machine_.invalidate(root());
    return true;
  }

 private:
  emu::Machine& machine_;
  std::unique_ptr<emu::PageTable> table_;
};

}  // namespace

OnMachine::OnMachine(emu::Machine& machine, uint64_t seed, Console console)
    : Platform(machine.clock()), machine_(machine), seed_(seed), console_(std::move(console)) {
  machine_.set_supervisor(*this);
}

std::unique_ptr<PageTables> OnMachine::create_page_tables(FrameSource& frames) {
  auto table = emu::PageTable::create(arch(), machine_.memory(), frames);
  if (table == nullptr) return nullptr;
  return std::make_unique<MachinePageTables>(machine_, std::move(table));
}

std::unique_ptr<PageTables> OnMachine::adopt_page_tables(FrameSource& frames, PhysAddr root, uint64_t table_pages) {
  auto table = emu::PageTable::adopt(arch(), machine_.memory(), frames, root, table_pages);
  if (table == nullptr) return nullptr;
  return std::make_unique<MachinePageTables>(machine_, std::move(table));
}

ThreadContext* OnMachine::schedule(unsigned cpu) {
  ThreadContext* context = kernel_->schedule(cpu);
  if (kernel_->finished()) machine_.stop();
  return context;
}

emu::Next OnMachine::system_call(unsigned cpu, emu::Cpu& core, ThreadContext& context) {
  Trap trap;
  trap.number = core.trap_number();
  core.trap_arguments(std::span(trap.arguments).first(kernel_->argument_count(trap.number)));
  trap.return_address = GuestAddr(core.pc());
  int64_t result = 0;
  Next next = kernel_->system_call(cpu, trap, result);
  if (next == Next::kSwitch) {
    if (kernel_->finished()) machine_.stop();
    return emu::Next::kSwitch;
  }
  if (context.resident != nullptr) [[likely]] {
    core.set_result(result);
  } else {
    context.result = result;  // Somebody took the registers out of the core.
  }
  return to_machine(next);
}

bool OnMachine::page_fault(unsigned cpu, GuestAddr page, AccessKind access) {
  return kernel_->page_fault(cpu, page, access);
}

emu::Next OnMachine::exception(unsigned cpu, const ExceptionInfo& info) {
  Next next = info.kind == ExceptionInfo::Kind::kPageFault ? kernel_->page_fault_stop(cpu, info)
                                                           : kernel_->exception(cpu, info);
  if (kernel_->finished()) machine_.stop();
  return to_machine(next);
}

}  // namespace jacinth::kernel
