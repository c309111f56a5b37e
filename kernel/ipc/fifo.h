// FIFOs: elements of one size between two ends, each with a ring of its own (zircon/kernel/object/fifo_dispatcher.cc).
//
//   write --> [ ring of the peer ] --> read           first_: the oldest element, used_: how many there are
//
// A transfer is all or nothing as far as memory goes: a fault in the guest's buffer leaves the ring as it was.
//
// Left out: nothing. Any number of elements is fine that fits, as since 2022; before, it had to be a power of two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "emu/base/address.h"
#include "kernel/abi/fifo.h"
#include "kernel/object/peered.h"
#include "kernel/object/user_memory.h"

namespace jacinth::kernel {

class Fifo final : public PeeredObject {
 public:
  static constexpr ObjectType kType = ObjectType::kFifo;

  /// Two ends with room for `elem_count` elements in each direction. kOutOfRange for none, or more than 4096 bytes.
  static Result<std::pair<Ref<Fifo>, Ref<Fifo>>> create(Core& core, uint64_t elem_count, uint64_t elem_size);
  /// One end without the other: for loading.
  explicit Fifo(Core& core);

  /// Sends as many of `count` elements at `from` as the peer has room for, and returns how many. kOutOfRange for
  /// elements of another size, or none.
  Result<uint64_t> write(uint64_t elem_size, UserMemory& memory, GuestAddr from, uint64_t count);

  /// Takes up to `count` elements and returns how many.
  Result<uint64_t> read(uint64_t elem_size, UserMemory& memory, GuestAddr to, uint64_t count);

  void state(Archive& ar) override;

 private:
  ~Fifo() override;
  Fifo* peer() const { return static_cast<Fifo*>(peer_object()); }
  void on_peer_closed() override;
  /// Elements from the peer.
  Result<uint64_t> receive(uint64_t elem_size, UserMemory& memory, GuestAddr from, uint64_t count);

  uint32_t elem_count_ = 0;
  uint32_t elem_size_ = 0;
  uint32_t first_ = 0;
  uint32_t used_ = 0;
  std::vector<std::byte> ring_;
};

}  // namespace jacinth::kernel
