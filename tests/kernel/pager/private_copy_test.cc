// Copies of a pager's VMO, and copies of those: what they show, what they keep, and how long chains of them end.
#include "kernel/abi/vmo.h"
#include "kernel/vm/vm.h"
#include "tests/kernel/pager/pager_rig.h"
#include "tests/support/small_stack.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmoChildOptions;

constexpr uint64_t kPage = kPageSize;
constexpr VmoChildOptions kCopy = VmoChildOptions::kSnapshotAtLeastOnWrite;

struct CopyRig : PagerRig {
  Handle copy(Handle parent, uint64_t first, uint64_t pages, VmoChildOptions more = VmoChildOptions::kNone) {
    return make("vmo_create_child", parent, kCopy | more, first * kPageSize, pages * kPageSize);
  }
  Status zero(Handle vmo, uint64_t first, uint64_t count) {
    return call("vmo_op_range", vmo, abi::VmoOp::kZero, first * kPageSize, count * kPageSize, nullptr, 0);
  }
  uint64_t frames() { return kernel().vm().pmm().count(FrameState::kObject); }
};

TEST_CASE("a copy shows what its parent shows, until it is written", "[zx_vmo_create_child]") {
  CopyRig k;
  Handle vmo = k.vmo(4);
  Handle copy = k.copy(vmo, 1, 3);
  Made& reader = k.read(copy, 0, k.room(4));
  REQUIRE(k.asked_for(1));
  k.supply(vmo, 0, 3);
  REQUIRE(reader.status() == Status::kOk);
  REQUIRE(k.word(copy, 0) == 101);
  REQUIRE(k.at(copy).attributed_bytes() == 0);

  // The parent's writes show where the copy has none of its own, and the copy's never show in the parent.
  REQUIRE(k.write(vmo, 1, 7).status() == Status::kOk);
  REQUIRE(k.word(copy, 0) == 7);
  REQUIRE(k.write(copy, 0, 8).status() == Status::kOk);
  REQUIRE(k.write(vmo, 1, 9).status() == Status::kOk);
  REQUIRE(k.word(copy, 0) == 8);
  REQUIRE(k.word(vmo, 1) == 9);
  REQUIRE(k.at(copy).attributed_bytes() == kPage);
  REQUIRE(contains(k.at(copy).info().flags, abi::InfoVmoFlags::kIsCowClone | abi::InfoVmoFlags::kPagerBacked));
}

TEST_CASE("a write to a copy fetches the page that it changes a part of") {
  CopyRig k;
  Handle vmo = k.vmo(2);
  Handle copy = k.copy(vmo, 0, 2);
  Made& writer = k.write(copy, 1, 5);
  REQUIRE(writer.status() == Status::kParked);
  REQUIRE(k.asked_for(1));
  k.supply(vmo, 1, 1);
  REQUIRE(writer.status() == Status::kOk);
  REQUIRE(k.word(copy, 1) == 5);
  REQUIRE(k.word(vmo, 1) == 101);
  k.fail(vmo, 0, 1, Status::kIo);
  Made& loser = k.write(copy, 0, 5);
  k.fail(vmo, 0, 1, Status::kIo);
  REQUIRE(loser.status() == Status::kIo);
}

TEST_CASE("a commit of a copy asks for runs, and makes every page its own", "[zx_vmo_op_range]") {
  CopyRig k;
  Handle vmo = k.vmo(8);
  Handle copy = k.copy(vmo, 2, 8);
  k.supply(vmo, 4, 1);
  Made& commit = k.start(k.thread(), "vmo_op_range", copy, abi::VmoOp::kCommit, 0, 8 * kPage, nullptr, 0);
  REQUIRE(k.asked_for(2, 2));
  k.supply(vmo, 2, 2);
  REQUIRE(k.asked_for(5, 3));
  k.supply(vmo, 5, 3);
  REQUIRE(commit.status() == Status::kOk);
  REQUIRE(k.at(copy).attributed_bytes() == 8 * kPage);
  REQUIRE(k.word(copy, 7) == 0);
}

TEST_CASE("past the parent's end a copy is zeros, and what the parent gains later does not show") {
  CopyRig k;
  Handle vmo = k.vmo(3, abi::VmoOptions::kResizable);
  Handle copy = k.copy(vmo, 1, 4, VmoChildOptions::kResizable);
  k.supply(vmo, 0, 3);
  REQUIRE(k.word(copy, 2) == 0);
  REQUIRE(k.call("vmo_set_size", vmo, 2 * kPage) == Status::kOk);
  REQUIRE(k.word(copy, 0) == 101);
  REQUIRE(k.word(copy, 1) == 0);
  REQUIRE(k.call("vmo_set_size", vmo, 5 * kPage) == Status::kOk);
  REQUIRE(k.write(vmo, 2, 5).status() == Status::kOk);
  REQUIRE(k.word(copy, 1) == 0);

  REQUIRE(k.call("vmo_set_size", copy, 0) == Status::kOk);
  REQUIRE(k.call("vmo_set_size", copy, 2 * kPage) == Status::kOk);
  REQUIRE(k.word(copy, 0) == 0);
}

