// Streams over memory that a pager brings: reads wait for pages, writes for consent to make them dirty, and the place
// of the stream and the end of the content move once, by what was moved.
#include "kernel/abi/stream.h"

#include "tests/kernel/pager/late_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct StreamRig : LateRig {
  static constexpr auto kBoth = abi::StreamOptions::kModeRead | abi::StreamOptions::kModeWrite;
  static constexpr uint64_t kUntold = 0xdead'beef;

  GuestAddr actual = user(kUntold);
  uint64_t told() { return peek<uint64_t>(actual); }

  Handle stream(Handle over, uint64_t seek = 0) { return make("stream_create", kBoth, over, seek); }
  GuestAddr vector(std::initializer_list<abi::Iovec> entries) {
    GuestAddr at = room(entries.size() * sizeof(abi::Iovec));
    uint64_t index = 0;
    for (const abi::Iovec& entry : entries) poke(at + index++ * sizeof entry, entry);
    return at;
  }
  Made& readv(Handle stream, GuestAddr entries, uint64_t count = 1) {
    return start(thread(), "stream_readv", stream, 0, entries, count, actual);
  }
  Made& writev(Handle stream, abi::StreamWriteOptions options, GuestAddr entries, uint64_t count = 1) {
    return start(thread(), "stream_writev", stream, options, entries, count, actual);
  }
  Made& writev(Handle stream, GuestAddr entries) { return writev(stream, abi::StreamWriteOptions::kNone, entries); }
  uint64_t seek_of(Handle stream) {
    GuestAddr out = room(8);
    REQUIRE(call("stream_seek", stream, abi::SeekOrigin::kCurrent, 0, out) == Status::kOk);
    return peek<uint64_t>(out);
  }
  uint64_t content(Handle of) { return at(of).content_size(); }
  uint64_t size(Handle of) { return at(of).size(); }
};
using Rig = StreamRig;
constexpr uint64_t kPage = kPageSize;
constexpr auto kAppend = abi::StreamWriteOptions::kAppend;

TEST_CASE("a stream reads once every page has come, and goes on once", "[zx_stream_readv]") {
  Rig k;
  Handle vmo = k.vmo(3);
  Handle stream = k.stream(vmo);
  GuestAddr first = k.room(kPage);
  GuestAddr second = k.room(2 * kPage);
  GuestAddr entries = k.vector({{first.value, kPage}, {second.value, 2 * kPage}});
  Made& call = k.readv(stream, entries, 2);
  for (uint64_t page = 0; page < 3; ++page) {
    REQUIRE(call.status() == Status::kParked);
    REQUIRE(k.asked_for(page));
    REQUIRE(k.seek_of(stream) == 0);
    k.reload();
    REQUIRE(k.supply(vmo, page, 1, 500) == Status::kOk);
  }
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.told() == 3 * kPage);
  REQUIRE(k.seek_of(stream) == 3 * kPage);
  REQUIRE(k.peek<uint32_t>(first) == 500);
  REQUIRE(k.peek<uint32_t>(second) == 501);
  REQUIRE(k.peek<uint32_t>(second + kPage) == 502);
}

TEST_CASE("a stream reads up to the page that does not come, and says why at the next", "[zx_stream_readv]") {
  Rig k;
  Handle vmo = k.vmo(2);
  Handle stream = k.stream(vmo);
  GuestAddr entries = k.vector({{k.room(2 * kPage).value, 2 * kPage}});
  Made& call = k.readv(stream, entries);
  REQUIRE(k.supply(vmo, 0, 1) == Status::kOk);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE(k.fail(vmo, 1, 1, Status::kIo) == Status::kOk);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.told() == kPage);
  REQUIRE(k.seek_of(stream) == kPage);

  Made& again = k.readv(stream, entries);
  REQUIRE(again.status() == Status::kParked);
  REQUIRE(k.fail(vmo, 1, 1, Status::kIoDataIntegrity) == Status::kOk);
  REQUIRE(again.status() == Status::kIoDataIntegrity);
  REQUIRE(k.seek_of(stream) == kPage);

  Made& detached = k.readv(stream, entries);
  REQUIRE(k.detach(vmo) == Status::kOk);
  REQUIRE(detached.status() == Status::kBadState);
}

