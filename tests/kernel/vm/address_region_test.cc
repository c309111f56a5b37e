// Address regions: where things land, what may overlap, what is cut, and with which error.

#include "kernel/vm/address_region.h"

#include <set>

#include "tests/kernel/vm/vm_rig.h"
#include "tests/support/small_stack.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmarOp;
using abi::VmOptions;
using enum abi::VmOptions;

constexpr uint64_t kPage = kPageSize;
constexpr VmOptions kReadWrite = kPermRead | kPermWrite;

VmOptions aligned(uint32_t log2) { return static_cast<VmOptions>(log2 << abi::kVmAlignShift); }

struct RegionRig : VmRig {
  explicit RegionRig(Arch arch = Arch::kArm64, Options options = {}) : VmRig(arch, std::move(options)) { space(); }

  /// A region of 16 pages at a known place, in which everything may be mapped.
  Koid sandbox(VmOptions options = kCanMapMask | kCanMapSpecific) {
    return hold(*root().allocate(0x10'0000, 16 * kPage, options | kSpecific));
  }
  static GuestAddr place(uint64_t page) { return AddressSpace::user_base() + 0x10'0000 + page * kPage; }

  Status map_at(Koid in, uint64_t page, Koid vmo, uint64_t pages, VmOptions options = kReadWrite | kSpecific,
                uint64_t vmo_page = 0) {
    return map(region(in), vmo, vmo_page * kPage, pages * kPage, options, page * kPage).status();
  }
  /// "rw" and the like for each page of the sandbox, '-' where nothing is mapped.
  std::string picture() {
    std::string text;
    for (uint64_t page = 0; page < 16; ++page) {
      Mapping* mapping = space(0).find_mapping(place(page));
      if (mapping == nullptr) {
        text += '-';
        continue;
      }
      bool write = contains(mapping->permissions(), kPermWrite);
      bool execute = contains(mapping->permissions(), kPermExecute);
      text += execute ? 'x' : write ? 'w' : contains(mapping->permissions(), kPermRead) ? 'r' : 'n';
    }
    return text;
  }
};

// --- placing ---

TEST_CASE("The root covers what programs may use on each architecture") {
  RegionRig arm64(Arch::kArm64);
  REQUIRE(arm64.root().base() == GuestAddr(0x100'0000));
  REQUIRE(arm64.root().end() == GuestAddr(0xffff'ff00'0000));
  RegionRig x86(Arch::kX86_64);
  REQUIRE(x86.root().base() == GuestAddr(0x100'0000));
  REQUIRE(x86.root().end() == GuestAddr(0x7fff'ffff'f000));
}

TEST_CASE("A place is drawn by chance, and by the same chance in the same run") {
  auto places = [](uint64_t seed) {
    RegionRig rig;
    rig.platform().set_seed(seed);
    Koid vmo = rig.vmo(kPage);
    std::vector<GuestAddr> list;
    for (int i = 0; i < 20; ++i) list.push_back(rig.map_all(vmo));
    return list;
  };
  std::vector<GuestAddr> once = places(1);
  REQUIRE(std::set(once.begin(), once.end()).size() == 20);
  REQUIRE(places(1) == once);
  REQUIRE(places(2) != once);
}

TEST_CASE("Without chance, the lowest place is taken") {
  RegionRig rig(Arch::kArm64, {{"aslr.disable", "1"}});
  Koid vmo = rig.vmo(2 * kPage);
  GuestAddr base = AddressSpace::user_base();
  REQUIRE(rig.map_all(vmo) == base);
  REQUIRE(rig.map_all(vmo) == base + 2 * kPage);
  REQUIRE(rig.map_all(vmo) == base + 4 * kPage);

  REQUIRE(rig.root().unmap(base + 2 * kPage, 2 * kPage) == Status::kOk);
  REQUIRE(rig.map_all(vmo) == base + 2 * kPage);
}

TEST_CASE("A compact region fills from below") {
  RegionRig rig;
  Koid region = rig.hold(*rig.root().allocate(0, uint64_t{1} << 36, kCanMapRead | kCanMapWrite | kCompact));
  Koid vmo = rig.vmo(kPage);
  for (uint64_t i = 0; i < 300; ++i) {
    Result<GuestAddr> place = rig.map(rig.region(region), vmo, 0, kPage, kPermRead);
    REQUIRE(place.has_value());
    // 256 places to choose from, whatever is taken below.
    REQUIRE(*place - rig.region(region).base() <= (256 + i) * kPage);
  }
}

TEST_CASE("A full region is full to the last page") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.vmo(kPage);
  for (int i = 0; i < 16; ++i) REQUIRE(rig.map(rig.region(sandbox), vmo, 0, kPage, kPermRead).has_value());
  REQUIRE(rig.map(rig.region(sandbox), vmo, 0, kPage, kPermRead).status() == Status::kNoMemory);

  REQUIRE(rig.region(sandbox).unmap(rig.place(7), kPage) == Status::kOk);
  REQUIRE(*rig.map(rig.region(sandbox), vmo, 0, kPage, kPermRead) == rig.place(7));
}

TEST_CASE("An upper limit bounds the end") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.vmo(2 * kPage);
  for (int i = 0; i < 2; ++i) {
    Result<GuestAddr> place =
        rig.map(rig.region(sandbox), vmo, 0, 2 * kPage, kPermRead | kOffsetIsUpperLimit, 5 * kPage);
    REQUIRE(place.has_value());
    REQUIRE(*place + 2 * kPage <= rig.place(5));
    if (i == 0) REQUIRE(rig.region(sandbox).unmap(*place, 2 * kPage) == Status::kOk);
  }
  auto limited = [&](uint64_t limit, VmOptions more = kNone) {
    return rig.map(rig.region(sandbox), vmo, 0, 2 * kPage, kPermRead | kOffsetIsUpperLimit | more, limit).status();
  };
  REQUIRE(limited(kPage) == Status::kInvalidArgs);
  REQUIRE(limited(17 * kPage) == Status::kInvalidArgs);
  REQUIRE(limited(16 * kPage + 5) == Status::kInvalidArgs);
  REQUIRE(limited(16 * kPage, kSpecific) == Status::kInvalidArgs);
  REQUIRE(limited(2 * kPage) != Status::kInvalidArgs);
}

TEST_CASE("An alignment is kept, whether the place is asked for or not") {
  RegionRig rig;
  Koid vmo = rig.vmo(kPage);
  for (uint32_t log2 : {12u, 16u, 21u, 30u, 32u}) {
    Result<GuestAddr> place = rig.map(rig.root(), vmo, 0, kPage, kPermRead | aligned(log2));
    REQUIRE(place.has_value());
    REQUIRE(place->value % (uint64_t{1} << log2) == 0);
  }
  for (uint32_t log2 : {1u, 9u, 33u, 255u})
    REQUIRE(rig.map(rig.root(), vmo, 0, kPage, kPermRead | aligned(log2)).status() == Status::kInvalidArgs);
  REQUIRE(rig.map(rig.root(), vmo, 0, kPage, kPermRead | kSpecific | aligned(16), 0x10'1000).status() ==
          Status::kInvalidArgs);
  REQUIRE(rig.map(rig.root(), vmo, 0, kPage, kPermRead | kSpecific | aligned(16), 0x11'0000).status() == Status::kOk);
}

TEST_CASE("A specific place must be free, inside, and allowed") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.vmo(4 * kPage);
  REQUIRE(rig.map_at(sandbox, 4, vmo, 4) == Status::kOk);

  REQUIRE(rig.map_at(sandbox, 3, vmo, 2) == Status::kAlreadyExists);
  REQUIRE(rig.map_at(sandbox, 7, vmo, 1) == Status::kAlreadyExists);
  REQUIRE(rig.map_at(sandbox, 8, vmo, 1) == Status::kOk);
  REQUIRE(rig.map_at(sandbox, 14, vmo, 3) == Status::kInvalidArgs);
  REQUIRE(rig.map_at(sandbox, 16, vmo, 1) == Status::kInvalidArgs);
  REQUIRE(rig.map(rig.region(sandbox), vmo, 0, kPage, kReadWrite | kSpecific, 5).status() == Status::kInvalidArgs);
  REQUIRE(rig.map(rig.region(sandbox), vmo, 0, kPage, kReadWrite, kPage).status() == Status::kInvalidArgs);
  REQUIRE(rig.map(rig.region(sandbox), vmo, 5, kPage, kReadWrite).status() == Status::kInvalidArgs);
  REQUIRE(rig.map(rig.region(sandbox), vmo, 0, 0, kReadWrite).status() == Status::kInvalidArgs);
  REQUIRE(rig.map(rig.region(sandbox), vmo, ~kPageMask, 2 * kPage, kReadWrite).status() == Status::kOutOfRange);

  Koid anywhere = rig.hold(*rig.root().allocate(0, 16 * kPage, kCanMapMask));
  REQUIRE(rig.map_at(anywhere, 0, vmo, 1) == Status::kAccessDenied);
  REQUIRE(rig.map(rig.region(anywhere), vmo, 0, kPage, kReadWrite).has_value());
}

TEST_CASE("A region allows no more than its parent, a mapping no more than its region") {
  RegionRig rig;
  Koid region = rig.sandbox(kCanMapRead | kCanMapWrite | kCanMapSpecific);
  REQUIRE(rig.region(region).allocate(0, kPage, kCanMapExecute).status() == Status::kAccessDenied);
  REQUIRE(rig.region(region).allocate(0, kPage, kCanMapRead).has_value());

  Koid vmo = rig.vmo(kPage);
  REQUIRE(rig.map(rig.region(region), vmo, 0, kPage, kPermRead | kPermExecute).status() == Status::kAccessDenied);
  REQUIRE(rig.map(rig.region(region), vmo, 0, kPage, kPermRead | kCanMapExecute).status() == Status::kAccessDenied);
  REQUIRE(rig.map(rig.region(region), vmo, 0, kPage, kPermWrite).status() == Status::kInvalidArgs);
  REQUIRE(rig.region(region).handle_rights() == (abi::default_rights(ObjectType::kVmar) | Rights::kReadWrite));
}

TEST_CASE("A region asks for whole pages and for options that mean something") {
  RegionRig rig;
  REQUIRE(rig.root().allocate(0, 5, kCanMapRead).status() == Status::kInvalidArgs);
  REQUIRE(rig.root().allocate(0, 0, kCanMapRead).status() == Status::kInvalidArgs);
  REQUIRE(rig.root().allocate(0, kPage, kPermRead).status() == Status::kInvalidArgs);
  REQUIRE(rig.root().allocate(0, kPage, kSpecificOverwrite).status() == Status::kInvalidArgs);
  REQUIRE(rig.root().allocate(0, kPage, kMapRange).status() == Status::kInvalidArgs);
  REQUIRE(rig.root().allocate(0, ~kPageMask, kCanMapRead).status() == Status::kInvalidArgs);
}

TEST_CASE("A mapping that must not change its size refuses a resizable VMO") {
  RegionRig rig;
  Koid resizable = rig.vmo(kPage, abi::VmoOptions::kResizable);
  Koid fixed = rig.vmo(kPage);
  REQUIRE(rig.map(rig.root(), resizable, 0, kPage, kPermRead | kRequireNonResizable).status() == Status::kNotSupported);
  REQUIRE(rig.map(rig.root(), fixed, 0, kPage, kPermRead | kRequireNonResizable).status() == Status::kOk);
  REQUIRE(rig.map(rig.root(), resizable, 0, kPage, kPermRead | kAllowFaults).status() == Status::kOk);

  // What may be discarded under a mapping has to be asked for.
  Koid discardable = rig.vmo(kPage, abi::VmoOptions::kDiscardable);
  REQUIRE(rig.map(rig.root(), discardable, 0, kPage, kPermRead).status() == Status::kNotSupported);
  REQUIRE(rig.map(rig.root(), discardable, 0, kPage, kPermRead | kAllowFaults).status() == Status::kOk);
}

// --- unmapping ---

TEST_CASE("Unmapping cuts mappings at both ends and in the middle") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.tagged(8);
  REQUIRE(rig.map_at(sandbox, 0, vmo, 4) == Status::kOk);
  REQUIRE(rig.map_at(sandbox, 4, vmo, 8) == Status::kOk);
  for (uint64_t page = 0; page < 12; ++page) rig.peek(rig.place(page));

  REQUIRE(rig.region(sandbox).unmap(rig.place(3), 3 * kPage) == Status::kOk);
  REQUIRE(rig.picture() == "www---wwwwww----");
  REQUIRE(rig.region(sandbox).unmap(rig.place(8), kPage) == Status::kOk);
  REQUIRE(rig.picture() == "www---ww-www----");

  // Each piece still shows its own part of the VMO.
  REQUIRE(rig.peek(rig.place(6)) == 3);
  REQUIRE(rig.peek(rig.place(9)) == 6);
  REQUIRE(rig.at(vmo).info().num_mappings == 3);
  REQUIRE(rig.space(0).fault(rig.place(8), AccessKind::kRead) == Status::kNotFound);
}

TEST_CASE("Unmapping nothing is fine, outside the region it is not") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  REQUIRE(rig.region(sandbox).unmap(rig.place(0), 16 * kPage) == Status::kOk);
  REQUIRE(rig.region(sandbox).unmap(rig.place(0), 17 * kPage) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).unmap(rig.place(0) - kPage, kPage) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).unmap(rig.place(0), 0) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).unmap(rig.place(0) + 5, kPage) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).unmap(rig.place(0), ~uint64_t{0}) == Status::kInvalidArgs);
}

TEST_CASE("Unmapping destroys regions that lie inside and refuses to cut one") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid inner = rig.hold(*rig.region(sandbox).allocate(4 * kPage, 4 * kPage, kCanMapRead | kSpecific | kCanMapSpecific));
  Koid vmo = rig.vmo(kPage);
  REQUIRE(rig.map_at(inner, 1, vmo, 1, kPermRead | kSpecific) == Status::kOk);
  REQUIRE(rig.picture() == "-----r----------");