TEST_CASE("zeros in a copy hide the parent", "[zx_vmo_op_range]") {
  CopyRig k;
  Handle vmo = k.vmo(4);
  k.supply(vmo, 0, 2);
  Handle copy = k.copy(vmo, 0, 4);
  uint64_t frames = k.frames();
  // Over a page that the parent has, a mark is enough; over one that it lacks, only a frame says so for good.
  REQUIRE(k.zero(copy, 0, 1) == Status::kOk);
  REQUIRE(k.frames() == frames);
  REQUIRE(k.zero(copy, 2, 1) == Status::kOk);
  REQUIRE(k.frames() == frames + 1);
  // At the parent's end the copy just looks less far.
  REQUIRE(k.zero(copy, 3, 1) == Status::kOk);
  REQUIRE(k.frames() == frames + 1);
  k.supply(vmo, 2, 2);
  for (uint64_t page : {0, 2, 3}) REQUIRE(k.word(copy, page) == 0);
  REQUIRE(k.word(copy, 1) == 101);
  REQUIRE(k.word(vmo, 0) == 100);
}

TEST_CASE("mappings of copies follow what the parent shows") {
  CopyRig k;
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  Handle copy = k.copy(vmo, 0, 2);
  Handle second = k.copy(copy, 0, 2);
  GuestAddr base = k.map(second, 2);
  REQUIRE(k.peek<uint32_t>(base) == 100);
  REQUIRE(k.write(copy, 0, 55).status() == Status::kOk);
  REQUIRE(k.peek<uint32_t>(base) == 55);
  REQUIRE(k.zero(copy, 0, 1) == Status::kOk);
  REQUIRE(k.peek<uint32_t>(base) == 0);
  k.poke(base, uint32_t{66});
  REQUIRE(k.word(copy, 0) == 0);
  REQUIRE(k.word(second, 0) == 66);
  // What a detached pager no longer has is no longer seen.
  REQUIRE(k.peek<uint32_t>(base + kPage) == 101);
  REQUIRE(k.detach(vmo) == Status::kOk);
  REQUIRE(k.reads(second, 1) == Status::kBadState);
  REQUIRE(k.word(second, 0) == 66);
}

TEST_CASE("in July 2020 a detached VMO kept its pages, and copies showed zeros where it had none",
          "[zx_pager_detach_vmo]") {
  CopyRig k;
  k.kernel().vm().set_july_2020();
  Handle vmo = k.vmo(4);
  k.supply(vmo, 0, 1);
  Handle copy = k.copy(vmo, 0, 4);
  Handle second = k.copy(copy, 0, 4);
  Made& reader = k.read(vmo, 1, k.room(4));
  Made& of_copy = k.read(copy, 2, k.room(4));
  Made& writer = k.write(second, 3, 77);
  REQUIRE(k.detach(vmo) == Status::kOk);

  // Those that waited look again.
  REQUIRE(reader.status() == Status::kNotFound);
  REQUIRE(of_copy.status() == Status::kOk);
  REQUIRE(writer.status() == Status::kOk);
  REQUIRE(k.word(vmo, 0) == 100);
  REQUIRE(k.reads(vmo, 1) == Status::kNotFound);
  REQUIRE(k.write(vmo, 1, 5).status() == Status::kNotFound);
  REQUIRE(k.word(copy, 0) == 100);
  REQUIRE(k.word(copy, 1) == 0);
  REQUIRE(k.word(second, 3) == 77);
  REQUIRE(k.word(copy, 3) == 0);
  REQUIRE(k.write(copy, 1, 6).status() == Status::kOk);
  REQUIRE(k.word(second, 1) == 6);
}

TEST_CASE("in July 2020 a pager that went left its VMOs as if detached") {
  CopyRig k;
  k.kernel().vm().set_july_2020();
  Handle vmo = k.vmo(2);
  Handle copy = k.copy(vmo, 0, 2);
  Made& reader = k.read(vmo, 1, k.room(4));
  Made& of_copy = k.read(copy, 1, k.room(4));
  k.close(k.pager);
  k.run();
  REQUIRE(reader.status() == Status::kNotFound);
  REQUIRE(of_copy.status() == Status::kOk);
}

TEST_CASE("a copy keeps the pages of a parent without handles, and the pager hears of their end") {
  CopyRig k;
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 1);
  Handle copy = k.copy(vmo, 0, 2);
  REQUIRE_FALSE(contains(k.at(vmo).signals(), Signals::kVmoZeroChildren));
  k.close(vmo);
  REQUIRE_FALSE(k.packet());
  REQUIRE(k.word(copy, 0) == 100);
  k.close(copy);
  REQUIRE(k.complete());
}