TEST_CASE("the buffers of a stream may have to come as well as what it reads", "[zx_stream_readv][zx_stream_writev]") {
  Rig k;
  Handle vmo = k.vmo(1);
  Handle stream = k.stream(vmo);
  GuestAddr to = k.absent();
  GuestAddr entries = k.absent();
  Made& read = k.readv(stream, entries);
  REQUIRE(read.status() == Status::kParked);
  // The page that names the buffers.
  abi::Iovec entry = {.buffer = to.value, .capacity = 8};
  Handle aux = k.plain(1);
  REQUIRE(k.at(aux).write(0, std::as_bytes(std::span(&entry, 1))) == Status::kOk);
  REQUIRE(k.call("pager_supply_pages", k.pager, k.slow, entries - k.late, kPage, aux, 0) == Status::kOk);
  k.run();
  REQUIRE(read.status() == Status::kParked);
  REQUIRE(k.supply(vmo, 0, 1, 700) == Status::kOk);
  REQUIRE(read.status() == Status::kParked);
  k.bring(to);
  REQUIRE(read.status() == Status::kOk);
  REQUIRE(k.peek<uint32_t>(to) == 700);
  REQUIRE(k.seek_of(stream) == 8);

  GuestAddr from = k.absent();
  Made& write = k.writev(stream, k.vector({{from.value, 4}}));
  REQUIRE(write.status() == Status::kParked);
  REQUIRE(k.seek_of(stream) == 8);
  k.reload();
  k.bring(from);
  REQUIRE(write.status() == Status::kOk);
  REQUIRE(k.seek_of(stream) == 12);
  uint32_t word = 0;
  REQUIRE(k.at(vmo).read(8, std::as_writable_bytes(std::span(&word, 1))) == Status::kOk);
  REQUIRE(word == k.brought(from));
}

TEST_CASE("a write to pages that trap asks to make them dirty, and waits", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.vmo(2, abi::VmoOptions::kTrapDirty);
  REQUIRE(k.supply(vmo, 0, 2) == Status::kOk);
  Handle stream = k.stream(vmo, 100);
  GuestAddr from = k.room(kPage);
  k.poke(from, uint32_t{4711});
  Made& call = k.writev(stream, k.vector({{from.value, kPage}}));
  REQUIRE(call.status() == Status::kParked);
  REQUIRE(k.asked_to_dirty(0, 2));
  REQUIRE(k.seek_of(stream) == 100);
  k.reload();
  REQUIRE(k.op(abi::PagerOp::kDirty, vmo, 0, 2) == Status::kOk);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.told() == kPage);
  REQUIRE(k.seek_of(stream) == 100 + kPage);
  REQUIRE(k.content(vmo) == 2 * kPage);
  uint32_t word = 0;
  REQUIRE(k.at(vmo).read(100, std::as_writable_bytes(std::span(&word, 1))) == Status::kOk);
  REQUIRE(word == 4711);
  // Dirty they are: the next write asks nobody.
  REQUIRE_FALSE(k.packet());
  REQUIRE(k.call("stream_writev_at", stream, 0, 0, k.vector({{from.value, 4}}), 1, nullptr) == Status::kOk);
}

