// Words for tests of streams.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernel/abi/stream.h"
#include "kernel/abi/vmo.h"
#include "kernel/vm/stream.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {

struct StreamRig : IpcRig {
  using IpcRig::IpcRig;

  static constexpr auto kRead = abi::StreamOptions::kModeRead;
  static constexpr auto kWrite = abi::StreamOptions::kModeWrite;
  static constexpr auto kBoth = kRead | kWrite;
  static constexpr auto kAppend = abi::StreamOptions::kModeAppend;
  static constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz";
  static constexpr uint64_t kUntold = 0xdead'beef;

  /// A VMO with a page, say, of which the text is the content.
  Handle vmo(std::string_view content, uint64_t size = kPageSize, abi::VmoOptions options = abi::VmoOptions::kNone) {
    Handle vmo = make("vmo_create", size, options);
    write_vmo(vmo, 0, content);
    REQUIRE(set_content_size(vmo, content.size()) == Status::kOk);
    return vmo;
  }
  Handle resizable(std::string_view content) { return vmo(content, kPageSize, abi::VmoOptions::kResizable); }
  void write_vmo(Handle vmo, uint64_t offset, std::string_view text) {
    REQUIRE(call("vmo_write", vmo, user_text(text), offset, text.size()) == Status::kOk);
  }
  std::string read_vmo(Handle vmo, uint64_t offset, uint64_t size) {
    GuestAddr to = room(size);
    REQUIRE(call("vmo_read", vmo, to, offset, size) == Status::kOk);
    return text(to, size);
  }
  /// Everything up to the last byte that is no zero.
  std::string data(Handle vmo) {
    std::string all = read_vmo(vmo, 0, vmo_size(vmo));
    return all.substr(0, all.find_last_not_of('\0') + 1);
  }
  uint64_t vmo_size(Handle vmo) {
    GuestAddr out = room(8);
    REQUIRE(call("vmo_get_size", vmo, out) == Status::kOk);
    return peek<uint64_t>(out);
  }
  uint64_t content_size(Handle vmo) { return property<uint64_t>(vmo, abi::Property::kVmoContentSize); }
  Status set_content_size(Handle vmo, uint64_t size) { return set_property(vmo, abi::Property::kVmoContentSize, size); }

  Handle stream(Handle vmo, abi::StreamOptions options = kBoth, uint64_t seek = 0) {
    return make("stream_create", options, vmo, seek);
  }
  uint64_t place(Handle stream) { return info<abi::InfoStream>(stream, abi::InfoTopic::kStream).seek; }

  using Buffers = std::vector<abi::Iovec>;
  GuestAddr put(const Buffers& buffers) {
    GuestAddr at = room(buffers.size() * sizeof(abi::Iovec));
    for (size_t i = 0; i < buffers.size(); ++i) poke(at + i * sizeof(abi::Iovec), buffers[i]);
    return at;
  }
  static abi::Iovec buffer(GuestAddr at, uint64_t size) { return {.buffer = at.value, .capacity = size}; }
  abi::Iovec buffer(std::string_view text) { return buffer(user_text(text), text.size()); }

  struct Moved {
    Status status;
    uint64_t bytes;
    bool operator==(const Moved&) const = default;
  };
  static Moved moved(uint64_t bytes) { return {Status::kOk, bytes}; }
  static Moved failed(Status status) { return {status, kUntold}; }
  Moved readv(Handle stream, const Buffers& buffers) {
    GuestAddr actual = user(kUntold);
    Status status = call("stream_readv", stream, 0, put(buffers), buffers.size(), actual);
    return {status, peek<uint64_t>(actual)};
  }
  Moved readv_at(Handle stream, uint64_t offset, const Buffers& buffers) {
    GuestAddr actual = user(kUntold);
    Status status = call("stream_readv_at", stream, 0, offset, put(buffers), buffers.size(), actual);
    return {status, peek<uint64_t>(actual)};
  }
  Moved writev(Handle stream, const Buffers& buffers,
               abi::StreamWriteOptions options = abi::StreamWriteOptions::kNone) {
    GuestAddr actual = user(kUntold);
    Status status = call("stream_writev", stream, options, put(buffers), buffers.size(), actual);
    return {status, peek<uint64_t>(actual)};
  }
  Moved appendv(Handle stream, const Buffers& buffers) {
    return writev(stream, buffers, abi::StreamWriteOptions::kAppend);
  }
  Moved writev_at(Handle stream, uint64_t offset, const Buffers& buffers) {
    GuestAddr actual = user(kUntold);
    Status status = call("stream_writev_at", stream, 0, offset, put(buffers), buffers.size(), actual);
    return {status, peek<uint64_t>(actual)};
  }
  std::string read(Handle stream, uint64_t size) {
    GuestAddr to = room(size);
    Moved moved = readv(stream, {buffer(to, size)});
    REQUIRE(moved.status == Status::kOk);
    return text(to, moved.bytes);
  }
  void write(Handle stream, std::string_view text) { REQUIRE(writev(stream, {buffer(text)}) == moved(text.size())); }

  struct Sought {
    Status status;
    uint64_t place;
    bool operator==(const Sought&) const = default;
  };
  Sought seek(Handle stream, abi::SeekOrigin origin, int64_t offset) {
    GuestAddr out = user(kUntold);
    Status status = call("stream_seek", stream, origin, offset, out);
    return {status, peek<uint64_t>(out)};
  }
};

}  // namespace jacinth::kernel
