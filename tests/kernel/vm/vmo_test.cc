#include "kernel/vm/vmo.h"

#include "tests/kernel/vm/vm_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmoChildOptions;
using abi::VmoOptions;

TEST_CASE("A new VMO reads as zeros and takes no memory") {
  VmRig rig;
  Koid vmo = rig.vmo(uint64_t{1} << 40);

  REQUIRE(rig.get(vmo, 0) == 0);
  REQUIRE(rig.get(vmo, (uint64_t{1} << 40) - 4) == 0);

  REQUIRE(rig.committed(vmo) == 0);
  REQUIRE(rig.object_frames() == 0);
}

TEST_CASE("A byte written far out in a huge VMO costs one page") {
  VmRig rig;
  Koid vmo = rig.vmo(Vmo::kMaxSize);

  rig.put(vmo, Vmo::kMaxSize - kPageSize, 7);

  REQUIRE(rig.get(vmo, Vmo::kMaxSize - kPageSize) == 7);
  REQUIRE(rig.committed(vmo) == 1);
}

TEST_CASE("A mapping shows the VMO and writes through to it") {
  VmRig rig;
  Koid vmo = rig.tagged(3);
  rig.space();
  GuestAddr base = rig.map_all(vmo);

  REQUIRE(rig.peek(base + kPageSize) == 2);
  rig.poke(base + 2 * kPageSize, 9);

  REQUIRE(rig.get(vmo, 2 * kPageSize) == 9);
}

}  // namespace
}  // namespace jacinth::kernel