TEST_CASE("a write that may not make pages dirty writes what came before", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.vmo(2, abi::VmoOptions::kTrapDirty);
  REQUIRE(k.supply(vmo, 0, 2) == Status::kOk);
  REQUIRE(k.op(abi::PagerOp::kDirty, vmo, 0, 1) == Status::kOk);
  Handle stream = k.stream(vmo);
  GuestAddr entries = k.vector({{k.room(2 * kPage).value, 2 * kPage}});
  Made& call = k.writev(stream, entries);
  REQUIRE(k.asked_to_dirty(1, 1));
  REQUIRE(k.fail(vmo, 1, 1, Status::kNoSpace) == Status::kOk);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.told() == kPage);
  REQUIRE(k.seek_of(stream) == kPage);

  Made& nothing = k.writev(stream, entries);
  REQUIRE(nothing.status() == Status::kParked);
  REQUIRE(k.fail(vmo, 1, 1, Status::kNoSpace) == Status::kOk);
  REQUIRE(nothing.status() == Status::kNoSpace);
  REQUIRE(k.seek_of(stream) == kPage);
}

TEST_CASE("appending grows a VMO of a pager, and its content once the write is done", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.vmo(1, abi::VmoOptions::kTrapDirty | abi::VmoOptions::kResizable);
  REQUIRE(k.supply(vmo, 0, 1) == Status::kOk);
  // Zeros behind the content: the page has to be dirty.
  Made& resize = k.start(k.thread(), "vmo_set_size", vmo, 100);
  REQUIRE(resize.status() == Status::kParked);
  REQUIRE(k.op(abi::PagerOp::kDirty, vmo, 0, 1) == Status::kOk);
  REQUIRE(resize.status() == Status::kOk);
  Handle stream = k.stream(vmo);
  GuestAddr from = k.room(2 * kPage);
  k.poke(from + kPage, uint32_t{815});
  static_cast<void>(k.packet());

  Made& call = k.writev(stream, kAppend, k.vector({{from.value, 2 * kPage}}));
  REQUIRE(call.status() == Status::kParked);
  REQUIRE(k.asked_to_dirty(1, 2));
  REQUIRE(k.size(vmo) == 3 * kPage);
  REQUIRE(k.content(vmo) == 100);
  k.reload();
  REQUIRE(k.op(abi::PagerOp::kDirty, vmo, 1, 2) == Status::kOk);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.content(vmo) == 100 + 2 * kPage);
  REQUIRE(k.seek_of(stream) == 100 + 2 * kPage);
  uint32_t word = 0;
  REQUIRE(k.at(vmo).read(100 + kPage, std::as_writable_bytes(std::span(&word, 1))) == Status::kOk);
  REQUIRE(word == 815);
}

TEST_CASE("a write behind the content waits for the page whose end becomes zeros", "[zx_stream_writev_at]") {
  Rig k;
  Handle vmo = k.vmo(2);
  k.at(vmo).extend_content(100);
  Handle stream = k.stream(vmo);
  GuestAddr from = k.user(uint32_t{4711});
  Made& call = k.start(k.thread(), "stream_writev_at", stream, 0, kPage + 8, k.vector({{from.value, 4}}), 1, k.actual);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE(k.asked_for(0));
  Handle aux = k.plain(1);
  std::array<uint32_t, 26> words;
  words.fill(0xffff'ffff);
  REQUIRE(k.at(aux).write(0, std::as_bytes(std::span(words))) == Status::kOk);
  REQUIRE(k.call("pager_supply_pages", k.pager, vmo, 0, kPage, aux, 0) == Status::kOk);
  k.run();
  REQUIRE(call.status() == Status::kParked);
  REQUIRE(k.asked_for(1));
  k.reload();
  REQUIRE(k.supply(vmo, 1, 1) == Status::kOk);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.content(vmo) == kPage + 12);
  std::array<uint32_t, 3> at_end = {};
  REQUIRE(k.at(vmo).read(96, std::as_writable_bytes(std::span(at_end).first(2))) == Status::kOk);
  REQUIRE(at_end[0] == 0xffff'ffff);
  REQUIRE(at_end[1] == 0);
  REQUIRE(k.at(vmo).read(kPage, std::as_writable_bytes(std::span(at_end))) == Status::kOk);
  REQUIRE(at_end == std::array<uint32_t, 3>{0, 0, 4711});
}

}  // namespace
}  // namespace jacinth::kernel
