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

CorePool::Core& CorePool::make_ready(Core& core, PhysAddr root) {
  take_back(core);
  core.cpu->set_page_table(root);
  core.root = root;
  core.assigned = true;
  core.last = nullptr;
  core.turns = 0;
  return core;
}

CorePool::Core& CorePool::find(const ThreadContext& context) {
  Core* oldest = nullptr;
  Core* unassigned = nullptr;
  Core* ours = nullptr;  // Of this address space, the one that was used least lately.
  size_t count = 0;
  for (auto& core : cores_) {
    if (!core->assigned) {
      unassigned = core.get();
    } else if (core->root == context.page_table) {
      if (core->last == &context) return *core;
      ++count;
      if (ours == nullptr || core->last_used < ours->last_used) ours = core.get();
    }
    if (core->assigned && (oldest == nullptr || core->last_used < oldest->last_used)) oldest = core.get();
  }
  bool room = unassigned != nullptr || cores_.size() < limit_;
  if (ours != nullptr) {
    bool wants_another = ++ours->turns >= kTurnsPerCore && count < kCoresPerSpace;
    if (!wants_another || !room) return *ours;
    ours->turns = 0;
  }
  if (unassigned != nullptr) return make_ready(*unassigned, context.page_table);
  if (room) {
    cores_.push_back(std::make_unique<Core>());
    cores_.back()->cpu = factory_();
    return make_ready(*cores_.back(), context.page_table);
  }
  CHECK(oldest != nullptr);
  return make_ready(*oldest, context.page_table);
}

Cpu& CorePool::core_for(ThreadContext& context) {
  auto* core = static_cast<Core*>(context.resident);
  if (core == nullptr) {
    core = &find(context);
    take_back(*core);
    core->cpu->load(context.registers);
    core->resident = &context;
    core->last = &context;
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

void CorePool::forget_all() {
  for (auto& core : cores_) {
    CHECK(core->resident == nullptr, "registers that nobody fetched");
    core->last = nullptr;
    core->turns = 0;
  }
  flush_all();
}

void CorePool::flush_all() {
  for (auto& core : cores_) core->cpu->flush_tlb();
}

}  // namespace jacinth::emu
