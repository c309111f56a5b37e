// Futexes of one process: who sleeps on which address, and who is said to own it.
//
//   address --> { waiters by priority, owner }     only while somebody waits
//
// The kernel never writes the guest's word. Ownership is what the callers say it is, and can be asked for. An owner
// runs with the highest priority among itself and those who wait for what it owns, and hands that on to the owner of
// what it waits for itself. Facts: zircon/kernel/object/futex_context.cc, zircon/kernel/kernel/owned_wait_queue.cc.
#pragma once

#include <cstdint>
#include <map>

#include "emu/base/address.h"
#include "kernel/object/ref.h"
#include "kernel/object/wait_queue.h"

namespace jacinth::kernel {

class Thread;

class FutexTable {
 public:
  FutexTable() = default;

  /// The thread is about to wait: gives the queue to park on, and makes `owner` (may be null) the owner.
  WaitQueue& wait_on(GuestAddr address, const Ref<Thread>& owner);
  /// The thread stands in the queue now, or does not any more, or has another priority: its owner's changes with it.
  void came(Thread& thread);
  void left(Thread& thread);
  void reprioritized(Thread& thread);
  /// The call of a waiter goes on: what is left without waiters disappears.
  void waiter_left(GuestAddr address);
  /// Whether anybody does.
  bool active(GuestAddr address) const { return futexes_.contains(address.value); }
  /// Whether `thread` waits on this futex.
  bool waits(GuestAddr address, const Thread& thread) const;

  /// Wakes up to `count` and leaves the futex without an owner.
  void wake(GuestAddr address, uint32_t count);
  /// Wakes one, who becomes the owner of what is left.
  void wake_single_owner(GuestAddr address);
  /// Moves up to `count` waiters from one futex to the other, whose owner becomes `owner`.
  void requeue(GuestAddr from, GuestAddr to, uint32_t count, const Ref<Thread>& owner);
  /// Null for none.
  Ref<Thread> owner(GuestAddr address) const;
  /// A thread that exits owns nothing any more.
  void thread_exited(Thread& thread);

  size_t size() const { return futexes_.size(); }
  void clear();
  void state(Archive& ar);

 private:
  struct Futex {
    WaitQueue waiters;
    Ref<Thread> owner;
    void state(Archive& ar);
  };

  void set_owner(uint64_t address, Futex& futex, const Ref<Thread>& owner);
  /// What `owner` gets from those who wait for it, and then the one that it waits for, and so on.
  void inherit(Thread* owner);
  /// The owner of what the thread waits for; null for none.
  Thread* owner_over(const Thread& thread) const;
  void forget_if_unused(std::map<uint64_t, Futex>::iterator futex);

  std::map<uint64_t, Futex> futexes_;
  /// Thread koid to the addresses it owns, so that an exit need not look at every futex.
  std::multimap<uint64_t, uint64_t> owned_;
};

}  // namespace jacinth::kernel
