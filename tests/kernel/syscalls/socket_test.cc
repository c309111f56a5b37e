// Sockets through calls (kernel/syscalls/socket.cc, kernel/ipc/socket.cc). Faults: socket_fault_test.cc.
#include <deque>

#include "tests/kernel/syscalls/socket_rig.h"
#include "tests/support/random.h"

namespace jacinth::kernel {
namespace {

using Rig = SocketRig;
using Moved = Rig::Moved;
using enum abi::SocketDisposition;

constexpr auto kRxThreshold = abi::Property::kSocketRxThreshold;
constexpr auto kTxThreshold = abi::Property::kSocketTxThreshold;

TEST_CASE("socket_create makes two ends that know each other", "[zx_socket_create]") {
  Rig k;
  for (auto type : {abi::SocketType::kStream, abi::SocketType::kDatagram}) {
    auto [a, b] = k.socket(type);
    REQUIRE(k.basic(a).type == ObjectType::kSocket);
    REQUIRE(k.basic(a).rights == abi::default_rights(ObjectType::kSocket));
    REQUIRE(k.basic(a).related_koid == k.basic(b).koid);
    REQUIRE(k.basic(b).related_koid == k.basic(a).koid);
    REQUIRE(k.signals(a) == Rig::kWritable);
    REQUIRE(k.state_of(b).options == static_cast<uint32_t>(type));
  }
}

TEST_CASE("a socket of July 2020 is shut by who may write to it", "[zx_socket_create][zx_socket_set_disposition]") {
  Rig k;
  k.core().vm().set_july_2020();
  auto [a, b] = k.socket();
  REQUIRE(k.basic(a).rights == (abi::default_rights(ObjectType::kSocket) & ~Rights::kManageSocket));
  Handle reader = k.without(k.duplicate(a), Rights::kWrite);
  constexpr uint32_t kDisabled = 1;
  REQUIRE(k.call("socket_set_disposition", reader, kDisabled, 0) == Status::kAccessDenied);
  REQUIRE(k.call("socket_set_disposition", a, kDisabled, 0) == Status::kOk);
}

TEST_CASE("socket_create refuses other kinds and leaves nothing behind a bad pointer", "[zx_socket_create]") {
  Rig k;
  GuestAddr out = k.room(8);
  for (uint32_t options : {2u, 3u, 4u, 0x8000'0000u})
    REQUIRE(k.call("socket_create", options, out, out + 4) == Status::kInvalidArgs);
  REQUIRE(k.call("socket_create", 0, Rig::kNowhere, out) == Status::kInvalidArgs);
  REQUIRE(k.call("socket_create", 0, out, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.core().counter("dispatcher.socket.create") == 4);
  REQUIRE(k.core().counter("dispatcher.socket.destroy") == 4);
}

TEST_CASE("the job's policy decides whether sockets may be made", "[zx_socket_create]") {
  Rig k;
  REQUIRE(k.call_denied(abi::PolicyCondition::kNewSocket, "socket_create", 0, Rig::kMemory, Rig::kMemory + 4) ==
          Status::kAccessDenied);
  // The policy is asked before the options are looked at.
  REQUIRE(k.call_denied(abi::PolicyCondition::kNewSocket, "socket_create", 9, Rig::kMemory, Rig::kMemory + 4) ==
          Status::kAccessDenied);
}

TEST_CASE("a stream is bytes without borders, each direction for itself", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  k.send(a, "one ");
  k.send(b, "back");
  k.send(a, "two");
  REQUIRE(k.receive(b, 2) == "on");
  REQUIRE(k.receive(b, 100) == "e two");
  REQUIRE(k.read_nothing(b) == Status::kShouldWait);
  REQUIRE(k.receive(a, 100) == "back");
}

TEST_CASE("a stream takes what fits, to the byte, then nothing", "[zx_socket_write]") {
  Rig k;
  auto [a, b] = k.socket();
  REQUIRE(Rig::kCapacity == 257024);
  k.fill(a, Rig::kCapacity - 10);
  REQUIRE(k.write(a, Rig::kMemory, 11) == Moved{Status::kOk, 10});
  REQUIRE(k.write(a, "x") == Moved{Status::kShouldWait, Rig::kUntold});
  REQUIRE(k.signals(a) == Signals::kNone);

  REQUIRE(k.receive(b, 1).size() == 1);
  REQUIRE(k.signals(a) == Rig::kWritable);
  REQUIRE(k.write(a, "xyz") == Moved{Status::kOk, 1});
  REQUIRE(k.write(a, "z").status == Status::kShouldWait);
}

TEST_CASE("signals say whether there is something to read and room to write", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  k.send(a, "12");
  REQUIRE(k.signals(a) == Rig::kWritable);
  REQUIRE(k.signals(b) == (Rig::kReadable | Rig::kWritable));
  k.receive(b, 1);
  REQUIRE(k.signals(b) == (Rig::kReadable | Rig::kWritable));
  k.receive(b, 1);
  REQUIRE(k.signals(b) == Rig::kWritable);
  REQUIRE(k.call("object_signal_peer", a, Rig::kWritable, 0) == Status::kInvalidArgs);
  REQUIRE(k.call("object_signal_peer", a, 0, Signals::kUser1) == Status::kOk);
  REQUIRE(k.signals(b) == (Rig::kWritable | Signals::kUser1));
}

TEST_CASE("peeking leaves bytes and signals", "[zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  REQUIRE(k.read(b, k.room(1), 1, abi::SocketReadOptions::kPeek).status == Status::kShouldWait);
  k.send(a, "abc");
  k.send(a, "def");
  REQUIRE(k.look(b, 2) == "ab");
  REQUIRE(k.look(b, 100) == "abcdef");
  REQUIRE(k.signals(b) == (Rig::kReadable | Rig::kWritable));
  REQUIRE(k.receive(b, 100) == "abcdef");
}

TEST_CASE("reading or writing nothing is fine while there is somebody", "[zx_socket_read][zx_socket_write]") {
  Rig k;
  for (auto type : {abi::SocketType::kStream, abi::SocketType::kDatagram}) {
    auto [a, b] = k.socket(type);
    REQUIRE(k.write(a, GuestAddr{}, 0) == Moved{Status::kOk, 0});
    REQUIRE(k.signals(b) == Rig::kWritable);
    REQUIRE(k.read(b, GuestAddr{}, 0).status == Status::kShouldWait);
    k.send(a, "a");
    REQUIRE(k.read(b, GuestAddr{}, 0) == Moved{Status::kOk, 0});
    REQUIRE(k.receive(b, 9) == "a");
    REQUIRE(k.dispose(a, kWriteDisabled, kUnchanged) == Status::kOk);
    REQUIRE(k.write(a, GuestAddr{}, 0).status == Status::kBadState);
    k.close(b);
    REQUIRE(k.write(a, GuestAddr{}, 0).status == Status::kPeerClosed);
  }
}

TEST_CASE("what a socket holds can be read after its writer closed", "[zx_socket_read][zx_socket_write]") {
  Rig k;
  auto [a, b] = k.socket();
  k.send(a, "last words");
  k.send(b, "unread");
  k.close(a);
  REQUIRE(k.signals(b) == (Rig::kReadable | Signals::kSocketPeerClosed));
  REQUIRE(k.write(b, "x") == Moved{Status::kPeerClosed, Rig::kUntold});
  REQUIRE(k.look(b, 4) == "last");
  REQUIRE(k.receive(b, 100) == "last words");
  REQUIRE(k.signals(b) == Signals::kSocketPeerClosed);
  REQUIRE(k.read_nothing(b) == Status::kPeerClosed);
  REQUIRE(k.call("object_signal_peer", b, 0, Signals::kUser0) == Status::kPeerClosed);
}

TEST_CASE("datagrams keep their borders, and what a reader has no room for is gone",
          "[zx_socket_write][zx_socket_read]") {
  Rig k;
  auto [a, b] = k.datagram();
  std::string large(5000, '.');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  for (const std::string& text : {std::string("first"), std::string("second"), large, large}) k.send(a, text);
  REQUIRE(k.state_of(b).rx_buf_available == 5);
  REQUIRE(k.state_of(b).rx_buf_size == 5 + 6 + 5000 + 5000);

  REQUIRE(k.look(b, 3) == "fir");
  REQUIRE(k.look(b, 100) == "first");
  REQUIRE(k.receive(b, 4) == "firs");
  REQUIRE(k.state_of(b).rx_buf_available == 6);
  REQUIRE(k.receive(b, 100) == "second");
  REQUIRE(k.receive(b, 8000) == large);
  REQUIRE(k.receive(b, 2009) == large.substr(0, 2009));
  REQUIRE(k.state_of(b).rx_buf_available == 0);
  REQUIRE(k.read_nothing(b) == Status::kShouldWait);
  REQUIRE(k.signals(b) == Rig::kWritable);
}

TEST_CASE("a datagram is written whole, later, or never", "[zx_socket_write]") {
  Rig k;
  auto [a, b] = k.datagram();
  REQUIRE(k.write(a, Rig::kMemory, Rig::kCapacity + 1) == Moved{Status::kOutOfRange, Rig::kUntold});
  k.fill(a, Rig::kCapacity - 10);
  REQUIRE(k.write(a, Rig::kMemory, 11) == Moved{Status::kShouldWait, Rig::kUntold});
  REQUIRE(k.write(a, Rig::kMemory, Rig::kCapacity + 1).status == Status::kOutOfRange);
  // Not writable means full, not that this one does not fit.
  REQUIRE(k.signals(a) == Rig::kWritable);
  k.fill(a, 10);
  REQUIRE(k.signals(a) == Signals::kNone);
  REQUIRE(k.write(a, Rig::kMemory, Rig::kCapacity + 1).status == Status::kShouldWait);
  REQUIRE(k.read(b, Rig::kMemory, 1) == Moved{Status::kOk, 1});
  REQUIRE(k.signals(a) == Rig::kWritable);
  REQUIRE(k.state_of(b).rx_buf_size == 10);
}

TEST_CASE("sockets check pointers and options before the handle, type and right", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  GuestAddr text = k.user_text("x");
  for (auto name : {"socket_write", "socket_read"}) {
    REQUIRE(k.call(name, Rig::kBad, 0, nullptr, 1, nullptr) == Status::kInvalidArgs);
    REQUIRE(k.call(name, Rig::kBad, 1, text, 1, nullptr) == Status::kInvalidArgs);
    REQUIRE(k.call(name, Rig::kBad, 0, text, 1, nullptr) == Status::kBadHandle);
    REQUIRE(k.call(name, k.event(), 0, text, 1, nullptr) == Status::kWrongType);
  }
  REQUIRE(k.call("socket_write", a, 8, text, 1, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.call("socket_read", a, 16, text, 1, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.write(k.without(k.duplicate(a), Rights::kWrite), "x").status == Status::kAccessDenied);
  REQUIRE(k.read(k.without(k.duplicate(a), Rights::kRead), text, 1).status == Status::kAccessDenied);
  REQUIRE(k.write(k.without(a, Rights::kRead), "x").status == Status::kOk);
  REQUIRE(k.receive(k.without(b, Rights::kWrite), 1) == "x");
}

TEST_CASE("lengths have 32 bits", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  auto [a, b] = k.socket();
  constexpr uint64_t kTooLong = uint64_t{1} << 32;
  REQUIRE(k.write(a, Rig::kMemory, kTooLong).status == Status::kInvalidArgs);
  REQUIRE(k.read(b, Rig::kMemory, kTooLong).status == Status::kInvalidArgs);
  k.send(a, "x");
  REQUIRE(k.read(b, Rig::kMemory, kTooLong).status == Status::kInvalidArgs);
  REQUIRE(k.write(a, Rig::kMemory, kTooLong - 1) == Moved{Status::kOk, Rig::kCapacity - 1});
  REQUIRE(k.read(b, Rig::kMemory, kTooLong - 1) == Moved{Status::kOk, Rig::kCapacity});
  k.close(b);
  REQUIRE(k.write(a, Rig::kMemory, kTooLong).status == Status::kPeerClosed);
}

TEST_CASE("an end whose writes are disabled cannot write, and its peer reads what is left",
          "[zx_socket_set_disposition]") {
  using Other = abi::SocketDisposition;
  constexpr auto kOff = Signals::kSocketWriteDisabled;
  constexpr auto kPeerOff = Signals::kSocketPeerWriteDisabled;
  for (bool by_peer : {false, true}) {
    CAPTURE(by_peer);
    Rig k;
    auto [a, b] = k.socket();
    auto set = [&, a = a, b = b](Other mine) {
      return by_peer ? k.dispose(b, kUnchanged, mine) : k.dispose(a, mine, kUnchanged);
    };
    k.send(a, "rest");
    REQUIRE(set(kWriteDisabled) == Status::kOk);
    REQUIRE(k.signals(a) == kOff);
    REQUIRE(k.signals(b) == (Rig::kWritable | Rig::kReadable | kPeerOff));
    REQUIRE(k.write(a, "x").status == Status::kBadState);
    k.send(b, "the other way goes on");

    // Not again while something is left to read.
    REQUIRE(set(kWriteEnabled) == Status::kBadState);
    REQUIRE(k.signals(a) == (kOff | Rig::kReadable));
    REQUIRE(k.receive(b, 9) == "rest");
    REQUIRE(k.read_nothing(b) == Status::kBadState);
    REQUIRE(k.receive(a, 99) == "the other way goes on");
    REQUIRE(k.read_nothing(a) == Status::kShouldWait);

    REQUIRE(set(kWriteEnabled) == Status::kOk);
    REQUIRE(k.signals(a) == Rig::kWritable);
    REQUIRE(k.signals(b) == Rig::kWritable);
    REQUIRE(k.read_nothing(b) == Status::kShouldWait);
    k.send(a, "again");
    REQUIRE(k.receive(b, 9) == "again");
  }
}

TEST_CASE("both ends can be disabled at once, and enabled again", "[zx_socket_set_disposition]") {
  Rig k;
  auto [a, b] = k.socket();
  constexpr auto kBoth = Signals::kSocketWriteDisabled | Signals::kSocketPeerWriteDisabled;
  REQUIRE(k.dispose(a, kWriteDisabled, kWriteDisabled) == Status::kOk);
  REQUIRE(k.signals(a) == kBoth);
  REQUIRE(k.signals(b) == kBoth);
  REQUIRE(k.dispose(a, kWriteDisabled, kUnchanged) == Status::kOk);
  REQUIRE(k.dispose(a, kUnchanged, kUnchanged) == Status::kOk);
  REQUIRE(k.signals(a) == kBoth);
  REQUIRE(k.dispose(b, kWriteEnabled, kWriteEnabled) == Status::kOk);
  REQUIRE(k.signals(a) == Rig::kWritable);
  REQUIRE(k.signals(b) == Rig::kWritable);
}

TEST_CASE("what a peer left keeps its writes disabled after it closed", "[zx_socket_set_disposition]") {
  Rig k;
  auto [a, b] = k.socket();
  k.send(a, "left");
  REQUIRE(k.dispose(b, kUnchanged, kWriteDisabled) == Status::kOk);
  REQUIRE(k.dispose(b, kUnchanged, kWriteEnabled) == Status::kBadState);
  k.close(a);
  REQUIRE(k.dispose(b, kUnchanged, kWriteEnabled) == Status::kBadState);
  REQUIRE(k.receive(b, 9) == "left");
  REQUIRE(k.dispose(b, kUnchanged, kWriteEnabled) == Status::kOk);
  REQUIRE(k.read_nothing(b) == Status::kPeerClosed);
}

TEST_CASE("a peer that is gone can still be told to write no more", "[zx_socket_set_disposition]") {
  Rig k;
  auto [a, b] = k.socket();
  REQUIRE(k.dispose(b, kWriteDisabled, kUnchanged) == Status::kOk);
  k.close(a);
  REQUIRE(k.dispose(b, kUnchanged, kWriteDisabled) == Status::kOk);
  REQUIRE(k.signals(b) == (abi::Signals::kSocketPeerClosed | abi::Signals::kSocketWriteDisabled |
                           abi::Signals::kSocketPeerWriteDisabled));
}

TEST_CASE("socket_set_disposition checks its values, then handle, type and right", "[zx_socket_set_disposition]") {
  Rig k;
  auto [a, b] = k.socket();
  for (uint32_t bad : {3u, 4u, 1337u}) {
    REQUIRE(k.call("socket_set_disposition", Rig::kBad, bad, 0) == Status::kInvalidArgs);
    REQUIRE(k.call("socket_set_disposition", Rig::kBad, 0, bad) == Status::kInvalidArgs);
  }
  REQUIRE(k.dispose(Rig::kBad, kUnchanged, kUnchanged) == Status::kBadHandle);
  REQUIRE(k.dispose(k.event(), kUnchanged, kUnchanged) == Status::kWrongType);
  Handle watched = k.without(k.duplicate(a), Rights::kManageSocket);
  REQUIRE(k.dispose(watched, kWriteDisabled, kUnchanged) == Status::kAccessDenied);
  REQUIRE(k.dispose(watched, kUnchanged, kWriteDisabled) == Status::kAccessDenied);
  REQUIRE(k.signals(b) == Rig::kWritable);
}

TEST_CASE("the read threshold is signalled while so much is there",
          "[zx_object_set_property][zx_object_get_property]") {
  Rig k;
  auto [a, b] = k.socket();
  constexpr auto kReached = Signals::kSocketReadThreshold;
  REQUIRE(k.property<uint64_t>(b, kRxThreshold) == 0);
  REQUIRE(k.set_property<uint64_t>(b, kRxThreshold, 3) == Status::kOk);
  REQUIRE(k.property<uint64_t>(k.duplicate(b), kRxThreshold) == 3);
  REQUIRE(k.property<uint64_t>(a, kRxThreshold) == 0);
  k.send(a, "12");
  REQUIRE(k.signals(b) == (Rig::kReadable | Rig::kWritable));
  k.send(a, "3");
  REQUIRE(k.signals(b) == (Rig::kReadable | Rig::kWritable | kReached));
  REQUIRE(k.set_property<uint64_t>(b, kRxThreshold, 4) == Status::kOk);
  REQUIRE(k.signals(b) == (Rig::kReadable | Rig::kWritable));
  REQUIRE(k.set_property<uint64_t>(b, kRxThreshold, 2) == Status::kOk);
  REQUIRE(k.signals(b) == (Rig::kReadable | Rig::kWritable | kReached));
  k.look(b, 3);
  k.receive(b, 1);
  REQUIRE(contains(k.signals(b), kReached));
  k.receive(b, 1);
  REQUIRE_FALSE(contains(k.signals(b), kReached));
  k.send(a, "45");
  REQUIRE(contains(k.signals(b), kReached));
  REQUIRE(k.set_property<uint64_t>(b, kRxThreshold, 0) == Status::kOk);
  REQUIRE_FALSE(contains(k.signals(b), kReached));
}

TEST_CASE("the write threshold is signalled while there is so much room",
          "[zx_object_set_property][zx_object_get_property]") {
  Rig k;
  auto [a, b] = k.socket();
  constexpr auto kReached = Signals::kSocketWriteThreshold;
  REQUIRE(k.set_property<uint64_t>(a, kTxThreshold, Rig::kCapacity) == Status::kOk);
  REQUIRE(k.signals(a) == (Rig::kWritable | kReached));
  k.send(a, "x");
  REQUIRE(k.signals(a) == Rig::kWritable);
  REQUIRE(k.set_property<uint64_t>(a, kTxThreshold, Rig::kCapacity - 1) == Status::kOk);
  REQUIRE(k.property<uint64_t>(a, kTxThreshold) == Rig::kCapacity - 1);
  REQUIRE(k.signals(a) == (Rig::kWritable | kReached));
  k.fill(a, 100);
  REQUIRE(k.signals(a) == Rig::kWritable);
  k.receive(b, 99);
  REQUIRE(k.signals(a) == Rig::kWritable);
  k.receive(b, 1);
  REQUIRE(k.signals(a) == (Rig::kWritable | kReached));
  REQUIRE(k.set_property<uint64_t>(a, kTxThreshold, 0) == Status::kOk);
  REQUIRE(k.signals(a) == Rig::kWritable);
}

TEST_CASE("thresholds are for sockets, no larger than these, and 8 bytes",
          "[zx_object_set_property][zx_object_get_property]") {
  Rig k;
  auto [a, b] = k.socket();
  for (auto which : {kRxThreshold, kTxThreshold}) {
    REQUIRE(k.set_property<uint64_t>(a, which, Rig::kCapacity) == Status::kOk);
    REQUIRE(k.set_property<uint64_t>(a, which, Rig::kCapacity + 1) == Status::kInvalidArgs);
    REQUIRE(k.property<uint64_t>(a, which) == Rig::kCapacity);
    REQUIRE(k.call("object_set_property", a, which, k.room(8), 7) == Status::kBufferTooSmall);
    REQUIRE(k.call("object_get_property", a, which, k.room(8), 7) == Status::kBufferTooSmall);
    REQUIRE(k.call("object_set_property", a, which, Rig::kNowhere, 8) == Status::kInvalidArgs);
    REQUIRE(k.call("object_get_property", a, which, Rig::kNowhere, 8) == Status::kInvalidArgs);
    Handle timer = k.handle(k.process());
    REQUIRE(k.call("object_set_property", timer, which, k.room(8), 8) == Status::kWrongType);
    REQUIRE(k.call("object_get_property", timer, which, k.room(8), 8) == Status::kWrongType);
    REQUIRE(k.call("object_get_property", timer, which, k.room(8), 7) == Status::kBufferTooSmall);
  }
  k.close(b);
  REQUIRE(k.set_property<uint64_t>(a, kTxThreshold, 1) == Status::kPeerClosed);
  REQUIRE(k.set_property<uint64_t>(a, kRxThreshold, 1) == Status::kOk);
}

TEST_CASE("ZX_INFO_SOCKET tells what is in both directions", "[zx_object_get_info]") {
  Rig k;
  auto [a, b] = k.socket();
  k.send(a, "12345");
  k.send(b, "123");
  abi::InfoSocket info = k.state_of(a);
  REQUIRE(info.options == 0);
  REQUIRE(info.rx_buf_max == Rig::kCapacity);
  REQUIRE(info.rx_buf_size == 3);
  REQUIRE(info.rx_buf_available == 3);
  REQUIRE(info.tx_buf_max == Rig::kCapacity);
  REQUIRE(info.tx_buf_size == 5);
  k.close(b);
  info = k.state_of(a);
  REQUIRE(info.rx_buf_size == 3);
  REQUIRE(info.tx_buf_max == 0);
  REQUIRE(info.tx_buf_size == 0);

  GuestAddr out = k.room(48);
  auto ask = [&](Handle handle, uint64_t size) {
    return k.call("object_get_info", handle, abi::InfoTopic::kSocket, out, size, nullptr, nullptr);
  };
  REQUIRE(ask(a, 47) == Status::kBufferTooSmall);
  REQUIRE(ask(k.event(), 48) == Status::kWrongType);
  REQUIRE(ask(k.without(a, Rights::kInspect), 48) == Status::kAccessDenied);
}

TEST_CASE("a socket does what a queue of bytes with a limit does", "[zx_socket_write][zx_socket_read]") {
  Rig k;
  test::Random random(11);
  auto [a, b] = k.socket();
  constexpr GuestAddr kFrom = Rig::kMemory + 0x80000;
  std::deque<uint8_t> model;
  uint8_t next = 0;
  for (int i = 0; i < 300; ++i) {
    uint64_t size = 1 + random.below(random.one_in(3) ? 60'000 : 2 * Rig::kBuffer);
    if (random.below(5) < 3) {
      std::vector<uint8_t> bytes(size);
      for (uint8_t& byte : bytes) byte = next++;
      REQUIRE(k.process()->memory().write(kFrom, std::as_bytes(std::span(bytes))) == Status::kOk);
      uint64_t fits = std::min(size, Rig::kCapacity - model.size());
      Moved moved = k.write(a, kFrom, size);
      REQUIRE(moved == (fits > 0 ? Moved{Status::kOk, fits} : Moved{Status::kShouldWait, Rig::kUntold}));
      model.insert(model.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(fits));
      next = static_cast<uint8_t>(next - (size - fits));
    } else if (!model.empty()) {
      uint64_t fits = std::min<uint64_t>(size, model.size());
      REQUIRE(k.read(b, kFrom, size) == Moved{Status::kOk, fits});
      std::vector<uint8_t> bytes(fits);
      REQUIRE(k.process()->memory().read(kFrom, std::as_writable_bytes(std::span(bytes))) == Status::kOk);
      REQUIRE(std::equal(bytes.begin(), bytes.end(), model.begin()));
      model.erase(model.begin(), model.begin() + static_cast<ptrdiff_t>(fits));
    }
    REQUIRE(contains(k.signals(b), Rig::kReadable) == !model.empty());
    REQUIRE(contains(k.signals(a), Rig::kWritable) == (model.size() < Rig::kCapacity));
  }
}

TEST_CASE("a socket saved and loaded between any two steps goes on the same", "[zx_socket_write][zx_socket_read]") {
  for (auto type : {abi::SocketType::kStream, abi::SocketType::kDatagram}) {
    auto story = [type](bool reload) {
      Rig k;
      auto [a, b] = k.socket(type);
      auto step = [&] {
        if (reload) k.reload();
      };
      step();
      k.send(a, "abcdef");
      REQUIRE(k.set_property<uint64_t>(b, kRxThreshold, 3000) == Status::kOk);
      step();
      REQUIRE(k.receive(b, 3) == "abc");
      step();
      k.fill(a, 4500);
      step();
      REQUIRE(contains(k.signals(b), Signals::kSocketReadThreshold));
      k.fill(a, 1);
      REQUIRE(k.dispose(b, kUnchanged, kWriteDisabled) == Status::kOk);
      step();
      k.drain(b, k.state_of(b).rx_buf_size);
      step();
      REQUIRE(k.read_nothing(b) == Status::kBadState);
      k.close(a);
      step();
      REQUIRE(k.read_nothing(b) == Status::kPeerClosed);
      return k.digest();
    };
    REQUIRE(story(true) == story(false));
  }
}

TEST_CASE("the kernel counts the memory of sockets' buffers", "[zx_socket_write]") {
  Rig k;
  auto [a, b] = k.socket();
  auto total = [&] { return k.core().counter("mbuf.total_bytes") / MBufChain::kBufferSize; };
  auto spare = [&] { return k.core().counter("mbuf.free_list_bytes") / MBufChain::kBufferSize; };
  k.fill(a, Rig::kBuffer + 1);
  REQUIRE(total() == 2);
  k.fill(a, 1);
  REQUIRE(total() == 2);
  k.drain(b, Rig::kBuffer);
  REQUIRE(spare() == 1);
  k.reload();
  k.fill(a, Rig::kBuffer);
  REQUIRE(total() == 2);
  REQUIRE(spare() == 0);
  k.close(a);
  k.close(b);
  REQUIRE(total() == 0);
}

}  // namespace
}  // namespace jacinth::kernel
