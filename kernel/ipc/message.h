// A message on its way through a channel: bytes and handles (zircon/kernel/object/message_packet.cc).
//
// The bytes are copied once in, from the sender's memory to here, and once out, from here to the receiver's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kernel/abi/channel.h"
#include "kernel/object/handle_table.h"

namespace jacinth::kernel {

class Message {
 public:
  Message() = default;
  /// `size` bytes whose contents are still to be written.
  explicit Message(uint32_t size);
  Message(Message&& other) noexcept
      : handles(std::move(other.handles)), size_(std::exchange(other.size_, 0)), bytes_(std::move(other.bytes_)) {}
  Message& operator=(Message&& other) noexcept {
    handles = std::move(other.handles);
    size_ = std::exchange(other.size_, 0);
    bytes_ = std::move(other.bytes_);
    return *this;
  }

  uint32_t size() const { return size_; }
  std::span<std::byte> bytes() { return {bytes_.get(), size_}; }
  std::span<const std::byte> bytes() const { return {bytes_.get(), size_}; }

  /// The first four bytes, which calls on channels use to pair requests and replies; 0 for a shorter message.
  uint32_t txid() const;
  void set_txid(uint32_t txid);

  std::vector<HandleOwner> handles;

  void state(Archive& ar);

 private:
  uint32_t size_ = 0;
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace jacinth::kernel
