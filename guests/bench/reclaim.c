/* Pages that a contiguous VMO lends and takes back in one request while a pager's VMO borrows them.
 *
 *   bench_reclaim ROUNDS   lends 1000 pages, has a pager fill as many, which borrow, and takes them back
 *
 * Needs root, and a kernel that lends and borrows (bench/rows.py). */
#include <zircon/syscalls-next.h>
#include <zircon/syscalls/iommu.h>

#include "guests/bench/rounds.h"
#include "guests/lib/expect.h"
#include "guests/lib/process.h"

enum { kPages = 1000 };
static const uint64_t kSize = kPages * 4096ull;

int main(int argc, char** argv) {
  zx_handle_t root = zx_take_startup_handle(PA_HND(PA_RESOURCE, 0));
  zx_handle_t iommu, bti, run, port, pager, aux;
  const zx_iommu_desc_dummy_t desc = {0};
  require_ok(zx_iommu_create(root, ZX_IOMMU_TYPE_DUMMY, &desc, sizeof desc, &iommu));
  require_ok(zx_bti_create(iommu, 0, 0, &bti));
  require_ok(zx_vmo_create_contiguous(bti, kSize, 0, &run));
  require_ok(zx_port_create(0, &port));
  require_ok(zx_pager_create(0, &pager));
  require_ok(zx_vmo_create(kSize, 0, &aux));
  for (uint64_t rounds = rounds_of(argc, argv); rounds > 0; --rounds) {
    zx_handle_t paged;
    zx_port_packet_t packet;
    require_ok(zx_vmo_op_range(run, ZX_VMO_OP_DECOMMIT, 0, kSize, NULL, 0));
    require_ok(zx_pager_create_vmo(pager, 0, port, 0, kSize, &paged));
    require_ok(zx_vmo_op_range(aux, ZX_VMO_OP_COMMIT, 0, kSize, NULL, 0));
    require_ok(zx_pager_supply_pages(pager, paged, 0, kSize, aux, 0));
    require_ok(zx_vmo_op_range(run, ZX_VMO_OP_COMMIT, 0, kSize, NULL, 0));
    require_ok(zx_handle_close(paged));
    require_ok(zx_port_wait(port, ZX_TIME_INFINITE, &packet)); /* The VMO is gone. */
  }
  return guest_failures();
}