  REQUIRE(rig.region(sandbox).unmap(rig.place(5), kPage) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).unmap(rig.place(0), 5 * kPage) == Status::kInvalidArgs);
  REQUIRE(rig.picture() == "-----r----------");
  REQUIRE(rig.region(sandbox).unmap(rig.place(0), 16 * kPage) == Status::kOk);
  REQUIRE(rig.picture() == "----------------");
  REQUIRE_FALSE(rig.region(inner).alive());
  REQUIRE(rig.map_at(inner, 0, vmo, 1, kPermRead | kSpecific) == Status::kBadState);
}

// --- overwriting ---

TEST_CASE("An overwriting mapping takes the place of others and cuts them") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid old = rig.tagged(8);
  Koid fresh = rig.tagged(2);
  REQUIRE(rig.map_at(sandbox, 0, old, 8) == Status::kOk);
  rig.peek(rig.place(3));

  REQUIRE(rig.map_at(sandbox, 3, fresh, 2, kPermRead | kSpecificOverwrite) == Status::kOk);
  REQUIRE(rig.picture() == "wwwrrwww--------");
  REQUIRE(rig.peek(rig.place(3)) == 1);
  REQUIRE(rig.peek(rig.place(5)) == 6);

  REQUIRE(rig.map_at(sandbox, 3, fresh, 2, kPermRead | kSpecificOverwrite | kMapRange) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).allocate(10 * kPage, kPage, kSpecific).has_value());
  REQUIRE(rig.map_at(sandbox, 9, fresh, 2, kPermRead | kSpecificOverwrite) == Status::kInvalidArgs);
  REQUIRE(rig.map_at(sandbox, 8, fresh, 2, kPermRead | kSpecificOverwrite) == Status::kOk);
}

