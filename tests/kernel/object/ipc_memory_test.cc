// Pages for what waits to be received (kernel/object/ipc_memory.h).
#include "kernel/object/ipc_memory.h"

#include "emu/base/address.h"
#include "tests/support/counted_pages.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using Use = KernelPages::Use;

constexpr uint64_t kReserve = 4;

TEST_CASE("messages share pages, and take as many as their bytes fill") {
  CountedPages pages(Use::kIpc, 100);
  IpcMemory memory(0);
  memory.set_source(&pages);
  REQUIRE(memory.take(1));
  REQUIRE(pages.taken == 1);
  REQUIRE(memory.take(kPageSize - 1));
  REQUIRE(pages.taken == 1);
  REQUIRE(memory.take(kPageSize + 1));
  REQUIRE(pages.taken == 3);
}

TEST_CASE("the reserve is there from the beginning, and whenever messages are gone") {
  CountedPages pages(Use::kIpc, 1000);
  IpcMemory memory(kReserve);
  memory.set_source(&pages);
  memory.fill_reserve();
  REQUIRE(pages.taken == kReserve);
  pages.left = 0;
  REQUIRE(memory.take(kReserve * kPageSize));
  REQUIRE_FALSE(memory.take(1));

  pages.left = 1000;
  REQUIRE(memory.take(500 * kPageSize));
  memory.give(503 * kPageSize);
  REQUIRE(pages.taken == 1 + kReserve);
}

TEST_CASE("what has no room takes nothing") {
  CountedPages pages(Use::kIpc, 10);
  IpcMemory memory(0);
  memory.set_source(&pages);
  REQUIRE(memory.take(8 * kPageSize));
  REQUIRE_FALSE(memory.take(3 * kPageSize));
  REQUIRE(pages.taken == 8);
  REQUIRE(memory.take(2 * kPageSize));
  REQUIRE_FALSE(memory.take(1));
  memory.give(1);
  REQUIRE(memory.take(1));
}

}  // namespace
}  // namespace jacinth::kernel
