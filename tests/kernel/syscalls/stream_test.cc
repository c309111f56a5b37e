// Streams through calls: making, reading, seeking, properties (kernel/syscalls/stream.cc, kernel/vm/stream.cc).
// Writing: stream_write_test.cc. The content size of VMOs: content_size_test.cc.
#include <functional>
#include <limits>

#include "tests/kernel/syscalls/stream_rig.h"

namespace jacinth::kernel {
namespace {

using Rig = StreamRig;
using Sought = Rig::Sought;
using enum abi::SeekOrigin;

constexpr auto kModeAppend = abi::Property::kStreamModeAppend;

TEST_CASE("a stream has the rights of its modes", "[zx_stream_create]") {
  Rig k;
  Handle vmo = k.vmo("text");
  constexpr Rights kDefault = abi::default_rights(ObjectType::kStream);
  REQUIRE(k.basic(k.stream(vmo, abi::StreamOptions::kNone)).rights == kDefault);
  REQUIRE(k.basic(k.stream(vmo, Rig::kRead)).rights == (kDefault | Rights::kRead));
  REQUIRE(k.basic(k.stream(vmo, Rig::kWrite)).rights == (kDefault | Rights::kWrite));
  REQUIRE(k.basic(k.stream(vmo, Rig::kBoth)).rights == (kDefault | Rights::kRead | Rights::kWrite));
  REQUIRE(k.basic(k.stream(vmo, Rig::kAppend)).rights == kDefault);
  REQUIRE(k.basic(k.stream(vmo)).type == ObjectType::kStream);
}

TEST_CASE("stream_create wants the VMO's rights of its modes", "[zx_stream_create]") {
  Rig k;
  GuestAddr out = k.room(4);
  auto create = [&](abi::StreamOptions options, Handle vmo) { return k.call("stream_create", options, vmo, 0, out); };
  Handle vmo = k.vmo("text");
  Handle read_only = k.duplicate(vmo, Rights::kRead);
  Handle write_only = k.duplicate(vmo, Rights::kWrite);
  REQUIRE(create(Rig::kRead, read_only) == Status::kOk);
  REQUIRE(create(Rig::kWrite, read_only) == Status::kAccessDenied);
  REQUIRE(create(Rig::kBoth, read_only) == Status::kAccessDenied);
  REQUIRE(create(Rig::kRead, write_only) == Status::kAccessDenied);
  REQUIRE(create(Rig::kWrite | Rig::kAppend, write_only) == Status::kOk);
  REQUIRE(create(abi::StreamOptions::kNone, k.duplicate(vmo, Rights::kNone)) == Status::kOk);
  REQUIRE(create(Rig::kRead, Rig::kBad) == Status::kBadHandle);
  REQUIRE(create(Rig::kRead, k.event()) == Status::kWrongType);
  REQUIRE(k.call("stream_create", 8, Rig::kBad, 0, out) == Status::kInvalidArgs);
  REQUIRE(k.call("stream_create", Rig::kRead, vmo, 0, Rig::kNowhere) == Status::kInvalidArgs);
}

TEST_CASE("nothing can wait for a stream", "[zx_stream_create]") {
  Rig k;
  Handle stream = k.stream(k.vmo("text"));
  REQUIRE(k.call("object_wait_one", stream, Signals::kUser0, Time{0}, nullptr) == Status::kNotSupported);
}

TEST_CASE("a stream reads on where it stands, up to the content's end", "[zx_stream_readv]") {
  Rig k;
  Handle stream = k.stream(k.vmo(Rig::kAlphabet));
  REQUIRE(k.read(stream, 7) == "abcdefg");
  REQUIRE(k.read(stream, 3) == "hij");
  REQUIRE(k.read(stream, 100) == "klmnopqrstuvwxyz");
  REQUIRE(k.read(stream, 1).empty());
  REQUIRE(k.place(stream) == 26);
}

TEST_CASE("duplicates share the place, streams of one VMO its content", "[zx_stream_readv]") {
  Rig k;
  Handle vmo = k.vmo(Rig::kAlphabet);
  Handle stream = k.stream(vmo);
  Handle other = k.stream(vmo, Rig::kBoth, 3);
  k.read(k.duplicate(stream), 4);
  REQUIRE(k.read(stream, 2) == "ef");
  REQUIRE(k.read(other, 2) == "de");
  k.close(vmo);
  k.write(other, "FG");
  REQUIRE(k.read(stream, 2) == "Gh");
}

TEST_CASE("a read fills several buffers in order", "[zx_stream_readv]") {
  Rig k;
  Handle stream = k.stream(k.vmo(Rig::kAlphabet));
  GuestAddr to = k.room(16);
  REQUIRE(k.readv(stream, {Rig::buffer(to + 8, 3), Rig::buffer(Rig::kNowhere, 0), Rig::buffer(to, 5)}) ==
          Rig::moved(8));
  REQUIRE(k.text(to, 5) == "defgh");
  REQUIRE(k.text(to + 8, 3) == "abc");
}

TEST_CASE("a read that crosses pages gets all of them, missing ones as zeros", "[zx_stream_readv]") {
  Rig k;
  Handle vmo = k.make("vmo_create", 3 * kPageSize, 0);
  k.write_vmo(vmo, 0, std::string(kPageSize, 'a'));
  k.write_vmo(vmo, 2 * kPageSize, std::string(kPageSize, 'c'));
  REQUIRE(k.read(k.stream(vmo, Rig::kRead, 10), 3 * kPageSize) ==
          std::string(kPageSize - 10, 'a') + std::string(kPageSize, '\0') + std::string(kPageSize, 'c'));
}

TEST_CASE("readv_at leaves the place alone", "[zx_stream_readv_at]") {
  Rig k;
  Handle stream = k.stream(k.vmo(Rig::kAlphabet), Rig::kRead, 5);
  GuestAddr to = k.room(8);
  REQUIRE(k.readv_at(stream, 24, {Rig::buffer(to, 7)}) == Rig::moved(2));
  REQUIRE(k.text(to, 2) == "yz");
  for (uint64_t offset : {uint64_t{26}, uint64_t{36}, ~uint64_t{0}})
    REQUIRE(k.readv_at(stream, offset, {Rig::buffer(to, 7)}) == Rig::moved(0));
  REQUIRE(k.place(stream) == 5);
}

TEST_CASE("a buffer as large as can be reads what there is", "[zx_stream_readv][zx_stream_readv_at]") {
  Rig k;
  Handle stream = k.stream(k.vmo(Rig::kAlphabet), Rig::kRead, 20);
  REQUIRE(k.readv(stream, {Rig::buffer(k.room(32), ~uint64_t{0})}) == Rig::moved(6));
  REQUIRE(k.readv_at(stream, 1, {Rig::buffer(k.room(32), ~uint64_t{0})}) == Rig::moved(25));
}

TEST_CASE("content behind the end of the VMO cannot be read", "[zx_stream_readv]") {
  Rig k;
  Handle vmo = k.vmo("text");
  REQUIRE(k.set_content_size(vmo, kPageSize + 10) == Status::kOk);
  Handle stream = k.stream(vmo);
  GuestAddr to = k.room(2 * kPageSize);
  REQUIRE(k.readv(stream, {Rig::buffer(to, 2 * kPageSize)}) == Rig::failed(Status::kOutOfRange));
  REQUIRE(k.readv(stream, {Rig::buffer(to, kPageSize)}) == Rig::moved(kPageSize));
  REQUIRE(k.readv(stream, {Rig::buffer(to, 1)}) == Rig::failed(Status::kOutOfRange));
}

TEST_CASE("reading nothing reads nothing", "[zx_stream_readv]") {
  Rig k;
  Handle stream = k.stream(k.vmo("text"));
  REQUIRE(k.call("stream_readv", stream, 0, Rig::kNowhere, 0, nullptr) == Status::kOk);
  REQUIRE(k.call("stream_readv", stream, 0, nullptr, 0, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.readv(stream, {Rig::buffer(Rig::kNowhere, 0)}) == Rig::moved(0));
}

TEST_CASE("the calls check options and vector, then handle, type and right",
          "[zx_stream_readv][zx_stream_readv_at][zx_stream_writev][zx_stream_writev_at]") {
  Rig k;
  Handle vmo = k.vmo("text");
  GuestAddr buffers = k.put({k.buffer("x")});
  for (bool writes : {false, true}) {
    std::string name = writes ? "stream_writev" : "stream_readv";
    Handle without = k.stream(vmo, writes ? Rig::kRead : Rig::kWrite);
    auto call = [&](Handle handle, uint32_t options, GuestAddr vector) {
      return k.call(name, handle, options, vector, 1, nullptr);
    };
    auto call_at = [&](Handle handle, uint32_t options, GuestAddr vector) {
      return k.call(name + "_at", handle, options, 0, vector, 1, nullptr);
    };
    REQUIRE(call(Rig::kBad, 2, buffers) == Status::kInvalidArgs);
    REQUIRE(call_at(Rig::kBad, 1, buffers) == Status::kInvalidArgs);
    if (!writes) REQUIRE(call(Rig::kBad, 1, buffers) == Status::kInvalidArgs);
    for (auto& each : {std::function(call), std::function(call_at)}) {
      REQUIRE(each(Rig::kBad, 0, GuestAddr{}) == Status::kInvalidArgs);
      REQUIRE(each(Rig::kBad, 0, buffers) == Status::kBadHandle);
      REQUIRE(each(vmo, 0, buffers) == Status::kWrongType);
      REQUIRE(each(without, 0, buffers) == Status::kAccessDenied);
      REQUIRE(each(k.stream(vmo), 0, Rig::kNowhere) == Status::kInvalidArgs);
    }
  }
  REQUIRE(k.data(vmo) == "text");
}

TEST_CASE("buffers of more bytes than a number can say are none", "[zx_stream_readv][zx_stream_writev]") {
  Rig k;
  Handle stream = k.stream(k.vmo("text"));
  constexpr auto kHalf = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  Rig::Buffers buffers(3, Rig::buffer(k.room(8), kHalf));
  REQUIRE(k.readv(stream, buffers) == Rig::failed(Status::kInvalidArgs));
  REQUIRE(k.writev(stream, buffers) == Rig::failed(Status::kInvalidArgs));
  REQUIRE(k.appendv(stream, buffers) == Rig::failed(Status::kInvalidArgs));
}

TEST_CASE("a bad buffer fails as a fault there would, and counts what came before it", "[zx_stream_readv]") {
  Rig k;
  Handle vmo = k.vmo(Rig::kAlphabet);
  Handle stream = k.stream(vmo);
  GuestAddr to = k.room(32);
  REQUIRE(k.readv(stream, {Rig::buffer(GuestAddr{}, 7)}) == Rig::failed(Status::kNotFound));
  REQUIRE(k.readv(stream, {Rig::buffer(Rig::kNowhere, 7)}) == Rig::failed(Status::kNotFound));
  REQUIRE(k.readv(stream, {Rig::buffer(GuestAddr{~uint64_t{0} - 3}, 7)}) == Rig::failed(Status::kNotFound));
  REQUIRE(k.place(stream) == 0);
  REQUIRE(k.readv(stream, {Rig::buffer(to, 3), Rig::buffer(Rig::kNowhere, 7)}) == Rig::moved(3));
  REQUIRE(k.text(to, 3) == "abc");
  REQUIRE(k.place(stream) == 3);
  REQUIRE(k.readv_at(stream, 0, {Rig::buffer(Rig::kNowhere, 7)}) == Rig::failed(Status::kNotFound));

  GuestAddr out = k.room(8);
  REQUIRE(k.call("vmar_map", k.handle(k.process()->memory().root()), 0, 0, vmo, 0, kPageSize, out) == Status::kOk);
  auto closed = GuestAddr(k.peek<uint64_t>(out));
  REQUIRE(k.readv(stream, {Rig::buffer(closed, 7)}) == Rig::failed(Status::kAccessDenied));
  REQUIRE(k.writev(stream, {Rig::buffer(closed, 7)}) == Rig::failed(Status::kAccessDenied));
}

TEST_CASE("a vector that is read over itself is taken entry by entry", "[zx_stream_readv]") {
  Rig k;
  Handle stream = k.stream(k.vmo(Rig::kAlphabet));
  constexpr size_t kCount = 7;
  GuestAddr vector = k.room(kCount * sizeof(abi::Iovec));
  for (size_t i = 0; i < kCount; ++i)
    k.poke(vector + i * sizeof(abi::Iovec), Rig::buffer(vector, kCount * sizeof(abi::Iovec)));
  GuestAddr actual = k.room(8);
  REQUIRE(k.call("stream_readv", stream, 0, vector, kCount, actual) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(actual) == 26);
}

TEST_CASE("a fault in what a stream tells comes when all is done",
          "[zx_stream_readv][zx_stream_writev][zx_stream_seek]") {
  Rig k;
  Handle vmo = k.vmo(Rig::kAlphabet);
  Handle stream = k.stream(vmo);
  REQUIRE(k.call("stream_readv", stream, 0, k.put({Rig::buffer(k.room(8), 3)}), 1, Rig::kNowhere) ==
          Status::kInvalidArgs);
  REQUIRE(k.place(stream) == 3);
  REQUIRE(k.call("stream_writev", stream, 0, k.put({k.buffer("XY")}), 1, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.data(vmo) == "abcXYfghijklmnopqrstuvwxyz");
  REQUIRE(k.call("stream_seek", stream, kStart, 9, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.place(stream) == 9);
}

TEST_CASE("seek counts from the start, the place or the end of the content", "[zx_stream_seek]") {
  Rig k;
  Handle vmo = k.vmo(std::string(42, 'x'));
  Handle stream = k.stream(vmo, Rig::kBoth, 9);
  auto at = [](uint64_t place) { return Sought{Status::kOk, place}; };
  constexpr Sought kNo = {Status::kInvalidArgs, Rig::kUntold};
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

  REQUIRE(k.seek(stream, kCurrent, 0) == at(9));
  REQUIRE(k.seek(stream, kStart, 12) == at(12));
  REQUIRE(k.seek(stream, kStart, -10) == kNo);
  REQUIRE(k.seek(stream, kCurrent, -13) == kNo);
  REQUIRE(k.seek(stream, kCurrent, 3) == at(15));
  REQUIRE(k.seek(stream, kCurrent, -15) == at(0));
  REQUIRE(k.seek(stream, kCurrent, kMost) == at(static_cast<uint64_t>(kMost)));
  REQUIRE(k.seek(stream, kCurrent, kMost) == at(2 * static_cast<uint64_t>(kMost)));
  REQUIRE(k.seek(stream, kCurrent, 2) == kNo);
  REQUIRE(k.seek(stream, kEnd, 0) == at(42));
  REQUIRE(k.seek(stream, kEnd, -42) == at(0));
  REQUIRE(k.seek(stream, kEnd, -43) == kNo);
  REQUIRE(k.seek(stream, kEnd, 24) == at(66));
  REQUIRE(k.seek(stream, abi::SeekOrigin{3}, 0) == kNo);
  REQUIRE(k.place(stream) == 66);

  REQUIRE(k.set_content_size(vmo, ~uint64_t{0}) == Status::kOk);
  REQUIRE(k.seek(stream, kEnd, -11) == at(~uint64_t{0} - 11));
  REQUIRE(k.seek(stream, kEnd, 1) == kNo);
  REQUIRE(k.call("stream_seek", stream, kStart, 0, nullptr) == Status::kOk);
}

TEST_CASE("who may read or write may seek", "[zx_stream_seek]") {
  Rig k;
  Handle vmo = k.vmo("text");
  REQUIRE(k.seek(k.stream(vmo, Rig::kRead), kStart, 1).status == Status::kOk);
  REQUIRE(k.seek(k.stream(vmo, Rig::kWrite), kStart, 1).status == Status::kOk);
  REQUIRE(k.seek(k.stream(vmo, Rig::kAppend), kStart, 1).status == Status::kAccessDenied);
  REQUIRE(k.seek(k.stream(vmo, Rig::kAppend), abi::SeekOrigin{3}, 1).status == Status::kAccessDenied);
  REQUIRE(k.seek(vmo, kStart, 1).status == Status::kWrongType);
  REQUIRE(k.seek(Rig::kBad, kStart, 1).status == Status::kBadHandle);
}

TEST_CASE("ZX_INFO_STREAM tells modes, place and content", "[zx_object_get_info]") {
  Rig k;
  Handle vmo = k.vmo("text");
  Handle stream = k.stream(vmo, Rig::kWrite | Rig::kAppend, 77);
  auto info = k.info<abi::InfoStream>(stream, abi::InfoTopic::kStream);
  REQUIRE(info.options == 6);
  REQUIRE(info.seek == 77);
  REQUIRE(info.content_size == 4);
  GuestAddr out = k.room(24);
  auto ask = [&](Handle handle, uint64_t size) {
    return k.call("object_get_info", handle, abi::InfoTopic::kStream, out, size, nullptr, nullptr);
  };
  REQUIRE(ask(stream, 23) == Status::kBufferTooSmall);
  REQUIRE(ask(vmo, 24) == Status::kWrongType);
  REQUIRE(ask(k.without(stream, Rights::kInspect), 24) == Status::kAccessDenied);
}

TEST_CASE("the append mode is a byte that can be changed", "[zx_object_set_property][zx_object_get_property]") {
  Rig k;
  Handle vmo = k.vmo("text");
  Handle stream = k.stream(vmo);
  REQUIRE(k.property<uint8_t>(stream, kModeAppend) == 0);
  REQUIRE(k.set_property<uint8_t>(stream, kModeAppend, 1) == Status::kOk);
  REQUIRE(k.property<uint8_t>(stream, kModeAppend) == 1);
  k.write(stream, "+");
  REQUIRE(k.set_property<uint8_t>(stream, kModeAppend, 0) == Status::kOk);
  REQUIRE(k.seek(stream, kStart, 0).status == Status::kOk);
  k.write(stream, "T");
  REQUIRE(k.data(vmo) == "Text+");
  for (auto name : {"object_set_property", "object_get_property"}) {
    REQUIRE(k.call(name, stream, kModeAppend, k.room(1), 0) == Status::kBufferTooSmall);
    REQUIRE(k.call(name, vmo, kModeAppend, k.room(1), 1) == Status::kWrongType);
    REQUIRE(k.call(name, stream, kModeAppend, Rig::kNowhere, 1) == Status::kInvalidArgs);
  }
}

TEST_CASE("a stream saved and loaded between any two steps goes on the same", "[zx_stream_readv][zx_stream_writev]") {
  auto story = [](bool reload) {
    Rig k;
    auto step = [&] {
      if (reload) k.reload();
    };
    Handle vmo = k.resizable("text");
    Handle stream = k.stream(vmo, Rig::kBoth | Rig::kAppend);
    step();
    REQUIRE(k.read(stream, 2) == "te");
    step();
    k.write(stream, std::string(5000, '.'));
    step();
    REQUIRE(k.place(stream) == 5004);
    k.close(vmo);
    step();
    REQUIRE(k.seek(stream, kStart, 1).status == Status::kOk);
    step();
    REQUIRE(k.read(stream, 5) == "ext..");
    return k.digest();
  };
  REQUIRE(story(true) == story(false));
}

}  // namespace
}  // namespace jacinth::kernel