// --- protecting ---

TEST_CASE("Protecting splits mappings and keeps to what they were made with") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.tagged(8);
  REQUIRE(rig.map_at(sandbox, 0, vmo, 8) == Status::kOk);
  for (uint64_t page = 0; page < 8; ++page) rig.poke(rig.place(page), 1);

  REQUIRE(rig.region(sandbox).protect(rig.place(2), 3 * kPage, kPermRead) == Status::kOk);
  REQUIRE(rig.picture() == "wwrrrwww--------");
  REQUIRE(rig.space(0).fault(rig.place(2), AccessKind::kWrite) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).protect(rig.place(4), 2 * kPage, kNone) == Status::kOk);
  REQUIRE(rig.picture() == "wwrrnnww--------");
  REQUIRE(rig.space(0).fault(rig.place(4), AccessKind::kRead) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).protect(rig.place(0), 8 * kPage, kReadWrite) == Status::kOk);
  REQUIRE(rig.picture() == "wwwwwwww--------");
  rig.poke(rig.place(4), 2);

  REQUIRE(rig.region(sandbox).protect(rig.place(0), kPage, kPermRead | kPermExecute) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).protect(rig.place(0), kPage, kPermWrite) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).protect(rig.place(0), kPage, kPermRead | kCanMapRead) == Status::kInvalidArgs);
}

