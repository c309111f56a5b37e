// Sockets whose buffers lie in bad memory: what was moved before the fault stays moved, buffer by buffer
// (kernel/ipc/mbuf.cc).
#include "tests/kernel/syscalls/socket_rig.h"

namespace jacinth::kernel {
namespace {

using Rig = SocketRig;
using Moved = Rig::Moved;

constexpr GuestAddr kEnd = Rig::kMemory + Rig::kMemorySize;
constexpr Moved kFault = {Status::kInvalidArgs, Rig::kUntold};

TEST_CASE("a fault at once moves nothing", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  for (auto type : {abi::SocketType::kStream, abi::SocketType::kDatagram}) {
    auto [a, b] = k.socket(type);
    REQUIRE(k.write(a, Rig::kNowhere, 1) == kFault);
    REQUIRE(k.signals(b) == Rig::kWritable);
    k.send(a, "text");
    REQUIRE(k.read(b, Rig::kNowhere, 4) == kFault);
    REQUIRE(k.read(b, Rig::kNowhere, 4, abi::SocketReadOptions::kPeek) == kFault);
    REQUIRE(k.receive(b, 9) == "text");
  }
}

TEST_CASE("a fault within the first buffer moves nothing", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  REQUIRE(k.write(a, kEnd - 100, 101) == kFault);
  REQUIRE(k.signals(b) == Rig::kWritable);
  k.fill(a, 101);
  REQUIRE(k.read(b, kEnd - 100, 101) == kFault);
  REQUIRE(k.state_of(b).rx_buf_size == 101);
}

TEST_CASE("a stream has what came before a fault, in whole buffers", "[zx_socket_write]") {
  Rig k;
  auto [a, b] = k.socket();
  REQUIRE(k.write(a, kEnd - (2 * Rig::kBuffer + 5), 10'000) == kFault);
  REQUIRE(k.state_of(b).rx_buf_size == 2 * Rig::kBuffer);
  REQUIRE(k.signals(b) == (Rig::kReadable | Rig::kWritable));

  // Where a buffer has room left, that is the first part.
  k.fill(a, 8);
  REQUIRE(k.write(a, kEnd - Rig::kBuffer, 10'000) == kFault);
  REQUIRE(k.state_of(b).rx_buf_size == 3 * Rig::kBuffer);
}

TEST_CASE("a fault while a socket fills up leaves it full", "[zx_socket_write]") {
  Rig k;
  auto [a, b] = k.socket();
  k.fill(a, Rig::kCapacity - Rig::kBuffer);
  REQUIRE(k.set_property<uint64_t>(a, abi::Property::kSocketTxThreshold, 1) == Status::kOk);
  REQUIRE(k.write(a, kEnd - Rig::kBuffer, Rig::kBuffer + 1) == Moved{Status::kOk, Rig::kBuffer});
  REQUIRE(k.signals(a) == Signals::kNone);
}

TEST_CASE("a datagram is not written at all when a part of it is out of reach", "[zx_socket_write]") {
  Rig k;
  auto [a, b] = k.datagram();
  REQUIRE(k.write(a, kEnd - 3 * Rig::kBuffer, 10'000) == kFault);
  REQUIRE(k.state_of(b).rx_buf_size == 0);
  REQUIRE(k.signals(b) == Rig::kWritable);
}

TEST_CASE("what a stream was read before a fault is lost, in whole buffers", "[zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  k.fill(a, Rig::kCapacity);
  REQUIRE(k.read(b, kEnd - (Rig::kBuffer + 100), 10'000, abi::SocketReadOptions::kPeek) == kFault);
  REQUIRE(k.signals(a) == Signals::kNone);
  REQUIRE(k.read(b, kEnd - (Rig::kBuffer + 100), 10'000) == kFault);
  REQUIRE(k.state_of(b).rx_buf_size == Rig::kCapacity - Rig::kBuffer);
  REQUIRE(k.signals(a) == Rig::kWritable);
}

TEST_CASE("half a datagram read away leaves an empty one behind", "[zx_socket_read]") {
  Rig k;
  auto [a, b] = k.datagram();
  k.fill(a, 3 * Rig::kBuffer);
  k.send(a, "next");
  REQUIRE(k.read(b, kEnd - (Rig::kBuffer + 100), 10'000) == kFault);
  REQUIRE(k.state_of(b).rx_buf_available == 0);
  REQUIRE(k.state_of(b).rx_buf_size == 2 * Rig::kBuffer + 4);
  k.reload();
  REQUIRE(k.read(b, Rig::kMemory, 10) == Moved{Status::kOk, 0});
  REQUIRE(k.receive(b, 9) == "next");
}

TEST_CASE("a fault in the count of bytes comes when they are moved", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  REQUIRE(k.call("socket_write", a, 0, k.user_text("abc"), 3, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.state_of(b).rx_buf_size == 3);
  REQUIRE(k.call("socket_read", b, 0, k.room(2), 2, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.receive(b, 9) == "c");
  REQUIRE(k.call("socket_write", a, 0, k.user_text("abc"), 3, nullptr) == Status::kOk);
}

}  // namespace
}  // namespace jacinth::kernel
