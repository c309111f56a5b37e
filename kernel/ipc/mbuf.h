// What a socket holds for its reader: a chain of small buffers, one stream of bytes or a row of datagrams
// (zircon/kernel/object/mbuf.cc).
//
//   write --> [ 2008 bytes ][ 2008 bytes ][ 40 bytes ...] --> read
//
// The size of a buffer shows in one place: a transfer is done buffer by buffer, and a fault of the guest's memory in
// one of them leaves done what was done before. A stream then has the first part of what the guest wanted to write, and
// lost the first part of what it wanted to read; a datagram is written whole or not, but half of it can be read away.
//
// Left out: the bytes of a buffer that were read are given back with the buffer, as there, but the buffers are
// allocated as large as a datagram needs; the counters say what the real ones would take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "emu/base/address.h"
#include "kernel/abi/names.h"
#include "kernel/ipc/ring.h"
#include "kernel/object/user_memory.h"

namespace jacinth::kernel {

class Core;

class MBufChain {
 public:
  /// A buffer and its header fill a block of 2 KiB with the allocator's own header.
  static constexpr uint32_t kBlockSize = 2048;
  static constexpr uint32_t kBufferSize = kBlockSize - 16;
  static constexpr uint32_t kPayloadSize = kBufferSize - (8 + 4 * 4);
  static constexpr uint64_t kMaxSize = uint64_t{128} * kPayloadSize;

  explicit MBufChain(Core& core) : core_(core) {}
  ~MBufChain();
  MBufChain(const MBufChain&) = delete;
  MBufChain& operator=(const MBufChain&) = delete;

  uint64_t size() const { return size_; }
  /// Of the first datagram, or of all.
  uint64_t readable(bool datagram) const;
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ >= kMaxSize; }

  /// How a transfer ended, and how much was transferred: a failure may come after a part. After kParked nothing was.
  struct Moved {
    Status status = Status::kOk;
    uint64_t bytes = 0;
  };

  /// As much as there is room for.
  Moved write_stream(UserMemory& memory, GuestAddr from, uint64_t length);
  /// All of it: kShouldWait when there is no room now, kOutOfRange when there never is.
  Moved write_datagram(UserMemory& memory, GuestAddr from, uint64_t length);

  /// Up to `length` bytes, of the first datagram if they are datagrams; the rest of that one is dropped. Peeking leaves
  /// everything as it is.
  Moved read(UserMemory& memory, GuestAddr to, uint64_t length, bool datagram);
  Moved peek(UserMemory& memory, GuestAddr to, uint64_t length, bool datagram);

  void state(Archive& ar);

 private:
  struct MBuf {
    std::unique_ptr<std::byte[]> bytes;
    uint32_t capacity = 0;
    uint32_t begin = 0;  // What is before it was read already.
    uint32_t end = 0;
    uint32_t packet = 0;  // The size of the datagram that begins here; 0 inside one, and in streams.

    uint32_t size() const { return end - begin; }
  };

  /// A spare one, or a new one; nothing when the machine has no memory for it.
  std::optional<MBuf> allocate(uint32_t capacity);
  void spare(size_t count);
  void add(MBuf mbuf);
  void drop_front();

  Core& core_;
  Ring<MBuf> mbufs_;
  uint64_t size_ = 0;
  uint64_t spare_ = 0;  // Buffers that the real chain would keep for later.
};

}  // namespace jacinth::kernel