TEST_CASE("A right that both handles had at map time can be asked for later") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.tagged(1);
  REQUIRE(rig.map_at(sandbox, 0, vmo, 1, kPermRead | kSpecific | kCanMapWrite) == Status::kOk);
  REQUIRE(rig.region(sandbox).protect(rig.place(0), kPage, kReadWrite) == Status::kOk);
  rig.poke(rig.place(0), 9);
  REQUIRE(rig.get(vmo, 0) == 9);
}

TEST_CASE("Protecting wants all of the range mapped, and no region in it") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.tagged(2);
  REQUIRE(rig.region(sandbox).protect(rig.place(0), kPage, kPermRead) == Status::kNotFound);
  REQUIRE(rig.map_at(sandbox, 1, vmo, 2) == Status::kOk);
  REQUIRE(rig.map_at(sandbox, 4, vmo, 2) == Status::kOk);

  REQUIRE(rig.region(sandbox).protect(rig.place(0), 2 * kPage, kPermRead) == Status::kNotFound);
  REQUIRE(rig.region(sandbox).protect(rig.place(1), 3 * kPage, kPermRead) == Status::kNotFound);
  REQUIRE(rig.region(sandbox).protect(rig.place(1), 5 * kPage, kPermRead) == Status::kNotFound);
  REQUIRE(rig.region(sandbox).protect(rig.place(1), 0, kPermRead) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).protect(rig.place(15), 2 * kPage, kPermRead) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).allocate(3 * kPage, kPage, kSpecific).has_value());
  REQUIRE(rig.region(sandbox).protect(rig.place(1), 5 * kPage, kPermRead) == Status::kInvalidArgs);
  REQUIRE(rig.picture() == "-ww-ww----------");
}

