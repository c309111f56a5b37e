// Pages for many small things (kernel/object/slab.h).
#include "kernel/object/slab.h"

#include "emu/state/archive.h"
#include "kernel/abi/names.h"
#include "tests/support/counted_pages.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using Use = KernelPages::Use;

TEST_CASE("a slab takes a page when the ones it has are full") {
  CountedPages pages(Use::kSlab, 100);
  Slab slab(3, 0);
  slab.set_source(&pages);
  for (uint64_t i = 1; i <= 10; ++i) {
    REQUIRE(slab.take() == Status::kOk);
    REQUIRE(slab.pages() == (i + 2) / 3);
    REQUIRE(pages.taken == slab.pages());
  }
}

TEST_CASE("a slab keeps its reserve and gives the rest back") {
  CountedPages pages(Use::kSlab, 100);
  Slab slab(3, 2);
  slab.set_source(&pages);
  for (int i = 0; i < 30; ++i) REQUIRE(slab.take() == Status::kOk);
  for (int i = 0; i < 30; ++i) slab.give();
  REQUIRE(slab.in_use() == 0);
  REQUIRE(pages.taken == 2);
  for (int i = 0; i < 6; ++i) REQUIRE(slab.take() == Status::kOk);
  REQUIRE(pages.taken == 2);
}

TEST_CASE("a slab without a page left has no memory, and has it again when something went") {
  CountedPages pages(Use::kSlab, 1);
  Slab slab(2, 0);
  slab.set_source(&pages);
  REQUIRE(slab.take() == Status::kOk);
  REQUIRE(slab.take() == Status::kOk);
  REQUIRE(slab.take() == Status::kNoMemory);
  slab.give();
  REQUIRE(slab.take() == Status::kOk);
}

TEST_CASE("what is loaded takes its room in the pages that were saved") {
  CountedPages pages(Use::kSlab, 100);
  Slab first(3, 5);
  first.set_source(&pages);
  for (int i = 0; i < 9; ++i) REQUIRE(first.take() == Status::kOk);
  for (int i = 0; i < 7; ++i) first.give();
  Writer saved;
  saved(first);

  Slab second(3, 5);
  second.set_source(&pages);
  Reader reader(saved.data());
  reader(second);
  REQUIRE(second.pages() == 3);
  for (int i = 0; i < 9; ++i) REQUIRE(second.take() == Status::kOk);
  REQUIRE(pages.taken == 3);
}

}  // namespace
}  // namespace jacinth::kernel
