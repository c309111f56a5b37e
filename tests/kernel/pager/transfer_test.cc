// Bytes between objects and memory that a pager has yet to bring: a transfer waits for each page, moves everything once
// and shows nothing of it before, or ends as a bad buffer does when the pager cannot bring one.
#include "kernel/abi/fifo.h"
#include "kernel/abi/socket.h"
#include "kernel/ipc/fifo.h"
#include "kernel/ipc/socket.h"
#include "tests/kernel/pager/late_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

/// A socket takes and gives bytes in buffers of so many (kernel/ipc/mbuf.h).
constexpr uint64_t kBuffer = 2008;

struct TransferRig : LateRig {
  static constexpr uint64_t kUntold = 0xdead'beef;

  GuestAddr actual = user(kUntold);
  uint64_t told() { return peek<uint64_t>(actual); }

  std::pair<Handle, Handle> socket(abi::SocketType type = abi::SocketType::kStream) {
    return ends("socket_create", type);
  }
  uint64_t waiting_in(Handle socket) { return object<Socket>(socket)->info().rx_buf_size; }
  bool readable(Handle object_handle) {
    return contains(object<Object>(object_handle)->signals(), Signals::kSocketReadable);
  }
  uint32_t word_at(GuestAddr address) { return peek<uint32_t>(address); }
};
using Rig = TransferRig;

// --- sockets ---

TEST_CASE("a socket shows what is written once all of it has come", "[zx_socket_write]") {
  for (auto type : {abi::SocketType::kStream, abi::SocketType::kDatagram}) {
    Rig k;
    auto [a, b] = k.socket(type);
    GuestAddr from = k.absent(3);
    Made& call = k.start(k.thread(), "socket_write", a, 0, from, 3 * kPageSize, k.actual);
    for (uint64_t page = 0; page < 3; ++page) {
      REQUIRE(call.status() == Status::kParked);
      REQUIRE(k.waiting_in(b) == 0);
      REQUIRE_FALSE(k.readable(b));
      k.reload();
      k.bring(from + page * kPageSize);
    }
    REQUIRE(call.status() == Status::kOk);
    REQUIRE(k.told() == 3 * kPageSize);
    REQUIRE(k.waiting_in(b) == 3 * kPageSize);

    GuestAddr to = k.room(3 * kPageSize);
    REQUIRE(k.call("socket_read", b, 0, to, 3 * kPageSize, nullptr) == Status::kOk);
    for (uint64_t page = 0; page < 3; ++page)
      REQUIRE(k.word_at(to + page * kPageSize) == k.brought(from + page * kPageSize));
    REQUIRE(k.waiting_in(b) == 0);
  }
}

TEST_CASE("a socket is written to up to the page that does not come, in whole buffers", "[zx_socket_write]") {
  Rig k;
  auto [a, b] = k.socket();
  GuestAddr from = k.absent(2);
  Made& call = k.start(k.thread(), "socket_write", a, 0, from, 2 * kPageSize, k.actual);
  k.bring(from);
  REQUIRE(call.status() == Status::kParked);
  k.refuse(from + kPageSize);
  REQUIRE(call.status() == Status::kInvalidArgs);
  REQUIRE(k.told() == Rig::kUntold);
  REQUIRE(k.waiting_in(b) == kPageSize / kBuffer * kBuffer);

  // A datagram is all or nothing.
  auto [c, d] = k.socket(abi::SocketType::kDatagram);
  GuestAddr lost = k.absent(2);
  Made& datagram = k.start(k.thread(), "socket_write", c, 0, lost, 2 * kPageSize, k.actual);
  k.bring(lost);
  k.refuse(lost + kPageSize);
  REQUIRE(datagram.status() == Status::kInvalidArgs);
  REQUIRE(k.waiting_in(d) == 0);
}

TEST_CASE("a socket keeps what is read until there is room for all of it", "[zx_socket_read]") {
  for (auto type : {abi::SocketType::kStream, abi::SocketType::kDatagram}) {
    Rig k;
    auto [a, b] = k.socket(type);
    uint64_t size = kPageSize + 100;
    GuestAddr from = k.room(size);
    k.poke(from, uint32_t{4711});
    k.poke(from + kPageSize, uint32_t{4712});
    REQUIRE(k.call("socket_write", a, 0, from, size, nullptr) == Status::kOk);

    GuestAddr to = k.absent(2);
    Made& call = k.start(k.thread(), "socket_read", b, 0, to, size, k.actual);
    for (uint64_t page = 0; page < 2; ++page) {
      REQUIRE(call.status() == Status::kParked);
      REQUIRE(k.waiting_in(b) == size);
      k.reload();
      k.bring(to + page * kPageSize);
    }
    REQUIRE(call.status() == Status::kOk);
    REQUIRE(k.told() == size);
    REQUIRE(k.waiting_in(b) == 0);
    REQUIRE(k.word_at(to) == 4711);
    REQUIRE(k.word_at(to + kPageSize) == 4712);
  }
}