TEST_CASE("Making a shared page writable does not let a write through to a snapshot") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.tagged(1);
  REQUIRE(rig.map_at(sandbox, 0, vmo, 1) == Status::kOk);
  rig.poke(rig.place(0), 5);
  Koid child = rig.snapshot(vmo, 0, kPage);
  REQUIRE(rig.region(sandbox).protect(rig.place(0), kPage, kPermRead) == Status::kOk);
  REQUIRE(rig.peek(rig.place(0)) == 5);

  REQUIRE(rig.region(sandbox).protect(rig.place(0), kPage, kReadWrite) == Status::kOk);
  rig.poke(rig.place(0), 6);

  REQUIRE(rig.get(child, 0) == 5);
  REQUIRE(rig.get(vmo, 0) == 6);
}

// --- destroying ---

TEST_CASE("Destroying a region ends everything in it, once, and never the root") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid inner = rig.hold(*rig.region(sandbox).allocate(4 * kPage, 4 * kPage, kCanMapRead | kSpecific | kCanMapSpecific));
  Koid vmo = rig.tagged(4);
  REQUIRE(rig.map_at(sandbox, 0, vmo, 4) == Status::kOk);
  REQUIRE(rig.map_at(inner, 0, vmo, 4, kPermRead | kSpecific) == Status::kOk);
  rig.peek(rig.place(0));
  rig.peek(rig.place(5));

  REQUIRE(rig.root().destroy() == Status::kNotSupported);
  REQUIRE(rig.region(sandbox).destroy() == Status::kOk);
  REQUIRE(rig.picture() == "----------------");
  REQUIRE(rig.region(sandbox).destroy() == Status::kBadState);
  REQUIRE(rig.region(inner).destroy() == Status::kBadState);
  REQUIRE(rig.region(sandbox).unmap(rig.place(0), kPage) == Status::kBadState);
  REQUIRE(rig.region(sandbox).protect(rig.place(0), kPage, kPermRead) == Status::kBadState);
  REQUIRE(rig.region(sandbox).allocate(0, kPage, kNone).status() == Status::kBadState);
  REQUIRE(rig.region(sandbox).op_range(VmarOp::kMapRange, rig.place(0), kPage) == Status::kBadState);
  REQUIRE(rig.at(vmo).info().num_mappings == 0);
  // The place is free again.
  REQUIRE(rig.root().allocate(0x10'0000, 16 * kPage, kSpecific).has_value());
}

TEST_CASE("Closing the handle of a region leaves what is mapped in it") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  REQUIRE(rig.map_at(sandbox, 0, rig.tagged(1), 1) == Status::kOk);
  rig.close(sandbox);
  REQUIRE(rig.peek(rig.place(0)) == 1);
}