TEST_CASE("copies and slices are made only of what allows it", "[zx_vmo_create_child]") {
  CopyRig k;
  Handle vmo = k.vmo(4);
  Handle copy = k.copy(vmo, 0, 4);
  GuestAddr out = k.room(4);
  auto child = [&](Handle parent, VmoChildOptions options, uint64_t offset, uint64_t size) {
    return k.call("vmo_create_child", parent, options, offset, size, out);
  };
  REQUIRE(child(copy, VmoChildOptions::kSnapshot, 0, kPage) == Status::kNotSupported);
  REQUIRE(child(vmo, kCopy, 7, kPage) == Status::kInvalidArgs);
  REQUIRE(child(vmo, kCopy, 0, ~uint64_t{0}) == Status::kOutOfRange);
  REQUIRE(child(vmo, kCopy, ~uint64_t{0} - 0xfff, 2 * kPage) == Status::kInvalidArgs);
  REQUIRE(child(vmo, kCopy | VmoChildOptions::kSnapshot, 0, kPage) == Status::kInvalidArgs);
  REQUIRE(child(vmo, VmoChildOptions::kSlice, kPage, 2 * kPage) == Status::kOk);
  Handle slice = k.peek<Handle>(out);
  REQUIRE(child(slice, VmoChildOptions::kSlice, kPage, kPage) == Status::kOk);
  Handle inner = k.peek<Handle>(out);
  k.supply(vmo, 0, 4);
  REQUIRE(k.word(inner, 0) == 102);
  REQUIRE(child(slice, VmoChildOptions::kSlice, kPage, 2 * kPage) == Status::kInvalidArgs);
  REQUIRE(k.call("vmo_op_range", copy, abi::VmoOp::kDecommit, 0, kPage, nullptr, 0) == Status::kNotSupported);
}

TEST_CASE("a chain of 100 000 copies reads, is told of changes, and ends on a small stack") {
  CopyRig k;
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  Ref<Vmo> last = k.object<Vmo>(vmo);
  for (int i = 0; i < 100'000; ++i) last = *last->create_child(kCopy, 0, 2 * kPage, false);
  GuestAddr base =
      *k.process()->memory().root()->map({.vmo = last, .length = 2 * kPage, .options = abi::VmOptions::kPermRead});
  uint32_t seen = 0;
  on_small_stack([&] {
    static_cast<void>(last->read(0, std::as_writable_bytes(std::span(&seen, 1))));
    uint32_t value = 77;
    static_cast<void>(k.at(vmo).write(0, std::as_bytes(std::span(&value, 1))));
  });
  REQUIRE(seen == 100);
  REQUIRE(k.peek<uint32_t>(base) == 77);
  REQUIRE(k.process()->memory().root()->unmap(base, 2 * kPage) == Status::kOk);
  on_small_stack([&] {
    last = nullptr;
    k.core().objects().drain();
  });
  REQUIRE(k.kernel().vm().pages_count() < 10);
  k.close(vmo);
}

TEST_CASE("a chain of 100 000 snapshots ends on a small stack, whichever end goes first") {
  CopyRig k;
  size_t before = k.kernel().vm().pages_count();
  for (bool oldest_first : {true, false}) {
    std::vector<Ref<Vmo>> chain = {*Vmo::create(k.core(), kPage)};
    uint32_t value = 5;
    REQUIRE(chain[0]->write(0, std::as_bytes(std::span(&value, 1))) == Status::kOk);
    for (int i = 0; i < 100'000; ++i)
      chain.push_back(*chain.back()->create_child(VmoChildOptions::kSnapshot, 0, kPage, false));
    uint32_t seen = 0;
    on_small_stack([&] {
      static_cast<void>(chain.back()->read(0, std::as_writable_bytes(std::span(&seen, 1))));
      if (!oldest_first) std::reverse(chain.begin(), chain.end());
      for (Ref<Vmo>& each : chain) each = nullptr;
      k.core().objects().drain();
    });
    REQUIRE(seen == 5);
    REQUIRE(k.kernel().vm().pages_count() == before);
  }
}

TEST_CASE("copies are saved and loaded") {
  CopyRig k;
  Handle vmo = k.vmo(3);
  k.supply(vmo, 0, 2);
  Handle copy = k.copy(vmo, 0, 3);
  Handle second = k.copy(copy, 1, 2);
  REQUIRE(k.write(copy, 1, 5).status() == Status::kOk);
  REQUIRE(k.zero(second, 0, 1) == Status::kOk);
  Made& reader = k.read(second, 1, k.room(4));
  k.reload();
  REQUIRE(k.word(copy, 0) == 100);
  REQUIRE(k.word(copy, 1) == 5);
  REQUIRE(k.word(second, 0) == 0);
  REQUIRE(k.asked_for(2));
  k.supply(vmo, 2, 1);
  REQUIRE(reader.status() == Status::kOk);
  k.close(vmo);
  k.close(copy);
  k.reload();
  REQUIRE(k.word(second, 1) == 102);
  k.close(second);
  REQUIRE(k.complete());
}

}  // namespace
}  // namespace jacinth::kernel
