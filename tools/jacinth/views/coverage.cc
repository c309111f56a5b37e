#include "tools/jacinth/views/coverage.h"

#include <algorithm>

#include "emu/debug/symbols.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::cli {

Coverage::~Coverage() { detach(); }

void Coverage::attach(boards::System& system, SymbolizedCode& code) {
  system_ = &system;
  code_ = &code;
  system.kernel().tasks().add_observer(*this, kernel::Hears::kAllButTraffic);
}

void Coverage::detach() {
  if (system_ != nullptr) system_->kernel().tasks().remove_observer(*this);
  system_ = nullptr;
}

void Coverage::block(PhysAddr page_table, GuestAddr address, uint32_t size) {
  if (system_ == nullptr) return;
  auto [at, added] = known_.try_emplace({page_table.value, address.value});
  if (added) at->second = find(page_table, address);
  Block* block = at->second;
  if (block == nullptr) return;
  ++block->count;
  block->size = std::max(block->size, size);
}

Coverage::Block* Coverage::find(PhysAddr page_table, GuestAddr address) {
  kernel::Scheduler& scheduler = system_->kernel().tasks().scheduler();
  kernel::Process* process = nullptr;
  for (unsigned cpu = 0; cpu < scheduler.cpu_count() && process == nullptr; ++cpu) {
    kernel::Thread* thread = scheduler.current(cpu);
    if (thread != nullptr && thread->context().page_table == page_table) process = &thread->process();
  }
  if (process == nullptr) return nullptr;
  std::optional<SymbolizedCode::Module> module = code_->module_at(*process, address);
  if (!module) return nullptr;
  auto same = [&](const Module& at) { return at.symbols == module->symbols && at.bias == module->bias; };
  auto found = std::ranges::find_if(modules_, same);
  if (found == modules_.end()) {
    modules_.push_back({.symbols = module->symbols, .bias = module->bias, .name = module->name, .blocks = {}});
    found = std::prev(modules_.end());
  }
  return &found->blocks[address.value - module->bias];
}

}  // namespace jacinth::cli
