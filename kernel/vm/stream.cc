#include "kernel/vm/stream.h"

#include <algorithm>
#include <span>
#include <utility>

#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/object/object_table.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

using abi::SeekOrigin;
using abi::StreamOptions;

namespace {

Result<uint64_t> to_result(Status status, uint64_t bytes) {
  if (bytes == 0 && status != Status::kOk) return status;
  return bytes;
}

}  // namespace

Result<abi::Iovec> UserVector::entry(uint64_t index) const {
  abi::Iovec entry;
  TRY_STATUS(memory_.read(entries_ + index * sizeof entry, std::as_writable_bytes(std::span(&entry, 1))));
  return entry;
}

Result<uint64_t> UserVector::capacity() const {
  uint64_t total = 0;
  for (uint64_t i = 0; i < count_; ++i) {
    abi::Iovec buffer = TRY(entry(i));
    if (__builtin_add_overflow(total, buffer.capacity, &total)) return Status::kInvalidArgs;
  }
  return total;
}

Stream::Stream(Core& core) : Object(core, kType) {}

Stream::Stream(Core& core, Ref<Vmo> vmo, StreamOptions options, uint64_t seek)
    : Object(core, kType), vmo_(std::move(vmo)), options_(options), seek_(seek) {}

Stream::Moved Stream::move(const UserVector& buffers, AccessKind access, uint64_t offset, uint64_t length) {
  UserMemory& memory = buffers.memory();
  uint64_t done = 0;
  // A transfer that waits for a page begins anew then: it has moved nothing.
  auto broken_off = [&done](Status status) { return Moved{status, status == Status::kParked ? 0 : done}; };
  for (uint64_t i = 0; i < buffers.count() && done < length; ++i) {
    Result<abi::Iovec> entry = buffers.entry(i);
    if (!entry) return broken_off(entry.status());
    GuestAddr at(entry->buffer);
    auto copy = [&](PageView page, uint64_t within, uint64_t piece) -> Status {
      Platform& platform = core().platform();
      bool reading = access == AccessKind::kRead;
      Status status = reading ? memory.write(at, {platform.data(page.address) + within, piece})
                              : memory.read(at, {platform.writable(page.address) + within, piece});
      if (status == Status::kInvalidArgs) {
        return buffers.memory().explain(at, piece, reading ? AccessKind::kWrite : AccessKind::kRead);
      }
      if (status != Status::kOk) return status;
      at += piece;
      done += piece;
      return Status::kOk;
    };
    Status status = vmo_->for_each_piece(offset + done, std::min(entry->capacity, length - done), access, copy);
    if (status != Status::kOk) return broken_off(status);
  }
  // The guest took buffers away meanwhile.
  return {done < length ? Status::kBufferTooSmall : Status::kOk, done};
}

Result<uint64_t> Stream::read_at(const UserVector& buffers, uint64_t offset) {
  uint64_t capacity = TRY(buffers.capacity());
  uint64_t content = vmo_->content_size();
  if (capacity == 0 || offset >= content) return 0;
  Moved moved = move(buffers, AccessKind::kRead, offset, std::min(capacity, content - offset));
  return to_result(moved.status, moved.bytes);
}

Result<uint64_t> Stream::read(const UserVector& buffers) {
  uint64_t bytes = TRY(read_at(buffers, seek_));
  seek_ += bytes;
  return bytes;
}

Result<uint64_t> Stream::make_room(uint64_t offset, uint64_t end) {
  uint64_t size = vmo_->size();
  Status status = end > ~uint64_t{0} - kPageMask ? Status::kOutOfRange : Status::kOk;
  if (status == Status::kOk && end > size) status = vmo_->grow(round_up_to_page(end));
  if (status == Status::kOk) return end - offset;
  if (size > offset) return size - offset;
  return status == Status::kOutOfRange ? Status::kOutOfRange : Status::kNoSpace;
}

Stream::Moved Stream::put(const UserVector& buffers, uint64_t offset, uint64_t length) {
  Moved moved = move(buffers, AccessKind::kWrite, offset, length);
  uint64_t end = offset + moved.bytes;
  if (moved.bytes > 0 && end > vmo_->content_size()) vmo_->extend_content(end);
  return moved;
}

Result<uint64_t> Stream::write_at(const UserVector& buffers, uint64_t offset) {
  uint64_t capacity = TRY(buffers.capacity());
  if (capacity == 0) return 0;
  uint64_t end = 0;
  if (__builtin_add_overflow(offset, capacity, &end)) return Status::kFileBig;
  uint64_t length = TRY(make_room(offset, end));
  uint64_t content = vmo_->content_size();
  if (content < offset) TRY_STATUS(vmo_->zero(content, offset - content));
  Moved moved = put(buffers, offset, length);
  return to_result(moved.status, moved.bytes);
}

Result<uint64_t> Stream::write(const UserVector& buffers) {
  if (appends()) return append(buffers);
  uint64_t bytes = TRY(write_at(buffers, seek_));
  seek_ += bytes;
  return bytes;
}

Result<uint64_t> Stream::append(const UserVector& buffers) {
  uint64_t capacity = TRY(buffers.capacity());
  if (capacity == 0) return 0;
  uint64_t offset = vmo_->content_size();
  uint64_t end = 0;
  if (__builtin_add_overflow(offset, capacity, &end))
    return vmo_->core().vm().july_2020() ? Status::kFileBig : Status::kOutOfRange;
  uint64_t length = TRY(make_room(offset, end));
  Moved moved = put(buffers, offset, length);
  // Also when nothing could be written.
  if (moved.status != Status::kParked) seek_ = offset + moved.bytes;
  return to_result(moved.status, moved.bytes);
}

Result<uint64_t> Stream::seek(SeekOrigin origin, int64_t offset) {
  uint64_t base = 0;
  switch (origin) {
    case SeekOrigin::kStart: break;
    case SeekOrigin::kCurrent: base = seek_; break;
    case SeekOrigin::kEnd: base = vmo_->content_size(); break;
    default: return Status::kInvalidArgs;
  }
  uint64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target)) return Status::kInvalidArgs;
  return seek_ = target;
}

void Stream::set_appends(bool appends) {
  options_ = options_ & ~StreamOptions::kModeAppend;
  if (appends) options_ |= StreamOptions::kModeAppend;
}

abi::InfoStream Stream::info() const {
  return {.options = abi::raw(options_), .seek = seek_, .content_size = vmo_->content_size()};
}

void Stream::state(Archive& ar) {
  Object::state(ar);
  state_ref(ar, vmo_);
  ar(options_, seek_);
  if (ar.loading() && !vmo_) ar.fail("a stream without a VMO");
}

}  // namespace jacinth::kernel
