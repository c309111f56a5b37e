// Sockets: a stream of bytes or a row of datagrams in each direction (zircon/kernel/object/socket_dispatcher.cc).
//
//   write --> [ chain of the peer ] --> read          each end holds what its peer wrote
//
// An end whose writes are disabled can be enabled again once the other end has read all.
//
// Left out: nothing of this revision. The control plane and accepting of earlier years are gone from it.
#pragma once

#include <cstdint>
#include <utility>

#include "kernel/abi/info_handle.h"
#include "kernel/abi/socket.h"
#include "kernel/ipc/mbuf.h"
#include "kernel/object/peered.h"

namespace jacinth::kernel {

class Socket final : public PeeredObject {
 public:
  static constexpr ObjectType kType = ObjectType::kSocket;

  static std::pair<Ref<Socket>, Ref<Socket>> create(Core& core, abi::SocketType type);
  /// One end without the other: for loading.
  explicit Socket(Core& core);

  /// Sends as much as the peer has room for, or one datagram; how many bytes that was. A stream keeps what it got
  /// before a fault of the guest's memory.
  Result<uint64_t> write(UserMemory& memory, GuestAddr from, uint64_t size);

  enum class ReadType : uint8_t { kConsume, kPeek };
  /// Takes up to `size` bytes, or one datagram. Once the peer cannot write any more and all is read: kPeerClosed, or
  /// kBadState if it may not. What was read before a fault of the guest's memory is lost.
  Result<uint64_t> read(ReadType type, UserMemory& memory, GuestAddr to, uint64_t size);

  /// Lets this end and the peer write, or not. kBadState and no change when what one of them wrote is still there and
  /// it shall be enabled again.
  Status set_disposition(abi::SocketDisposition disposition, abi::SocketDisposition peers);

  /// From how many bytes to read, and of room to write, the threshold signals are active; 0 for never.
  uint64_t read_threshold() const { return read_threshold_; }
  uint64_t write_threshold() const { return write_threshold_; }
  Status set_read_threshold(uint64_t threshold);
  Status set_write_threshold(uint64_t threshold);

  abi::InfoSocket info() const;

  void state(Archive& ar) override;

 private:
  ~Socket() override;
  Socket* peer() const { return static_cast<Socket*>(peer_object()); }
  void on_peer_closed() override;
  bool datagrams() const { return type_ == abi::SocketType::kDatagram; }
  uint64_t room() const { return MBufChain::kMaxSize - data_.size(); }
  /// Data from the peer.
  Result<uint64_t> receive(UserMemory& memory, GuestAddr from, uint64_t size);
  /// Whether the peer's writes may be set so.
  bool peer_may_become(abi::SocketDisposition disposition) const;
  void note_peer(abi::SocketDisposition disposition);

  abi::SocketType type_ = abi::SocketType::kStream;
  bool read_disabled_ = false;
  uint64_t read_threshold_ = 0;
  uint64_t write_threshold_ = 0;
  MBufChain data_;
};

}  // namespace jacinth::kernel
