#include "kernel/ipc/socket.h"

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {

using abi::SocketDisposition;

namespace {

/// The kernel's lengths: what does not fit is refused, not cut.
constexpr uint64_t kMaxLength = UINT32_MAX;

/// What a disposition changes at the end that it is for, and at the other.
struct Change {
  Signals clear{}, set{};

  void of_own(SocketDisposition disposition) {
    if (disposition == SocketDisposition::kWriteDisabled) {
      clear |= Signals::kSocketWritable;
      set |= Signals::kSocketWriteDisabled;
    } else if (disposition == SocketDisposition::kWriteEnabled) {
      clear |= Signals::kSocketWriteDisabled;
      set |= Signals::kSocketWritable;
    }
  }
  void of_peers(SocketDisposition disposition) {
    if (disposition == SocketDisposition::kWriteDisabled) set |= Signals::kSocketPeerWriteDisabled;
    if (disposition == SocketDisposition::kWriteEnabled) clear |= Signals::kSocketPeerWriteDisabled;
  }
};

}  // namespace

Socket::Socket(Core& core) : PeeredObject(core, kType), data_(core) {}

Socket::~Socket() = default;

std::pair<Ref<Socket>, Ref<Socket>> Socket::create(Core& core, abi::SocketType type) {
  auto a = make_object<Socket>(core);
  auto b = make_object<Socket>(core);
  a->type_ = b->type_ = type;
  pair(*a, *b);
  return {std::move(a), std::move(b)};
}

Result<uint64_t> Socket::write(UserMemory& memory, GuestAddr from, uint64_t size) {
  if (peer() == nullptr) return Status::kPeerClosed;
  if (contains(signals(), Signals::kSocketWriteDisabled)) return Status::kBadState;
  if (size == 0) return 0;
  if (size > kMaxLength) return Status::kInvalidArgs;
  return peer()->receive(memory, from, size);
}

Result<uint64_t> Socket::receive(UserMemory& memory, GuestAddr from, uint64_t size) {
  if (data_.full()) return Status::kShouldWait;
  bool was_empty = data_.empty();
  MBufChain::Moved moved =
      datagrams() ? data_.write_datagram(memory, from, size) : data_.write_stream(memory, from, size);

  // Also after a fault: something may have come before it.
  Signals set{};
  Signals clear_peer{};
  if (moved.bytes > 0) {
    if (was_empty) set |= Signals::kSocketReadable;
    if (read_threshold_ > 0 && data_.size() >= read_threshold_) set |= Signals::kSocketReadThreshold;
    if (room() < peer()->write_threshold_) clear_peer |= Signals::kSocketWriteThreshold;
  }
  if (data_.full()) clear_peer |= Signals::kSocketWritable;
  update_signals(Signals::kNone, set);
  peer()->update_signals(clear_peer, Signals::kNone);

  if (moved.status != Status::kOk) return moved.status;
  return moved.bytes;
}

Result<uint64_t> Socket::read(ReadType type, UserMemory& memory, GuestAddr to, uint64_t size) {
  if (size > kMaxLength) return Status::kInvalidArgs;
  if (data_.empty()) {
    if (peer_closed()) return Status::kPeerClosed;
    return read_disabled_ ? Status::kBadState : Status::kShouldWait;
  }
  if (type == ReadType::kPeek) {
    MBufChain::Moved moved = data_.peek(memory, to, size, datagrams());
    if (moved.status != Status::kOk) return moved.status;
    return moved.bytes;
  }

  bool was_full = data_.full();
  MBufChain::Moved moved = data_.read(memory, to, size, datagrams());

  Signals clear{};
  if (data_.size() < read_threshold_) clear |= Signals::kSocketReadThreshold;
  if (data_.empty()) clear |= Signals::kSocketReadable;
  update_signals(clear, Signals::kNone);
  if (!peer_closed()) {
    Signals set_peer{};
    uint64_t threshold = peer()->write_threshold_;
    if (threshold > 0 && room() >= threshold) set_peer |= Signals::kSocketWriteThreshold;
    if (was_full && moved.bytes > 0) set_peer |= Signals::kSocketWritable;
    peer()->update_signals(Signals::kNone, set_peer);
  }

  if (moved.status != Status::kOk) return moved.status;
  return moved.bytes;
}

bool Socket::peer_may_become(SocketDisposition disposition) const {
  return disposition != SocketDisposition::kWriteEnabled || data_.empty() ||
         !contains(signals(), Signals::kSocketPeerWriteDisabled);
}

void Socket::note_peer(SocketDisposition disposition) {
  if (disposition != SocketDisposition::kUnchanged) {
    read_disabled_ = disposition == SocketDisposition::kWriteDisabled;
  }
}

Status Socket::set_disposition(SocketDisposition disposition, SocketDisposition peers) {
  if (!peer_may_become(peers)) return Status::kBadState;
  Change change;
  change.of_own(disposition);
  // Also of one that is gone, as after zx_socket_shutdown.
  change.of_peers(peers);
  if (!peer_closed()) {
    if (!peer()->peer_may_become(disposition)) return Status::kBadState;
    Change peers_change;
    peers_change.of_own(peers);
    peers_change.of_peers(disposition);
    peer()->note_peer(disposition);
    peer()->update_signals(peers_change.clear, peers_change.set);
  }
  note_peer(peers);
  update_signals(change.clear, change.set);
  return Status::kOk;
}

Status Socket::set_read_threshold(uint64_t threshold) {
  if (threshold > MBufChain::kMaxSize) return Status::kInvalidArgs;
  read_threshold_ = threshold;
  bool reached = threshold > 0 && data_.size() >= threshold;
  update_signals(Signals::kSocketReadThreshold, reached ? Signals::kSocketReadThreshold : Signals::kNone);
  return Status::kOk;
}

Status Socket::set_write_threshold(uint64_t threshold) {
  if (peer_closed()) return Status::kPeerClosed;
  if (threshold > MBufChain::kMaxSize) return Status::kInvalidArgs;
  write_threshold_ = threshold;
  bool reached = threshold > 0 && peer()->room() >= threshold;
  update_signals(Signals::kSocketWriteThreshold, reached ? Signals::kSocketWriteThreshold : Signals::kNone);
  return Status::kOk;
}

abi::InfoSocket Socket::info() const {
  abi::InfoSocket info = {.options = static_cast<uint32_t>(type_),
                          .rx_buf_max = MBufChain::kMaxSize,
                          .rx_buf_size = data_.size(),
                          .rx_buf_available = data_.readable(datagrams())};
  if (!peer_closed()) {
    info.tx_buf_max = MBufChain::kMaxSize;
    info.tx_buf_size = peer()->data_.size();
  }
  return info;
}

void Socket::on_peer_closed() { update_signals(Signals::kSocketWritable, Signals::kSocketPeerClosed); }

void Socket::state(Archive& ar) {
  PeeredObject::state(ar);
  ar(type_, read_disabled_, read_threshold_, write_threshold_, data_);
}

}  // namespace jacinth::kernel
