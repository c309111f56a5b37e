// Futexes. zircon/kernel/lib/syscalls/futex.cc, zircon/kernel/object/futex_context.cc.
//
// The kernel looks at the guest's word and never writes it. One host thread runs the machine, so that looking and
// queueing are one step.
#include "kernel/task/futex.h"

#include <algorithm>
#include <array>

#include "kernel/syscalls/families.h"

namespace jacinth::kernel {
namespace {

using Word = int32_t;
using abi::KtraceEvent;

/// The kernel's trace of a futex; `last` goes beside the CPU.
void trace_futex(Call& call, KtraceEvent event, GuestAddr address, uint64_t word, uint32_t last = 0) {
  call.core().trace(event, address.value, address.value >> 32, word, (call.thread().turn().cpu & 0xff) | last);
}

uint64_t short_koid(const Ref<Thread>& thread) { return thread ? abi::raw(thread->koid()) : 0; }

uint32_t traced_count(uint32_t count) {
  uint32_t shown = count == UINT32_MAX ? abi::kKtraceFutexCountAll : std::min(count, abi::kKtraceFutexCountMany);
  return shown << abi::kKtraceFutexCountShift;
}

uint32_t traced_active(bool active) { return active ? abi::kKtraceFutexActive : 0; }

Status check_address(GuestAddr address) {
  bool good = address.value != 0 && address.value % sizeof(Word) == 0;
  return good ? Status::kOk : Status::kInvalidArgs;
}

/// kBadState when the word is not what the caller believes.
Status check_value(Call& call, GuestAddr address, Word expected) {
  Word value = TRY(UserIn<Word>(call.memory(), address).read());
  return value == expected ? Status::kOk : Status::kBadState;
}

/// The thread that is to own a futex: none, a started one of the caller's process, or the reason why not. One that has
/// exited counts as none.
Result<Ref<Thread>> find_owner(Call& call, Handle handle) {
  if (handle == Handle::kInvalid) return Ref<Thread>();
  Ref<Thread> owner = TRY(call.get<Thread>(handle, Rights::kNone));
  if (&owner->process() != &call.process() || !owner->started()) return Status::kInvalidArgs;
  if (owner->dying_or_dead()) return Ref<Thread>();
  return owner;
}

/// Sleeps until woken, if the word still holds `expected`.
Status futex_wait(Call& call, GuestAddr address, Word expected, Handle owner_handle, Time deadline) {
  FutexTable& futexes = call.process().futexes();
  if (call.resumed()) {
    GuestAddr left(call.state().scratch[0]);
    futexes.waiter_left(left);
    trace_futex(call, KtraceEvent::kFutexWoke, left, static_cast<uint32_t>(abi::raw(call.woken_with())));
    return call.woken_with();
  }
  TRY_STATUS(check_address(address));
  TRY_STATUS(check_value(call, address, expected));
  Ref<Thread> owner = TRY(find_owner(call, owner_handle));
  if (owner == &call.thread() || (owner && futexes.waits(address, *owner))) return Status::kInvalidArgs;

  call.state().scratch = {address.value};
  Status status = call.park(futexes.wait_on(address, owner), BlockReason::kFutex, deadline);
  if (status == Status::kParked) {
    trace_futex(call, KtraceEvent::kFutexWait, address, short_koid(owner));
    futexes.came(call.thread());
  } else {
    futexes.waiter_left(address);
  }
  return status;
}

/// Wakes up to `count`, or one who becomes the owner; `more` is what the trace says of it besides.
void wake(Call& call, GuestAddr address, uint32_t count, bool single_owner, uint32_t more = 0) {
  FutexTable& futexes = call.process().futexes();
  bool active = futexes.active(address);
  if (single_owner) {
    futexes.wake_single_owner(address);
  } else {
    futexes.wake(address, count);
  }
  trace_futex(call, KtraceEvent::kFutexWake, address, short_koid(futexes.owner(address)),
              traced_count(count) | traced_active(active) | more);
}

Status futex_wake(Call& call, GuestAddr address, uint32_t count) {
  TRY_STATUS(check_address(address));
  wake(call, address, count, false);
  return Status::kOk;
}

Status futex_wake_single_owner(Call& call, GuestAddr address) {
  TRY_STATUS(check_address(address));
  wake(call, address, 1, true);
  return Status::kOk;
}

void requeue(Call& call, GuestAddr from, GuestAddr to, uint32_t count, const Ref<Thread>& owner) {
  FutexTable& futexes = call.process().futexes();
  futexes.requeue(from, to, count, owner);
  trace_futex(call, KtraceEvent::kFutexRequeue, to, short_koid(owner),
              traced_count(count) | traced_active(futexes.active(to)));
}

/// What both forms of requeue check before they do anything.
Result<Ref<Thread>> check_requeue(Call& call, GuestAddr from, Word expected, GuestAddr to, Handle owner_handle) {
  TRY_STATUS(check_address(from));
  TRY_STATUS(check_address(to));
  if (from == to) return Status::kInvalidArgs;
  TRY_STATUS(check_value(call, from, expected));
  Ref<Thread> owner = TRY(find_owner(call, owner_handle));
  FutexTable& futexes = call.process().futexes();
  if (owner && (futexes.waits(from, *owner) || futexes.waits(to, *owner))) return Status::kInvalidArgs;
  return owner;
}

Status futex_requeue(Call& call, GuestAddr from, uint32_t wake_count, Word expected, GuestAddr to,
                     uint32_t requeue_count, Handle owner_handle) {
  Ref<Thread> owner = TRY(check_requeue(call, from, expected, to, owner_handle));
  wake(call, from, wake_count, false, abi::kKtraceFutexRequeues);
  requeue(call, from, to, requeue_count, owner);
  return Status::kOk;
}

Status futex_requeue_single_owner(Call& call, GuestAddr from, Word expected, GuestAddr to, uint32_t requeue_count,
                                  Handle owner_handle) {
  Ref<Thread> owner = TRY(check_requeue(call, from, expected, to, owner_handle));
  wake(call, from, 1, true, abi::kKtraceFutexRequeues);
  requeue(call, from, to, requeue_count, owner);
  return Status::kOk;
}

Status futex_get_owner(Call& call, GuestAddr address, UserOut<Koid> koid) {
  TRY_STATUS(check_address(address));
  Ref<Thread> owner = call.process().futexes().owner(address);
  return koid.write(owner ? owner->koid() : Koid::kInvalid);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_futex_get_owner", bind<futex_get_owner>, Support::kFull,
     "The koid that the last caller named as owner, or 0."},
    {"zx_futex_requeue", bind<futex_requeue>, Support::kFull, "Wakes some waiters and moves others to another futex."},
    {"zx_futex_requeue_single_owner", bind<futex_requeue_single_owner>, Support::kFull,
     "Wakes one waiter, who becomes the owner, and moves others."},
    {"zx_futex_wait", bind<futex_wait>, Support::kFull,
     "Sleeps while the word has the given value; the owner inherits the highest priority of who waits."},
    {"zx_futex_wake", bind<futex_wake>, Support::kFull,
     "Wakes waiters by priority, then age; the futex loses its owner."},
    {"zx_futex_wake_single_owner", bind<futex_wake_single_owner>, Support::kFull,
     "Wakes one waiter, who becomes the owner."},
});

}  // namespace

std::span<const Row> futex_rows() { return kRows; }

}  // namespace jacinth::kernel
