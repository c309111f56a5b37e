#include "kernel/task/futex.h"

#include <algorithm>

#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/object/object_table.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {
namespace {

/// Where a waiting thread keeps the address it waits on: requeueing changes it.
constexpr size_t kAddressSlot = 0;

Thread& thread_of(Waiter& waiter) { return static_cast<Thread&>(waiter); }  // Only threads wait on futexes.

}  // namespace

WaitQueue& FutexTable::wait_on(GuestAddr address, const Ref<Thread>& owner) {
  Futex& futex = futexes_[address.value];
  set_owner(address.value, futex, owner);
  return futex.waiters;
}

void FutexTable::came(Thread& thread) { inherit(owner_over(thread)); }

void FutexTable::left(Thread& thread) { inherit(owner_over(thread)); }

void FutexTable::reprioritized(Thread& thread) {
  if (thread.queue() == nullptr) return;
  thread.queue()->reprioritize(thread);
  inherit(owner_over(thread));
}

Thread* FutexTable::owner_over(const Thread& thread) const {
  if (thread.wait().reason != BlockReason::kFutex || thread.call().scratch.empty()) return nullptr;
  auto futex = futexes_.find(thread.call().scratch[kAddressSlot]);
  return futex != futexes_.end() ? futex->second.owner.get() : nullptr;
}

void FutexTable::inherit(Thread* owner) {
  Core* core = owner != nullptr ? &owner->core() : nullptr;
  while (owner != nullptr) {
    int8_t highest = Turn::kNothingInherited;
    auto [first, last] = owned_.equal_range(abi::raw(owner->koid()));
    for (auto at = first; at != last; ++at) {
      const Waiter* front = futexes_[at->second].waiters.front();
      if (front != nullptr) highest = std::max(highest, static_cast<int8_t>(front->priority()));
    }
    // Where nothing changes, nothing behind it does: also the way out of a ring of owners.
    if (!core->tasks().scheduler().inherit(*owner, highest, core->now())) return;
    if (owner->queue() == nullptr) return;
    owner->queue()->reprioritize(*owner);
    owner = owner_over(*owner);
  }
}

void FutexTable::waiter_left(GuestAddr address) { forget_if_unused(futexes_.find(address.value)); }

bool FutexTable::waits(GuestAddr address, const Thread& thread) const {
  auto futex = futexes_.find(address.value);
  return futex != futexes_.end() && thread.queue() == &futex->second.waiters;
}

void FutexTable::wake(GuestAddr address, uint32_t count) {
  auto futex = futexes_.find(address.value);
  if (futex == futexes_.end()) return;
  for (uint32_t i = 0; i < count && futex->second.waiters.wake_one() != nullptr; ++i) {
  }
  set_owner(address.value, futex->second, nullptr);
  forget_if_unused(futex);
}

void FutexTable::wake_single_owner(GuestAddr address) {
  auto futex = futexes_.find(address.value);
  if (futex == futexes_.end()) return;
  Waiter* woken = futex->second.waiters.wake_one();
  set_owner(address.value, futex->second, woken != nullptr ? Ref<Thread>(&thread_of(*woken)) : nullptr);
  forget_if_unused(futex);
}

void FutexTable::requeue(GuestAddr from, GuestAddr to, uint32_t count, const Ref<Thread>& owner) {
  Futex& target = futexes_[to.value];
  auto source = futexes_.find(from.value);
  if (source != futexes_.end()) {
    for (uint32_t i = 0; i < count && !source->second.waiters.empty(); ++i) {
      Waiter& waiter = *source->second.waiters.front();
      source->second.waiters.move_to(target.waiters, waiter);
      thread_of(waiter).call().scratch[kAddressSlot] = to.value;
    }
    inherit(source->second.owner.get());
    forget_if_unused(source);
  }
  set_owner(to.value, target, owner);
  forget_if_unused(futexes_.find(to.value));
}

Ref<Thread> FutexTable::owner(GuestAddr address) const {
  auto futex = futexes_.find(address.value);
  return futex != futexes_.end() ? futex->second.owner : nullptr;
}

void FutexTable::thread_exited(Thread& thread) {
  auto [first, last] = owned_.equal_range(abi::raw(thread.koid()));
  for (auto at = first; at != last; ++at) futexes_[at->second].owner = nullptr;
  owned_.erase(first, last);
  static_cast<void>(thread.core().tasks().scheduler().inherit(thread, Turn::kNothingInherited, thread.core().now()));
}

void FutexTable::set_owner(uint64_t address, Futex& futex, const Ref<Thread>& owner) {
  if (futex.owner == owner) return inherit(owner.get());
  Ref<Thread> before = futex.owner;
  if (futex.owner) {
    auto [first, last] = owned_.equal_range(abi::raw(futex.owner->koid()));
    for (auto at = first; at != last; ++at) {
      if (at->second != address) continue;
      owned_.erase(at);
      break;
    }
  }
  futex.owner = owner;
  if (owner) owned_.emplace(abi::raw(owner->koid()), address);
  inherit(before.get());
  inherit(owner.get());
}

void FutexTable::forget_if_unused(std::map<uint64_t, Futex>::iterator futex) {
  if (futex == futexes_.end() || !futex->second.waiters.empty()) return;
  set_owner(futex->first, futex->second, nullptr);
  futexes_.erase(futex);
}

void FutexTable::clear() {
  futexes_.clear();
  owned_.clear();
}

void FutexTable::Futex::state(Archive& ar) {
  waiters.state(ar);
  state_ref(ar, owner);
}

void FutexTable::state(Archive& ar) {
  ar(futexes_);
  if (!ar.loading()) return;
  owned_.clear();
  for (auto& [address, futex] : futexes_) {
    if (futex.owner) owned_.emplace(abi::raw(futex.owner->koid()), address);
  }
}

}  // namespace jacinth::kernel
