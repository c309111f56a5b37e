// Waiting for signals. zircon/kernel/lib/syscalls/object_wait.cc.
#include "kernel/abi/wait.h"

#include <array>

#include "kernel/ipc/port.h"
#include "kernel/object/wait_observer.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/revision.h"

namespace jacinth::kernel {
namespace {

/// Begins to watch one handle among those that the call waits on, and tells what object it is to.
Result<Koid> watch(Call& call, Handle handle, Signals signals) {
  HandleEntry entry = TRY(call.entry(handle, Rights::kWait));
  if (!entry.object->waitable()) return Status::kNotSupported;
  Koid koid = entry.object->koid();
  call.thread().waits().add(*entry.object, call.handles().id(handle), signals);
  return koid;
}

/// Parks until something matched; then how the wait ended. A match counts even when the deadline has passed. Kept in
/// slot 0 of the call's scratch: writing the results may park the thread once more.
Status outcome(Call& call, BlockReason reason, Time deadline) {
  uint64_t& kept = call.state().scratch[0];
  if (kept == 0) {
    Status status = call.thread().waits().any_matched() ? Status::kOk : call.park(reason, deadline);
    if (status == Status::kParked) return status;
    if (call.thread().waits().any_canceled()) status = Status::kCanceled;
    kept = 1 + static_cast<uint64_t>(-static_cast<int64_t>(abi::raw(status)));
  }
  return static_cast<Status>(-static_cast<int64_t>(kept - 1));
}

Status object_wait_one(Call& call, Handle handle, Signals signals, Time deadline, UserOut<Signals> observed) {
  WaitObservers& waits = call.thread().waits();
  if (!call.resumed()) {
    waits.begin(1);
    uint64_t koid = abi::raw(TRY(watch(call, handle, signals)));
    call.state().scratch = {0, koid};
    auto until = static_cast<uint64_t>(deadline.ns);
    call.core().trace(abi::KtraceEvent::kWaitOne, koid, abi::raw(signals), until, until >> 32);
  }
  Status status = outcome(call, BlockReason::kWaitOne, deadline);
  if (status == Status::kParked) return status;

  Status written = observed.write_unless_null(waits.observed(0));
  if (written == Status::kParked) return written;
  call.core().trace(abi::KtraceEvent::kWaitOneDone, call.state().scratch[1], abi::raw(status),
                    abi::raw(waits.observed(0)));
  waits.end();
  return written == Status::kOk ? status : written;
}

Status object_wait_many(Call& call, UserInOut<abi::WaitItem> user_items, size_t count, Time deadline) {
  if (count == 0) return call.park(BlockReason::kWaitMany, deadline);
  if (count > abi::kWaitManyMaxItems) return Status::kOutOfRange;

  // The items go back as they came but for `pending`, whatever the guest did to its copy meanwhile.
  WaitObservers& waits = call.thread().waits();
  std::array<abi::WaitItem, abi::kWaitManyMaxItems> buffer;
  std::span<abi::WaitItem> items(buffer.data(), count);
  auto& scratch = call.state().scratch;
  if (!call.resumed()) {
    TRY_STATUS(user_items.read_array(items));
    waits.begin(count);
    for (const abi::WaitItem& item : items) {
      Status status = watch(call, item.handle, item.waitfor).status();
      if (status != Status::kOk) {
        waits.end();
        return status;
      }
    }
    scratch.assign(1 + count, 0);
    for (size_t i = 0; i < count; ++i) {
      scratch[1 + i] = uint64_t{abi::raw(items[i].handle)} << 32 | abi::raw(items[i].waitfor);
    }
  }
  Status status = outcome(call, BlockReason::kWaitMany, deadline);
  if (status == Status::kParked) return status;

  for (size_t i = 0; i < count; ++i) {
    items[i] = {.handle = Handle{static_cast<uint32_t>(scratch[1 + i] >> 32)},
                .waitfor = Signals{static_cast<uint32_t>(scratch[1 + i])},
                .pending = waits.observed(i)};
  }
  Status written = user_items.write_array(items);
  if (written == Status::kParked) return written;
  waits.end();
  return written == Status::kOk ? status : written;
}

Status object_wait_async(Call& call, Handle handle, Handle port_handle, uint64_t key, Signals signals,
                         abi::WaitAsyncOptions options) {
  abi::WaitAsyncOptions known = abi::WaitAsyncOptions::kTimestamp;
  if (!of_july_2020(call)) known |= abi::WaitAsyncOptions::kEdge;
  if (!within(options, known)) return Status::kInvalidArgs;
  Ref<Port> port = TRY(call.get<Port>(port_handle, Rights::kWrite));
  HandleEntry entry = TRY(call.entry(handle, Rights::kWait));
  if (!entry.object->waitable()) return Status::kNotSupported;
  bool crowded = port->too_many_observers() && !of_july_2020(call);
  TRY_STATUS(port->wait_async(*entry.object, call.handles().id(handle), key, signals, options));
  if (crowded) call.raise(abi::ExceptionPolicyCode::kPortTooManyObservers);
  return Status::kOk;
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_object_wait_async", bind<object_wait_async>, Support::kFull,
     "Once per call; with ZX_WAIT_ASYNC_EDGE only a signal that becomes active afterwards counts. Programs with a "
     "dynamic linker have no ZX_WAIT_ASYNC_EDGE and no limit of waits, as in July 2020."},
    {"zx_object_wait_many", bind<object_wait_many>, Support::kFull,
     "Up to 64 items; without any it sleeps until the deadline."},
    {"zx_object_wait_one", bind<object_wait_one>, Support::kFull,
     "Returns what was observed at the match, also when it is gone by the time the thread runs."},
});

}  // namespace

std::span<const Row> wait_rows() { return kRows; }

}  // namespace jacinth::kernel