TEST_CASE("A process's end destroys its regions, whoever holds handles to them") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  REQUIRE(rig.map_at(sandbox, 0, rig.tagged(1), 1) == Status::kOk);
  rig.end_space(0);
  rig.pin();
  REQUIRE_FALSE(rig.region(sandbox).alive());
  REQUIRE(rig.region(sandbox).unmap(rig.place(0), kPage) == Status::kBadState);
}

TEST_CASE("Regions nest 50 000 deep without deep stacks") {
  RegionRig rig;
  rig.pin();
  Status status = Status::kOk;
  uint64_t listed = 0;
  Status of_fault = Status::kOk;
  on_small_stack([&] {
    Ref<AddressRegion> region = rig.space(0).root();
    for (int depth = 0; depth < 50'000 && status == Status::kOk; ++depth) {
      Result<Ref<AddressRegion>> inner =
          region->allocate(0, 16 * kPage, kCanMapMask | kCanMapSpecific | (depth > 0 ? kSpecific : kNone));
      status = inner.status();
      if (inner) region = *inner;
    }
    of_fault = rig.space(0).fault(region->base(), AccessKind::kRead);
    listed = rig.space(0).maps().size();
    rig.space(0).destroy();
    region = nullptr;
    rig.core().objects().drain();
  });
  REQUIRE(status == Status::kOk);
  REQUIRE(of_fault == Status::kNotFound);
  REQUIRE(listed == 50'002);
}

// --- operations on ranges ---

TEST_CASE("Operations on a range of mappings reach their VMOs") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.tagged(4);
  REQUIRE(rig.map_at(sandbox, 2, vmo, 4) == Status::kOk);
  REQUIRE(rig.map_at(sandbox, 6, vmo, 2, kPermRead | kSpecific) == Status::kOk);

  REQUIRE(rig.region(sandbox).op_range(VmarOp::kDecommit, rig.place(3), 2 * kPage) == Status::kOk);
  REQUIRE(rig.committed(vmo) == 2);
  REQUIRE(rig.region(sandbox).op_range(VmarOp::kCommit, rig.place(3), kPage) == Status::kOk);
  REQUIRE(rig.committed(vmo) == 3);
  REQUIRE(rig.space(0).tables().query(rig.place(3)).has_value());

  REQUIRE(rig.region(sandbox).op_range(VmarOp::kDecommit, rig.place(5), 2 * kPage) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).op_range(VmarOp::kMapRange, rig.place(1), 2 * kPage) == Status::kBadState);
  REQUIRE(rig.region(sandbox).op_range(VmarOp::kMapRange, rig.place(6), 3 * kPage) == Status::kBadState);
  REQUIRE(rig.region(sandbox).op_range(VmarOp{77}, rig.place(2), kPage) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).op_range(VmarOp::kMapRange, rig.place(15), 2 * kPage) == Status::kOutOfRange);
  REQUIRE(rig.region(sandbox).op_range(VmarOp::kMapRange, rig.place(2), 0) == Status::kInvalidArgs);
  REQUIRE(rig.region(sandbox).op_range(VmarOp::kDontNeed, rig.place(2), kPage) == Status::kOk);
}

TEST_CASE("Mapping with MAP_RANGE enters the pages that exist and commits none") {
  RegionRig rig;
  Koid vmo = rig.vmo(4 * kPage);
  rig.put(vmo, 2 * kPage, 1);
  Result<GuestAddr> base = rig.map(rig.root(), vmo, 0, 4 * kPage, kReadWrite | kMapRange);
  REQUIRE(rig.space(0).tables().query(*base + 2 * kPage).has_value());
  REQUIRE_FALSE(rig.space(0).tables().query(*base).has_value());
  REQUIRE(rig.committed(vmo) == 1);
}

// --- the vDSO ---

