// What programs send each other without reading it fills the machine's memory, not the host's
// (kernel/object/ipc_memory.h, kernel/ipc).
#include "tests/kernel/syscalls/socket_rig.h"

namespace jacinth::kernel {
namespace {

constexpr GuestAddr kBytes = IpcRig::kMemory;
constexpr uint64_t kLargest = 65536;
constexpr uint64_t kReserve = 32;  // kernel.bufferchain.reserve-pages, of one CPU.

uint64_t pages(IpcRig& k) { return k.core().ipc_memory().pages(); }

TEST_CASE("messages take the machine's memory until it has no more", "[zx_channel_write]") {
  IpcRig k;
  auto [a, b] = k.channel();
  Handle event = k.event();
  GuestAddr handles = k.user_handles({event});
  GuestAddr out = k.room(kLargest);
  auto write = [&, a = a](uint64_t size, uint32_t count) {
    return k.call("channel_write", a, 0, kBytes, size, handles, count);
  };
  auto read = [&, b = b] { return k.call("channel_read", b, 0, out, nullptr, kLargest, 0, nullptr, nullptr); };
  REQUIRE(write(kLargest, 0) == Status::kOk);
  REQUIRE(read() == Status::kOk);

  uint64_t written = 0;
  Status status = Status::kOk;
  while ((status = write(kLargest, 0)) == Status::kOk) ++written;
  REQUIRE(status == Status::kNoMemory);
  REQUIRE(written > 10);
  REQUIRE(written * kLargest < KernelRig::kRamSize);
  REQUIRE(pages(k) >= written * kLargest / kPageSize);

  // The handles of a message that finds no room are gone with it.
  REQUIRE(write(kLargest, 1) == Status::kNoMemory);
  REQUIRE_FALSE(k.valid(event));

  REQUIRE(read() == Status::kOk);
  REQUIRE(write(kLargest, 0) == Status::kOk);
  k.reload();
  REQUIRE(write(kLargest, 0) == Status::kNoMemory);
  for (uint64_t i = 0; i < written; ++i) REQUIRE(read() == Status::kOk);
  REQUIRE(read() == Status::kShouldWait);
  REQUIRE(pages(k) <= kReserve + 1);
}

TEST_CASE("messages that nobody read give their memory back with the channel", "[zx_handle_close]") {
  IpcRig k;
  auto [a, b] = k.channel();
  for (int i = 0; i < 20; ++i) REQUIRE(k.call("channel_write", a, 0, kBytes, kLargest, nullptr, 0) == Status::kOk);
  REQUIRE(pages(k) > 320);
  k.close(b);
  REQUIRE(pages(k) <= kReserve + 1);
}

TEST_CASE("sockets take the machine's memory until it has no more", "[zx_socket_write]") {
  for (auto type : {abi::SocketType::kStream, abi::SocketType::kDatagram}) {
    SocketRig k;
    std::vector<std::pair<Handle, Handle>> sockets;
    constexpr size_t kSockets = 40;
    for (size_t i = 0; i < kSockets; ++i) sockets.push_back(k.socket(type));
    GuestAddr actual = k.user(uint64_t{0});
    auto write = [&](size_t index) {
      return k.call("socket_write", sockets[index].first, 0, kBytes, SocketRig::kCapacity, actual);
    };
    size_t full = 0;
    while (write(full) == Status::kOk && k.peek<uint64_t>(actual) == SocketRig::kCapacity) ++full;
    REQUIRE(full > 5);
    REQUIRE(full < kSockets);
    REQUIRE(write(full) == Status::kShouldWait);
    REQUIRE(contains(k.signals(sockets[full].first), SocketRig::kWritable));

    k.close(sockets[0].first);
    k.close(sockets[0].second);
    REQUIRE(write(full) == Status::kOk);
    for (size_t i = 1; i < kSockets; ++i) {
      k.close(sockets[i].first);
      k.close(sockets[i].second);
    }
    REQUIRE(pages(k) <= kReserve + 1);
  }
}

}  // namespace
}  // namespace jacinth::kernel