TEST_CASE("a read into a page that does not come loses what was read before it", "[zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  REQUIRE(k.call("socket_write", a, 0, k.room(2 * kPageSize), 2 * kPageSize, nullptr) == Status::kOk);
  GuestAddr to = k.absent(2);
  Made& call = k.start(k.thread(), "socket_read", b, 0, to, 2 * kPageSize, k.actual);
  k.bring(to);
  REQUIRE(call.status() == Status::kParked);
  k.refuse(to + kPageSize);
  REQUIRE(call.status() == Status::kInvalidArgs);
  REQUIRE(k.waiting_in(b) == 2 * kPageSize - kPageSize / kBuffer * kBuffer);

  // Nothing is lost by looking.
  GuestAddr peeked = k.absent();
  Made& peek = k.start(k.thread(), "socket_read", b, abi::SocketReadOptions::kPeek, peeked, 10, k.actual);
  k.refuse(peeked);
  REQUIRE(peek.status() == Status::kInvalidArgs);
  REQUIRE(k.waiting_in(b) == 2 * kPageSize - kPageSize / kBuffer * kBuffer);
}

TEST_CASE("a transfer whose pager goes away ends as one with a bad buffer", "[zx_socket_write][zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.socket();
  auto [c, d] = k.ends("fifo_create", 8, 8, 0);
  REQUIRE(k.call("fifo_write", c, 8, k.room(8), 1, nullptr) == Status::kOk);
  Made& write = k.start(k.thread(), "socket_write", a, 0, k.absent(), 4, k.actual);
  Made& read = k.start(k.thread(), "fifo_read", d, 8, k.absent(), 1, k.actual);
  REQUIRE(k.detach(k.slow) == Status::kOk);
  REQUIRE(write.status() == Status::kInvalidArgs);
  REQUIRE(read.status() == Status::kInvalidArgs);
  REQUIRE(k.waiting_in(b) == 0);
  REQUIRE(contains(k.object<Fifo>(d)->signals(), Signals::kFifoReadable));
  REQUIRE(k.told() == Rig::kUntold);
}

TEST_CASE("a thread that dies while its bytes come has moved none", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  GuestAddr from = k.absent(2);
  Made& write = k.start(k.thread(), "socket_write", a, 0, from, 2 * kPageSize, k.actual);
  k.bring(from);
  REQUIRE(write.status() == Status::kParked);
  write.thread->kill();
  k.kernel().settle();
  REQUIRE(k.waiting_in(b) == 0);
}

TEST_CASE("a transfer looks again at the other end after it waited", "[zx_socket_write][zx_fifo_write]") {
  Rig k;
  auto [a, b] = k.socket();
  auto [c, d] = k.ends("fifo_create", 8, 8, 0);
  GuestAddr from = k.absent(2);
  Made& socket = k.start(k.thread(), "socket_write", a, 0, from, 4, k.actual);
  Made& fifo = k.start(k.thread(), "fifo_write", c, 8, from + kPageSize, 1, k.actual);
  k.close(b);
  k.close(d);
  k.bring(from);
  k.bring(from + kPageSize);
  REQUIRE(socket.status() == Status::kPeerClosed);
  REQUIRE(fifo.status() == Status::kPeerClosed);
}

// --- FIFOs ---

TEST_CASE("a FIFO has all elements of a write, or none", "[zx_fifo_write]") {
  Rig k;
  auto [a, b] = k.ends("fifo_create", 512, 8, 0);
  GuestAddr from = k.absent(2) + kPageSize - 16;
  Made& call = k.start(k.thread(), "fifo_write", a, 8, from, 4, k.actual);
  k.bring(from);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE_FALSE(contains(k.object<Fifo>(b)->signals(), Signals::kFifoReadable));
  k.reload();
  k.bring(from + 16);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.told() == 4);
  GuestAddr to = k.room(512 * 8);
  GuestAddr count = k.user(uint64_t{0});
  REQUIRE(k.call("fifo_read", b, 8, to, 512, count) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(count) == 4);
  REQUIRE(k.word_at(to + 16) == k.brought(from + 16));

  GuestAddr lost = k.absent(2) + kPageSize - 16;
  Made& fails = k.start(k.thread(), "fifo_write", a, 8, lost, 4, k.actual);
  k.bring(lost);
  k.refuse(lost + 16);
  REQUIRE(fails.status() == Status::kInvalidArgs);
  REQUIRE(k.call("fifo_read", b, 8, to, 512, count) == Status::kShouldWait);
}

TEST_CASE("a FIFO keeps its elements until there is room for them", "[zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.ends("fifo_create", 4, 8, 0);
  std::array<uint64_t, 4> elements = {1, 2, 3, 4};
  REQUIRE(k.call("fifo_write", a, 8, k.user(elements), 4, nullptr) == Status::kOk);
  GuestAddr lost = k.absent();
  Made& fails = k.start(k.thread(), "fifo_read", b, 8, lost, 4, k.actual);
  k.refuse(lost);
  REQUIRE(fails.status() == Status::kInvalidArgs);

  GuestAddr to = k.absent(2) + kPageSize - 16;
  Made& call = k.start(k.thread(), "fifo_read", b, 8, to, 4, k.actual);
  k.bring(to);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE_FALSE(contains(k.object<Fifo>(a)->signals(), Signals::kFifoWritable));
  k.reload();
  k.bring(to + 16);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.told() == 4);
  for (uint64_t i = 0; i < 4; ++i) REQUIRE(k.peek<uint64_t>(to, i) == i + 1);
  REQUIRE(k.call("fifo_read", b, 8, k.room(8), 1, nullptr) == Status::kShouldWait);
}

