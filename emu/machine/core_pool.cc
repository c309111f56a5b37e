#include "emu/machine/core_pool.h"

#include <algorithm>

#include "emu/base/check.h"

namespace jacinth::emu {

CorePool::CorePool(size_t limit, Factory factory) : limit_(std::max<size_t>(limit, 1)), factory_(std::move(factory)) {}

CorePool::~CorePool() {
  for (auto& core : cores_) {
    if (core->resident != nullptr) core->resident->resident = nullptr;
  }
}

void CorePool::take_back(Core& core) {
  if (core.resident == nullptr) return;
  core.cpu->save(core.resident->registers);
  core.resident->resident = nullptr;
  core.resident = nullptr;
}

CorePool::Core& CorePool::find(PhysAddr root) {
  Core* oldest = nullptr;
  Core* unassigned = nullptr;
  for (auto& core : cores_) {
    if (core->assigned && core->root == root) return *core;
    if (!core->assigned) {
      unassigned = core.get();
    } else if (oldest == nullptr || core->last_used < oldest->last_used) {
      oldest = core.get();
    }
  }
  Core* chosen = unassigned;
  if (chosen == nullptr && cores_.size() < limit_) {
    cores_.push_back(std::make_unique<Core>());
    chosen = cores_.back().get();
    chosen->cpu = factory_();
  }
  if (chosen == nullptr) chosen = oldest;
  CHECK(chosen != nullptr);
  take_back(*chosen);
  chosen->cpu->set_page_table(root);
  chosen->root = root;
  chosen->assigned = true;
  return *chosen;
}

Cpu& CorePool::core_for(ThreadContext& context) {
  auto* core = static_cast<Core*>(context.resident);
  if (core == nullptr) {
    core = &find(context.page_table);
    take_back(*core);
    core->cpu->load(context.registers);
    core->resident = &context;
    context.resident = core;
  }
  core->last_used = ++clock_;
  if (context.result) {
    core->cpu->set_result(*context.result);
    context.result.reset();
  }
  return *core->cpu;
}

void CorePool::fetch(ThreadContext& context) {
  if (auto* core = static_cast<Core*>(context.resident)) take_back(*core);
}

void CorePool::reattach(ThreadContext& context, const Cpu& cpu) {
  auto core = std::ranges::find_if(cores_, [&](const auto& candidate) { return candidate->cpu.get() == &cpu; });
  CHECK(core != cores_.end());
  (*core)->resident = &context;
  context.resident = core->get();
}

void CorePool::forget(ThreadContext& context) {
  if (auto* core = static_cast<Core*>(context.resident)) core->resident = nullptr;
  context.resident = nullptr;
}

void CorePool::invalidate(PhysAddr root) {
  for (auto& core : cores_) {
    if (core->assigned && core->root == root) core->cpu->flush_tlb();
  }
}

void CorePool::release(PhysAddr root) {
  for (auto& core : cores_) {
    if (!core->assigned || core->root != root) continue;
    take_back(*core);
    core->assigned = false;
    core->cpu->flush_tlb();
  }
}

void CorePool::fetch_all() {
  for (auto& core : cores_) take_back(*core);
}

void CorePool::drop_all() {
  fetch_all();
  cores_.clear();
}

}  // namespace jacinth::emu
