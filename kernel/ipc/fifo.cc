#include "kernel/ipc/fifo.h"

#include <algorithm>
#include <span>

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {
namespace {

/// Copies `count` elements, of which the first is number `begin` of a ring: in one run, or two when it wraps.
template <class Copy>
Status copy_around(std::span<std::byte> ring, uint32_t elem_size, uint64_t begin, uint64_t count, Copy&& copy) {
  uint64_t slots = ring.size() / elem_size;
  begin %= slots;
  uint64_t run = std::min(count, slots - begin);
  TRY_STATUS(copy(ring.subspan(begin * elem_size, run * elem_size), 0));
  if (run == count) return Status::kOk;
  return copy(ring.first((count - run) * elem_size), run * elem_size);
}

}  // namespace

Fifo::Fifo(Core& core) : PeeredObject(core, kType) {}

Fifo::~Fifo() = default;

Result<std::pair<Ref<Fifo>, Ref<Fifo>>> Fifo::create(Core& core, uint64_t elem_count, uint64_t elem_size) {
  constexpr uint64_t kMost = abi::kFifoMaxSizeBytes;
  if (elem_count == 0 || elem_size == 0 || elem_count > kMost || elem_size > kMost) return Status::kOutOfRange;
  if (elem_count * elem_size > kMost) return Status::kOutOfRange;

  auto a = make_object<Fifo>(core);
  auto b = make_object<Fifo>(core);
  for (Fifo* end : {a.get(), b.get()}) {
    end->elem_count_ = static_cast<uint32_t>(elem_count);
    end->elem_size_ = static_cast<uint32_t>(elem_size);
    end->ring_.resize(elem_count * elem_size);
  }
  pair(*a, *b);
  return std::pair(std::move(a), std::move(b));
}

Result<uint64_t> Fifo::write(uint64_t elem_size, UserMemory& memory, GuestAddr from, uint64_t count) {
  if (peer() == nullptr) return Status::kPeerClosed;
  return peer()->receive(elem_size, memory, from, count);
}

Result<uint64_t> Fifo::receive(uint64_t elem_size, UserMemory& memory, GuestAddr from, uint64_t count) {
  if (elem_size != elem_size_ || count == 0) return Status::kOutOfRange;
  if (used_ == elem_count_) return Status::kShouldWait;
  count = std::min<uint64_t>(count, elem_count_ - used_);
  TRY_STATUS(copy_around(ring_, elem_size_, first_ + used_, count,
                         [&](std::span<std::byte> to, uint64_t offset) { return memory.read(from + offset, to); }));

  bool was_empty = used_ == 0;
  used_ += static_cast<uint32_t>(count);
  if (was_empty) update_signals(Signals::kNone, Signals::kFifoReadable);
  if (used_ == elem_count_) peer()->update_signals(Signals::kFifoWritable, Signals::kNone);
  return count;
}

Result<uint64_t> Fifo::read(uint64_t elem_size, UserMemory& memory, GuestAddr to, uint64_t count) {
  if (elem_size != elem_size_ || count == 0) return Status::kOutOfRange;
  if (used_ == 0) return peer_closed() ? Status::kPeerClosed : Status::kShouldWait;
  count = std::min<uint64_t>(count, used_);
  TRY_STATUS(copy_around(ring_, elem_size_, first_, count,
                         [&](std::span<std::byte> from, uint64_t offset) { return memory.write(to + offset, from); }));

  bool was_full = used_ == elem_count_;
  used_ -= static_cast<uint32_t>(count);
  first_ = (first_ + static_cast<uint32_t>(count)) % elem_count_;
  if (was_full && !peer_closed()) peer()->update_signals(Signals::kNone, Signals::kFifoWritable);
  if (used_ == 0) update_signals(Signals::kFifoReadable, Signals::kNone);
  return count;
}

void Fifo::on_peer_closed() { update_signals(Signals::kFifoWritable, Signals::kFifoPeerClosed); }

void Fifo::state(Archive& ar) {
  PeeredObject::state(ar);
  ar(elem_count_, elem_size_, first_, used_, ring_);
  if (!ar.loading()) return;
  bool sound = elem_count_ > 0 && elem_size_ > 0 && uint64_t{elem_count_} * elem_size_ == ring_.size() &&
               ring_.size() <= abi::kFifoMaxSizeBytes && first_ < elem_count_ && used_ <= elem_count_;
  if (sound) return;
  ar.fail("a FIFO whose ring is none");
  elem_count_ = elem_size_ = 1;
  first_ = used_ = 0;
  ring_.resize(1);
}

}  // namespace jacinth::kernel