TEST_CASE("The vDSO's code is mapped once, whole, and stays") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vdso = rig.tagged(4);
  rig.vm().set_vdso({.vmo = vdso, .code_offset = 2 * kPage, .code_size = 2 * kPage});
  constexpr VmOptions kCode = kPermRead | kPermExecute | kSpecific;

  // Not its data, not half of it, not more than it.
  REQUIRE(rig.map_at(sandbox, 0, vdso, 2, kCode, 0) == Status::kAccessDenied);
  REQUIRE(rig.map_at(sandbox, 0, vdso, 1, kCode, 2) == Status::kAccessDenied);
  REQUIRE(rig.map_at(sandbox, 0, vdso, 4, kCode, 0) == Status::kAccessDenied);
  REQUIRE(rig.space(0).vdso_base() == GuestAddr());
  REQUIRE(rig.map_at(sandbox, 4, vdso, 2, kPermRead | kSpecific, 0) == Status::kOk);
  REQUIRE(rig.map_at(sandbox, 6, vdso, 2, kCode, 2) == Status::kOk);
  REQUIRE(rig.space(0).vdso_base() == rig.place(4));
  REQUIRE(rig.map_at(sandbox, 10, vdso, 2, kCode, 2) == Status::kAccessDenied);

  REQUIRE(rig.region(sandbox).unmap(rig.place(0), 16 * kPage) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).unmap(rig.place(7), kPage) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).protect(rig.place(6), kPage, kPermRead) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).op_range(VmarOp::kMapRange, rig.place(6), kPage) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).destroy() == Status::kAccessDenied);
  REQUIRE(rig.map_at(sandbox, 7, rig.vmo(kPage), 1, kReadWrite | kSpecificOverwrite) == Status::kAccessDenied);
  REQUIRE(rig.region(sandbox).unmap(rig.place(4), 2 * kPage) == Status::kOk);
  REQUIRE(rig.picture() == "------xx--------");
}

// --- lists ---

TEST_CASE("The list of maps shows the tree, parents first") {
  RegionRig rig;
  Koid sandbox = rig.sandbox();
  Koid vmo = rig.tagged(3);
  REQUIRE(rig.at(vmo).set_name("data") == Status::kOk);
  Koid inner = rig.hold(*rig.region(sandbox).allocate(8 * kPage, 4 * kPage, kCanMapRead | kSpecific | kCanMapSpecific));
  REQUIRE(rig.map_at(inner, 0, vmo, 2, kPermRead | kSpecific, 1) == Status::kOk);
  REQUIRE(rig.map_at(sandbox, 2, vmo, 1) == Status::kOk);

  std::vector<abi::InfoMaps> maps = rig.space(0).maps();
  auto line = [](const abi::InfoMaps& map) {
    return fmt::format("{} {} {:x} {:x} {}", map.depth, static_cast<uint32_t>(map.type), map.base, map.size,
                       map.name.data());
  };
  REQUIRE(maps.size() == 6);
  REQUIRE(line(maps[0]) == "0 1 1000000 fffffe000000 proc:test");
  REQUIRE(line(maps[1]) == "1 2 1000000 fffffe000000 root");
  REQUIRE(line(maps[2]) == "2 2 1100000 10000 useralloc");
  REQUIRE(line(maps[3]) == "3 3 1102000 1000 data");
  REQUIRE(line(maps[4]) == "3 2 1108000 4000 useralloc");
  REQUIRE(line(maps[5]) == "4 3 1108000 2000 data");
  REQUIRE(maps[5].mapping.mmu_flags == kPermRead);
  REQUIRE(maps[5].mapping.vmo_koid == vmo);
  REQUIRE(maps[5].mapping.vmo_offset == kPage);
  REQUIRE(maps[5].mapping.committed_pages == 2);
}

TEST_CASE("Memory is private to a process until another maps it") {
  RegionRig rig;
  rig.space();
  Koid mine = rig.tagged(3);
  Koid ours = rig.tagged(4);
  rig.map_all(mine, 0);
  rig.map_all(ours, 0);
  REQUIRE(rig.space(0).task_stats().mem_private_bytes == 7 * kPage);

  rig.map_all(ours, 1);
  abi::InfoTaskStats stats = rig.space(0).task_stats();
  REQUIRE(stats.mem_mapped_bytes == 7 * kPage);
  REQUIRE(stats.mem_private_bytes == 3 * kPage);
  REQUIRE(stats.mem_shared_bytes == 4 * kPage);
  REQUIRE(stats.mem_scaled_shared_bytes == 2 * kPage);
}

}  // namespace
}  // namespace jacinth::kernel
