// The content size of VMOs: a property that streams and sizes move too (kernel/vm/vmo.cc, kernel/syscalls/stream.cc).
#include "tests/kernel/syscalls/stream_rig.h"

namespace jacinth::kernel {
namespace {

using Rig = StreamRig;
constexpr auto kContentSize = abi::Property::kVmoContentSize;

TEST_CASE("a new VMO's content is what was asked for, its size whole pages", "[zx_vmo_create][zx_vmo_get_size]") {
  Rig k;
  Handle vmo = k.make("vmo_create", 100, 0);
  REQUIRE(k.content_size(vmo) == 100);
  REQUIRE(k.vmo_size(vmo) == kPageSize);
}

TEST_CASE("a new VMO of a program of July 2020 has no content yet", "[zx_vmo_create]") {
  Rig k;
  k.core().vm().set_july_2020();
  Handle vmo = k.make("vmo_create", 2 * kPageSize, 0);
  REQUIRE(k.content_size(vmo) == 0);
  REQUIRE(k.vmo_size(vmo) == 2 * kPageSize);
  REQUIRE(k.content_size(k.make("vmo_create", kPageSize, 0)) == 0);
}

TEST_CASE("setting the content size makes zeros of what is behind it", "[zx_object_set_property]") {
  Rig k;
  Handle vmo = k.make("vmo_create", 2 * kPageSize, 0);
  k.write_vmo(vmo, 0, "abcdef");
  k.write_vmo(vmo, kPageSize, "second page");
  REQUIRE(k.set_content_size(vmo, 3) == Status::kOk);
  REQUIRE(k.content_size(vmo) == 3);
  REQUIRE(k.vmo_size(vmo) == 2 * kPageSize);
  REQUIRE(k.data(vmo) == "abc");

  // Also when there is more content than before.
  k.write_vmo(vmo, 3, "defghi");
  REQUIRE(k.set_content_size(vmo, 6) == Status::kOk);
  REQUIRE(k.data(vmo) == "abcdef");
}

TEST_CASE("the content size may be any number", "[zx_object_set_property][zx_object_get_property]") {
  Rig k;
  Handle vmo = k.vmo("text");
  for (uint64_t size : {kPageSize, kPageSize + 1, ~uint64_t{0}, uint64_t{0}}) {
    REQUIRE(k.set_content_size(vmo, size) == Status::kOk);
    REQUIRE(k.content_size(vmo) == size);
    REQUIRE(k.vmo_size(vmo) == kPageSize);
  }
}

TEST_CASE("vmo_set_size sets the content size and makes zeros of the rest of the page", "[zx_vmo_set_size]") {
  Rig k;
  Handle vmo = k.resizable("abcdefghij");
  k.write_vmo(vmo, 10, "behind the content");
  REQUIRE(k.call("vmo_set_size", vmo, 14) == Status::kOk);
  REQUIRE(k.content_size(vmo) == 14);
  REQUIRE(k.data(vmo) == "abcdefghijbehi");
  REQUIRE(k.call("vmo_set_size", vmo, 5) == Status::kOk);
  REQUIRE(k.data(vmo) == "abcde");
  REQUIRE(k.call("vmo_set_size", vmo, kPageSize + 1) == Status::kOk);
  REQUIRE(k.content_size(vmo) == kPageSize + 1);
  REQUIRE(k.vmo_size(vmo) == 2 * kPageSize);
  REQUIRE(k.data(vmo) == "abcde");
}

TEST_CASE("a VMO whose size cannot change keeps its content size too", "[zx_vmo_set_size]") {
  Rig k;
  Handle vmo = k.vmo("text");
  REQUIRE(k.call("vmo_set_size", vmo, 10) == Status::kUnavailable);
  REQUIRE(k.content_size(vmo) == 4);
}

TEST_CASE("the content size is 8 bytes, of VMOs", "[zx_object_set_property][zx_object_get_property]") {
  Rig k;
  Handle vmo = k.vmo("text");
  for (auto name : {"object_set_property", "object_get_property"}) {
    REQUIRE(k.call(name, vmo, kContentSize, k.room(8), 7) == Status::kBufferTooSmall);
    REQUIRE(k.call(name, vmo, kContentSize, Rig::kNowhere, 8) == Status::kInvalidArgs);
    REQUIRE(k.call(name, k.stream(vmo), kContentSize, k.room(8), 8) == Status::kWrongType);
  }
  REQUIRE(k.content_size(vmo) == 4);
  REQUIRE(k.call("object_set_property", k.without(k.duplicate(vmo), Rights::kSetProperty), kContentSize, k.room(8),
                 8) == Status::kAccessDenied);
  REQUIRE(k.call("object_get_property", k.without(vmo, Rights::kGetProperty), kContentSize, k.room(8), 8) ==
          Status::kAccessDenied);
}

}  // namespace
}  // namespace jacinth::kernel
