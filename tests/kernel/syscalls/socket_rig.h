// Words for tests of sockets.
#pragma once

#include <string>
#include <string_view>

#include "kernel/ipc/socket.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {

struct SocketRig : IpcRig {
  using IpcRig::IpcRig;

  static constexpr auto kWritable = Signals::kSocketWritable;
  static constexpr auto kReadable = Signals::kSocketReadable;
  static constexpr uint64_t kCapacity = MBufChain::kMaxSize;
  static constexpr uint64_t kBuffer = MBufChain::kPayloadSize;

  std::pair<Handle, Handle> datagram() { return socket(abi::SocketType::kDatagram); }

  struct Moved {
    Status status;
    uint64_t bytes;
    bool operator==(const Moved&) const = default;
  };
  static constexpr uint64_t kUntold = 0xdead'beef;

  Moved write(Handle socket, GuestAddr from, uint64_t size) {
    GuestAddr actual = user(kUntold);
    Status status = call("socket_write", socket, 0, from, size, actual);
    return {status, peek<uint64_t>(actual)};
  }
  Moved write(Handle socket, std::string_view text) { return write(socket, user_text(text), text.size()); }
  void send(Handle socket, std::string_view text) { REQUIRE(write(socket, text) == Moved{Status::kOk, text.size()}); }
  /// Writes as many bytes without telling them apart.
  void fill(Handle socket, uint64_t size) { REQUIRE(write(socket, kMemory, size) == Moved{Status::kOk, size}); }

  Moved read(Handle socket, GuestAddr to, uint64_t size,
             abi::SocketReadOptions options = abi::SocketReadOptions::kNone) {
    GuestAddr actual = user(kUntold);
    Status status = call("socket_read", socket, options, to, size, actual);
    return {status, peek<uint64_t>(actual)};
  }
  std::string receive(Handle socket, uint64_t size, abi::SocketReadOptions options = abi::SocketReadOptions::kNone) {
    GuestAddr to = room(size);
    Moved moved = read(socket, to, size, options);
    REQUIRE(moved.status == Status::kOk);
    return text(to, moved.bytes);
  }
  std::string look(Handle socket, uint64_t size) { return receive(socket, size, abi::SocketReadOptions::kPeek); }
  /// Reads as many bytes, whatever they are.
  void drain(Handle socket, uint64_t size) {
    while (size > 0) {
      Moved moved = read(socket, kMemory, std::min<uint64_t>(size, kMemorySize));
      REQUIRE(moved.status == Status::kOk);
      size -= moved.bytes;
    }
  }
  Status read_nothing(Handle socket) { return read(socket, room(1), 1).status; }
  abi::InfoSocket state_of(Handle socket) { return info<abi::InfoSocket>(socket, abi::InfoTopic::kSocket); }

  Status dispose(Handle socket, abi::SocketDisposition own, abi::SocketDisposition peers) {
    return call("socket_set_disposition", socket, own, peers);
  }
};

}  // namespace jacinth::kernel