// --- channels ---

TEST_CASE("a message is sent once, when all of it has come", "[zx_channel_write]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle event = k.make("event_create", 0);
  GuestAddr from = k.absent(2);
  Made& call = k.start(k.thread(), "channel_write", a, 0, from, 2 * kPageSize, k.user(event), 1);
  k.bring(from);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE(k.valid(event));
  REQUIRE(k.call("channel_read", b, 0, nullptr, nullptr, 0, 0, nullptr, nullptr) == Status::kShouldWait);
  k.reload();
  k.bring(from + kPageSize);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE_FALSE(k.valid(event));
  GuestAddr to = k.room(2 * kPageSize);
  REQUIRE(k.call("channel_read", b, 0, to, k.room(4), 2 * kPageSize, 1, nullptr, nullptr) == Status::kOk);
  REQUIRE(k.word_at(to + kPageSize) == k.brought(from + kPageSize));
  REQUIRE(k.call("channel_read", b, 0, nullptr, nullptr, 0, 0, nullptr, nullptr) == Status::kShouldWait);
}

TEST_CASE("a message is taken once, and told when its pages have come", "[zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  GuestAddr text = k.room(kPageSize + 4);
  k.poke(text + kPageSize, uint32_t{815});
  REQUIRE(k.call("channel_write", a, 0, text, kPageSize + 4, nullptr, 0) == Status::kOk);
  REQUIRE(k.call("channel_write", a, 0, text, 8, nullptr, 0) == Status::kOk);

  GuestAddr to = k.absent(2);
  Made& call = k.start(k.thread(), "channel_read", b, 0, to, nullptr, 2 * kPageSize, 0, k.actual, k.room(4));
  REQUIRE(call.status() == Status::kParked);
  k.reload();
  k.bring(to);
  k.bring(to + kPageSize);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.peek<uint32_t>(k.actual) == kPageSize + 4);
  REQUIRE(k.word_at(to + kPageSize) == 815);
  // The second one is still there, and it alone.
  GuestAddr size = k.room(4);
  REQUIRE(k.call("channel_read", b, 0, k.room(8), nullptr, 8, 0, size, k.room(4)) == Status::kOk);
  REQUIRE(k.peek<uint32_t>(size) == 8);
}

// --- VMOs ---

TEST_CASE("both sides of a copy may have to come", "[zx_vmo_read][zx_vmo_write]") {
  Rig k;
  Handle source = k.vmo(2);
  GuestAddr to = k.absent(2);
  Made& read = k.start(k.thread(), "vmo_read", source, to, 0, kPageSize + 4);
  for (uint64_t page = 0; page < 2; ++page) {
    REQUIRE(read.status() == Status::kParked);
    REQUIRE(k.supply(source, page, 1, 500) == Status::kOk);
    REQUIRE(read.status() == Status::kParked);
    k.reload();
    k.bring(to + page * kPageSize);
  }
  REQUIRE(read.status() == Status::kOk);
  REQUIRE(k.word_at(to) == 500);
  REQUIRE(k.word_at(to + kPageSize) == 501);

  Handle target = k.vmo(2);
  GuestAddr from = k.absent(2);
  Made& write = k.start(k.thread(), "vmo_write", target, from, 0, kPageSize + 4);
  REQUIRE(write.status() == Status::kParked);
  REQUIRE(k.supply(target, 0, 2, 600) == Status::kOk);
  for (uint64_t page = 0; page < 2; ++page) {
    REQUIRE(write.status() == Status::kParked);
    k.reload();
    k.bring(from + page * kPageSize);
  }
  REQUIRE(write.status() == Status::kOk);
  REQUIRE(k.word(target, 0) == k.brought(from));
  REQUIRE(k.word(target, 1) == k.brought(from + kPageSize));
}

TEST_CASE("a copy fails with what the pager of its buffer says", "[zx_vmo_read][zx_vmo_write]") {
  Rig k;
  Handle vmo = k.plain(2);
  for (const char* name : {"vmo_read", "vmo_write"}) {
    GuestAddr buffer = k.absent();
    Made& call = k.start(k.thread(), name, vmo, buffer, 0, 4);
    REQUIRE(call.status() == Status::kParked);
    k.refuse(buffer);
    REQUIRE(call.status() == Status::kIo);
  }
  Made& detached = k.start(k.thread(), "vmo_read", vmo, k.absent(), 0, 4);
  REQUIRE(k.detach(k.slow) == Status::kOk);
  REQUIRE(detached.status() == Status::kBadState);
}

}  // namespace
}  // namespace jacinth::kernel
