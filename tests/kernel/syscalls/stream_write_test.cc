// Streams that are written to: what becomes of content and VMO (kernel/vm/stream.cc).
#include "tests/kernel/syscalls/stream_rig.h"
#include "tests/support/random.h"

namespace jacinth::kernel {
namespace {

using Rig = StreamRig;

TEST_CASE("a stream writes on where it stands", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.vmo(Rig::kAlphabet);
  Handle stream = k.stream(vmo, Rig::kWrite);
  k.write(stream, "0123456");
  k.write(stream, "789");
  REQUIRE(k.data(vmo) == "0123456789klmnopqrstuvwxyz");
  REQUIRE(k.content_size(vmo) == 26);
  REQUIRE(k.place(stream) == 10);
}

TEST_CASE("a write gathers several buffers in order", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.vmo(Rig::kAlphabet);
  Handle stream = k.stream(vmo);
  REQUIRE(k.writev(stream, {k.buffer("654"), Rig::buffer(Rig::kNowhere, 0), k.buffer("3210")}) == Rig::moved(7));
  REQUIRE(k.data(vmo) == "6543210hijklmnopqrstuvwxyz");
}

TEST_CASE("writing nothing does nothing, anywhere", "[zx_stream_writev][zx_stream_writev_at]") {
  Rig k;
  Handle vmo = k.vmo("text");
  Handle stream = k.stream(vmo);
  REQUIRE(k.call("stream_writev", stream, 0, Rig::kNowhere, 0, nullptr) == Status::kOk);
  REQUIRE(k.writev_at(stream, ~uint64_t{0}, {Rig::buffer(Rig::kNowhere, 0)}) == Rig::moved(0));
  REQUIRE(k.appendv(stream, {}) == Rig::moved(0));
  REQUIRE(k.place(stream) == 0);
  REQUIRE(k.content_size(vmo) == 4);
}

TEST_CASE("a write behind the content moves its end, up to that of the VMO", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.vmo("abc");
  Handle stream = k.stream(vmo, Rig::kWrite);
  k.write(stream, "ABCDEFG");
  REQUIRE(k.content_size(vmo) == 7);
  REQUIRE(k.seek(stream, abi::SeekOrigin::kStart, kPageSize - 6).status == Status::kOk);
  REQUIRE(k.writev(stream, {k.buffer("0123456789")}) == Rig::moved(6));
  REQUIRE(k.content_size(vmo) == kPageSize);
  REQUIRE(k.read_vmo(vmo, kPageSize - 8, 8) == std::string("\0\0", 2) + "012345");
  REQUIRE(k.writev(stream, {k.buffer("0123456789")}) == Rig::failed(Status::kNoSpace));
  REQUIRE(k.content_size(vmo) == kPageSize);
  REQUIRE(k.place(stream) == kPageSize);
}

TEST_CASE("a VMO that can grow does, by whole pages", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.resizable("");
  Handle stream = k.stream(vmo, Rig::kWrite, kPageSize - 6);
  k.write(stream, "0123456789");
  REQUIRE(k.content_size(vmo) == kPageSize + 4);
  REQUIRE(k.vmo_size(vmo) == 2 * kPageSize);
  REQUIRE(k.read_vmo(vmo, kPageSize - 6, 12) == std::string("0123456789") + std::string(2, '\0'));
}

TEST_CASE("an end that no number can say is too far", "[zx_stream_writev][zx_stream_writev_at]") {
  Rig k;
  Handle vmo = k.resizable("text");
  Handle stream = k.stream(vmo, Rig::kWrite, 100);
  Rig::Buffers endless = {Rig::buffer(k.room(8), ~uint64_t{0})};
  REQUIRE(k.writev(stream, endless) == Rig::failed(Status::kFileBig));
  REQUIRE(k.writev_at(stream, 5414, endless) == Rig::failed(Status::kFileBig));
  REQUIRE(k.appendv(stream, endless) == Rig::failed(Status::kOutOfRange));
  // One that a number can say, but not in whole pages, or more than a VMO has.
  REQUIRE(k.writev_at(stream, ~uint64_t{0} - 7, {k.buffer("AAAA")}) == Rig::failed(Status::kOutOfRange));
  REQUIRE(k.writev_at(stream, Vmo::kMaxSize, {k.buffer("AAAA")}) == Rig::failed(Status::kOutOfRange));
  REQUIRE(k.vmo_size(vmo) == kPageSize);
  REQUIRE(k.content_size(vmo) == 4);
  REQUIRE(k.place(stream) == 100);
  REQUIRE(k.call("vmo_set_size", vmo, 2 * kPageSize) == Status::kOk);
}

TEST_CASE("writev_at leaves the place alone", "[zx_stream_writev_at]") {
  Rig k;
  Handle vmo = k.vmo(Rig::kAlphabet);
  Handle stream = k.stream(vmo, Rig::kWrite | Rig::kAppend);
  REQUIRE(k.writev_at(stream, 7, {k.buffer("012")}) == Rig::moved(3));
  REQUIRE(k.data(vmo) == "abcdefg012klmnopqrstuvwxyz");
  REQUIRE(k.writev_at(stream, kPageSize + 4, {k.buffer("012")}) == Rig::failed(Status::kNoSpace));
  REQUIRE(k.place(stream) == 0);
}

TEST_CASE("between the old content and a write further on there are zeros", "[zx_stream_writev_at]") {
  Rig k;
  constexpr uint64_t kPages = 6;
  Handle vmo = k.make("vmo_create", kPages * kPageSize, 0);
  REQUIRE(k.set_content_size(vmo, 3) == Status::kOk);
  for (uint64_t i = 0; i < kPages; ++i) k.write_vmo(vmo, i * kPageSize, std::string(kPageSize, 'x'));
  Handle stream = k.stream(vmo, Rig::kWrite);
  REQUIRE(k.writev_at(stream, 2 * kPageSize - 2, {k.buffer("0123")}) == Rig::moved(4));
  REQUIRE(k.read_vmo(vmo, 0, 2 * kPageSize + 4) == "xxx" + std::string(2 * kPageSize - 5, '\0') + "0123" + "xx");
  REQUIRE(k.read_vmo(vmo, 5 * kPageSize, 4) == "xxxx");
  REQUIRE(k.seek(stream, abi::SeekOrigin::kStart, 4 * kPageSize).status == Status::kOk);
  k.write(stream, "!");
  REQUIRE(k.read_vmo(vmo, 2 * kPageSize, 2 * kPageSize + 3) == "23" + std::string(2 * kPageSize - 2, '\0') + "!xx");
}

TEST_CASE("appending starts at the content's end and leaves the stream there", "[zx_stream_writev]") {
  Rig k;
  for (bool by_mode : {false, true}) {
    Handle vmo = k.vmo("text");
    Handle stream = k.stream(vmo, by_mode ? Rig::kWrite | Rig::kAppend : Rig::kWrite);
    auto append = [&](std::string_view text) {
      return by_mode ? k.writev(stream, {k.buffer(text)}) : k.appendv(stream, {k.buffer(text)});
    };
    REQUIRE(append("123") == Rig::moved(3));
    REQUIRE(k.data(vmo) == "text123");
    REQUIRE(k.place(stream) == 7);
    REQUIRE(append(std::string(kPageSize, '.')) == Rig::moved(kPageSize - 7));
    REQUIRE(append("x") == Rig::failed(Status::kNoSpace));
    REQUIRE(k.place(stream) == kPageSize);
  }
}

TEST_CASE("an append sees the content that others made meanwhile", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.resizable("a");
  Handle one = k.stream(vmo, Rig::kWrite | Rig::kAppend);
  Handle two = k.stream(vmo, Rig::kWrite | Rig::kAppend);
  k.write(one, "b");
  k.write(two, "c");
  k.write(one, "d");
  REQUIRE(k.data(vmo) == "abcd");
  REQUIRE(k.call("vmo_set_size", vmo, 2) == Status::kOk);
  k.write(two, "e");
  REQUIRE(k.data(vmo) == "abe");
}

TEST_CASE("content behind the end of the VMO cannot be appended to", "[zx_stream_writev]") {
  Rig k;
  Handle vmo = k.vmo("text");
  REQUIRE(k.set_content_size(vmo, 3 * kPageSize) == Status::kOk);
  REQUIRE(k.appendv(k.stream(vmo), {k.buffer("x")}) == Rig::failed(Status::kNoSpace));
}

TEST_CASE("what was written before a bad buffer counts, and a write of nothing changes no content",
          "[zx_stream_writev][zx_stream_writev_at]") {
  Rig k;
  Handle vmo = k.resizable("text");
  Handle stream = k.stream(vmo);
  REQUIRE(k.writev(stream, {Rig::buffer(Rig::kNowhere, 9)}) == Rig::failed(Status::kNotFound));
  REQUIRE(k.place(stream) == 0);
  REQUIRE(k.writev_at(stream, 5000, {Rig::buffer(Rig::kNowhere, 9)}) == Rig::failed(Status::kNotFound));
  REQUIRE(k.content_size(vmo) == 4);
  REQUIRE(k.data(vmo) == "text");
  // The VMO had to grow before the buffer was looked at.
  REQUIRE(k.vmo_size(vmo) == 2 * kPageSize);

  REQUIRE(k.writev(stream, {k.buffer("more text"), Rig::buffer(Rig::kNowhere, 9)}) == Rig::moved(9));
  REQUIRE(k.content_size(vmo) == 9);
  REQUIRE(k.place(stream) == 9);

  REQUIRE(k.seek(stream, abi::SeekOrigin::kStart, 1).status == Status::kOk);
  REQUIRE(k.appendv(stream, {Rig::buffer(Rig::kNowhere, 9)}) == Rig::failed(Status::kNotFound));
  REQUIRE(k.content_size(vmo) == 9);
  REQUIRE(k.place(stream) == 9);
}

TEST_CASE("a stream does what a growing array of bytes does", "[zx_stream_writev][zx_stream_readv]") {
  Rig k;
  test::Random random(3);
  Handle vmo = k.resizable("");
  Handle stream = k.stream(vmo);
  std::string model;
  uint64_t place = 0;
  char next = 'a';
  for (int i = 0; i < 150; ++i) {
    CAPTURE(i);
    std::string bytes(1 + random.below(random.one_in(4) ? 9000 : 100), next);
    next = next == 'z' ? 'a' : static_cast<char>(next + 1);
    switch (random.below(4)) {
      case 0:
        place = random.below(model.size() + 2000);
        REQUIRE(k.seek(stream, abi::SeekOrigin::kStart, static_cast<int64_t>(place)).place == place);
        break;
      case 1:
        k.write(stream, bytes);
        if (place + bytes.size() > model.size()) model.resize(place + bytes.size(), '\0');
        model.replace(place, bytes.size(), bytes);
        place += bytes.size();
        break;
      case 2:
        if (random.one_in(3)) {
          REQUIRE(k.appendv(stream, {k.buffer(bytes)}) == Rig::moved(bytes.size()));
          model += bytes;
          place = model.size();
        } else if (random.one_in(3)) {
          model.resize(random.below(model.size() + 1));
          REQUIRE(k.call("vmo_set_size", vmo, model.size()) == Status::kOk);
        }
        break;
      default: {
        std::string expected = place < model.size() ? model.substr(place, bytes.size()) : "";
        REQUIRE(k.read(stream, bytes.size()) == expected);
        place += expected.size();
      }
    }
    REQUIRE(k.content_size(vmo) == model.size());
  }
  REQUIRE(k.read_vmo(vmo, 0, model.size()) == model);
}

}  // namespace
}  // namespace jacinth::kernel
