#include "kernel/syscalls/call.h"

#include <utility>

#include "kernel/object/core.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/syscalls/table.h"

namespace jacinth::kernel {

Result<std::string> UserBytesIn::text(size_t size) const {
  std::string text(size, '\0');
  TRY_STATUS(read(std::as_writable_bytes(std::span(text))));
  return text;
}

namespace {

template <class T>
Telling::Piece piece_of(UserOut<T> out, const T& value) {
  auto bytes = std::as_bytes(std::span(&value, 1));
  return {.at = out.address(), .bytes = {bytes.begin(), bytes.end()}};
}

}  // namespace

Status Call::lookup_failed(Status status) {
  // Whether the policy allows or denies makes no difference here: the handle is bad all the same.
  if (status == Status::kBadHandle) static_cast<void>(policy(abi::PolicyCondition::kBadHandle));
  return status;
}

Status Call::park_on(WaitQueue* queue, BlockReason reason, Time deadline) {
  if (thread_.parked()) return Status::kParked;  // For a page, which comes first.
  if (std::exchange(fresh_wake_, false)) {
    Status status = thread_.wait().woken_with;
    if (status != Status::kOk) return status;
  }
  if (thread_.dying_or_dead()) return Status::kInternalIntrKilled;
  if (thread_.attention()) return Status::kInterruptedRetry;
  if (deadline <= now()) return Status::kTimedOut;
  thread_.park(queue, reason, deadline);
  return Status::kParked;
}

Result<HandleEntry> Call::entry(Handle value, Rights rights) {
  const HandleEntry* entry = handles().find(value);
  if (entry == nullptr) return lookup_failed(Status::kBadHandle);
  if (!contains(entry->rights, rights)) return Status::kAccessDenied;
  return *entry;
}

Result<HandleOwner> Call::take(Handle value) {
  Result<HandleOwner> taken = handles().remove(value);
  if (!taken) return lookup_failed(taken.status());
  return taken;
}

Status Call::give(UserOut<Handle> out, Ref<Object> object, Rights rights) {
  return give(out, TRY(core().handles().make(std::move(object), rights)));
}

Status Call::give(UserOut<Handle> out, HandleOwner handle) {
  Handle value = handles().value_of(handle);
  Status status = out.write(value);
  if (status == Status::kOk) {
    handles().add(std::move(handle));
  } else if (status == Status::kParked) {
    Telling& telling = begin_telling();
    telling.pieces = {piece_of(out, value)};
    telling.handles.push_back(std::move(handle));
  }
  return status;
}

Status Call::give(UserOut<Handle> out0, Ref<Object> object0, UserOut<Handle> out1, Ref<Object> object1, Rights rights) {
  HandleOwner handle0 = TRY(core().handles().make(std::move(object0), rights));
  HandleOwner handle1 = TRY(core().handles().make(std::move(object1), rights));
  return give(out0, std::move(handle0), out1, std::move(handle1));
}

Status Call::give(UserOut<Handle> out0, HandleOwner handle0, UserOut<Handle> out1, HandleOwner handle1) {
  Handle value0 = handles().value_of(handle0);
  Handle value1 = handles().value_of(handle1);
  Status status = out0.write(value0);
  if (status == Status::kOk) status = out1.write(value1);
  if (status == Status::kOk) {
    handles().add(std::move(handle0));
    handles().add(std::move(handle1));
  } else if (status == Status::kParked) {
    Telling& telling = begin_telling();
    telling.pieces = {piece_of(out0, value0), piece_of(out1, value1)};
    telling.handles.push_back(std::move(handle0));
    telling.handles.push_back(std::move(handle1));
  }
  return status;
}

Telling& Call::begin_telling() {
  state_.telling = std::make_unique<Telling>();
  return *state_.telling;
}

Status Call::tell(GuestAddr at, std::span<const std::byte> bytes, Status status) {
  Status written = memory().write(at, bytes);
  if (written == Status::kParked) {
    Telling& telling = begin_telling();
    telling.pieces = {{.at = at, .bytes = {bytes.begin(), bytes.end()}}};
    telling.status = status;
  }
  return written == Status::kOk ? status : written;
}

Status Call::tell_rest() {
  Telling& telling = *state_.telling;
  for (const Telling::Piece& piece : telling.pieces) TRY_STATUS(memory().write(piece.at, piece.bytes));
  for (HandleOwner& handle : telling.handles) handles().add(std::move(handle));
  return telling.status;
}

Status Call::unsupported(std::string_view what, Status status) {
  kernel_.report_unsupported(thread_, table_entry(number())->row->name, what, status);
  return status;
}

}  // namespace jacinth::kernel
