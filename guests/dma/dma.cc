// Memory for devices, as a driver with root has it: initiators, pinned and contiguous memory, and the loan of pages
// that a contiguous VMO does not need. Claims that begin with "without" are for a program that is given nothing; those
// about loans are told by an argument whether the kernel lends.
#include <zircon/syscalls-next.h>
#include <zircon/syscalls/iommu.h>
#include <zircon/syscalls/resource.h>

#include "guests/lib/guest.h"
#include "guests/pager/served.h"

using namespace guest;

CHILD_IMAGE(pager_child);

namespace {

struct Initiator {
  Handle iommu, bti;
  Initiator() {
    const zx_iommu_desc_dummy_t desc = {};
    require_ok(zx_iommu_create(given(PA_RESOURCE), ZX_IOMMU_TYPE_DUMMY, &desc, sizeof desc, iommu.out()));
    require_ok(zx_bti_create(iommu, 0, 7, bti.out()));
  }
  zx_info_bti_t info() const {
    zx_info_bti_t info = {};
    require_ok(zx_object_get_info(bti, ZX_INFO_BTI, &info, sizeof info, nullptr, nullptr));
    return info;
  }
  Handle contiguous(uint64_t pages) const {
    Handle vmo;
    require_ok(zx_vmo_create_contiguous(bti, pages * kPage, 0, vmo.out()));
    return vmo;
  }
  /// Where the pages are, as the device would see them.
  void addresses(zx_handle_t vmo, uint64_t pages, zx_paddr_t* out) const {
    Handle pmt;
    require_ok(zx_bti_pin(bti, ZX_BTI_PERM_READ, vmo, 0, pages * kPage, out, pages, pmt.out()));
    require_ok(zx_pmt_unpin(pmt.release()));
  }
};

zx_info_kmem_stats_t memory() {
  zx_info_kmem_stats_t stats = {};
  require_ok(zx_object_get_info(given(PA_RESOURCE), ZX_INFO_KMEM_STATS, &stats, sizeof stats, nullptr, nullptr));
  return stats;
}

zx_status_t decommit(zx_handle_t vmo, uint64_t first, uint64_t pages) {
  return zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, first * kPage, pages * kPage, nullptr, 0);
}
zx_status_t commit(zx_handle_t vmo, uint64_t first, uint64_t pages) {
  return zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, first * kPage, pages * kPage, nullptr, 0);
}

/// Whether this kernel lends contiguous pages (kernel.ppb.loan).
bool lends(const Initiator& device) { return decommit(device.contiguous(1), 0, 1) == ZX_OK; }

TEST("without root there is no initiator, and no memory for devices") {
  if (with_root()) return;
  Handle made;
  const zx_iommu_desc_dummy_t desc = {};
  expect_status(zx_iommu_create(zx_job_default(), ZX_IOMMU_TYPE_DUMMY, &desc, sizeof desc, made.out()),
                ZX_ERR_WRONG_TYPE);
  expect_status(zx_vmo_create_contiguous(zx_job_default(), kPage, 0, made.out()), ZX_ERR_WRONG_TYPE);
  expect_status(zx_vmo_create_physical(ZX_HANDLE_INVALID, 0x9000'0000, kPage, made.out()), ZX_ERR_BAD_HANDLE);
}

TEST("pinned memory stays where the device was told") {
  if (!with_root()) return;
  Initiator device;
  expect_eq(device.info().minimum_contiguity, kPage);
  Handle vmo = make_vmo(4 * kPage), pmt;
  Mapping mapping(vmo, 4 * kPage);
  zx_paddr_t before[4] = {}, after[4] = {};
  expect_ok(zx_bti_pin(device.bti, ZX_BTI_PERM_READ | ZX_BTI_PERM_WRITE, vmo, 0, 4 * kPage, before, 4, pmt.out()));
  expect_eq(device.info().pmo_count, 1);
  for (uint64_t page = 0; page < 4; ++page) mapping.as<uint64_t>()[page * 512] = page + 1;
  expect_status(decommit(vmo, 0, 4), ZX_ERR_BAD_STATE);
  Handle child;
  expect_status(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, kPage, child.out()), ZX_ERR_BAD_STATE);
  device.addresses(vmo, 4, after);
  for (int page = 0; page < 4; ++page) expect_eq(after[page], before[page]);
  expect_ok(zx_pmt_unpin(pmt.release()));
  expect_eq(device.info().pmo_count, 0);
  expect_ok(decommit(vmo, 0, 4));
}

TEST("what a driver forgets to unpin is kept until the quarantine is released") {
  if (!with_root()) return;
  Initiator device;
  const uint64_t free = memory().free_bytes;
  {
    Handle vmo = make_vmo(8 * kPage), pmt;
    zx_paddr_t where[8];
    expect_ok(zx_bti_pin(device.bti, ZX_BTI_PERM_READ, vmo, 0, 8 * kPage, where, 8, pmt.out()));
  }
  expect_eq(device.info().quarantine_count, 1);
  expect_eq(memory().free_bytes, free - 8 * kPage);
  expect_ok(zx_bti_release_quarantine(device.bti));
  expect_eq(device.info().quarantine_count, 0);
  expect_eq(memory().free_bytes, free);
}

TEST("contiguous memory is one run, where it was asked to be") {
  if (!with_root()) return;
  Initiator device;
  Handle vmo, pmt;
  expect_ok(zx_vmo_create_contiguous(device.bti, 16 * kPage, 16, vmo.out()));
  zx_paddr_t where[16] = {}, base = 0;
  device.addresses(vmo, 16, where);
  expect_eq(where[0] % 0x1'0000, 0);
  for (uint64_t page = 0; page < 16; ++page) expect_eq(where[page], where[0] + page * kPage);
  expect_ok(zx_bti_pin(device.bti, ZX_BTI_PERM_READ | ZX_BTI_CONTIGUOUS, vmo, 0, 16 * kPage, &base, 1, pmt.out()));
  expect_eq(base, where[0]);
  expect_ok(zx_pmt_unpin(pmt.release()));
  zx_info_vmo_t info = {};
  expect_ok(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof info, nullptr, nullptr));
  expect_eq(info.committed_bytes, 16 * kPage);
  expect((info.flags & ZX_INFO_VMO_CONTIGUOUS) != 0);
  expect_status(zx_vmo_set_size(vmo, kPage), ZX_ERR_UNAVAILABLE);
}

TEST("RAM is not to be had by its address, and other addresses are no RAM") {
  if (!with_root()) return;
  Initiator device;
  Handle vmo = make_vmo(kPage), physical;
  zx_paddr_t where = 0;
  device.addresses(vmo, 1, &where);
  expect_status(zx_vmo_create_physical(given(PA_RESOURCE), where, kPage, physical.out()), ZX_ERR_ACCESS_DENIED);
  expect_status(zx_vmo_create_physical(given(PA_MMIO_RESOURCE), where, kPage, physical.out()), ZX_ERR_ACCESS_DENIED);
  expect_ok(zx_vmo_create_physical(given(PA_MMIO_RESOURCE), 0x9000'0000, kPage, physical.out()));
  uint64_t word = 0;
  expect_status(zx_vmo_read(physical, &word, 0, sizeof word), ZX_ERR_NOT_SUPPORTED);
  expect_status(commit(physical, 0, 1), ZX_ERR_NOT_SUPPORTED);
  expect_ok(zx_vmo_set_cache_policy(physical, ZX_CACHE_POLICY_UNCACHED_DEVICE));
  Mapping mapping(physical, kPage);
  expect_status(zx_vmo_set_cache_policy(physical, ZX_CACHE_POLICY_CACHED), ZX_ERR_BAD_STATE);
  // The kernel does not reach there for anybody.
  expect_status(zx_vmo_get_size(vmo, mapping.as<uint64_t>()), ZX_ERR_INVALID_ARGS);
}

TEST("a VMEX resource makes code of a VMO") {
  if (!with_root()) return;
  Handle vmex, vmo = make_vmo(kPage), code;
  expect_ok(zx_resource_create(given(PA_SYSTEM_RESOURCE), ZX_RSRC_KIND_SYSTEM, ZX_RSRC_SYSTEM_VMEX_BASE, 1, "x", 1,
                               vmex.out()));
  expect_ok(zx_vmo_replace_as_executable(vmo.release(), vmex, code.out()));
  Mapping mapping(code, kPage, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE);
}

TEST("contiguous pages stay when the kernel does not lend") {
  if (!with_root()) return;
  Initiator device;
  if (lends(device)) return;
  Handle run = device.contiguous(4);
  Mapping mapping(run, 4 * kPage);
  mapping.as<uint64_t>()[512] = 5;
  expect_status(decommit(run, 0, 4), ZX_ERR_NOT_SUPPORTED);
  expect_eq(mapping.as<uint64_t>()[512], 5);
}

/// The pager in another process (guests/pager/pager_child.cc), and memory that it serves.
struct Served {
  Handle process, channel, vmo;

  Served() {
    Handle theirs;
    require_ok(zx_channel_create(0, channel.out(), theirs.out()));
    const SpawnHandle handle = {PA_HND(PA_USER0, 0), theirs.release()};
    const SpawnRequest request = {.name = "pager_child",
                                  .image = CHILD_BYTES(pager_child),
                                  .image_size = CHILD_SIZE(pager_child),
                                  .handles = &handle,
                                  .handle_count = 1};
    require_ok(spawn(&request, process.out()));
    require_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
    uint32_t bytes = 0, handles = 0;
    require_ok(zx_channel_read(channel, 0, nullptr, vmo.out(), 0, 1, &bytes, &handles));
  }
  ~Served() {
    channel.reset();
    int64_t code = -1;
    expect_ok(wait_for_exit(process, &code));
  }
};

TEST("lent pages are borrowed by others, and come back to their places while those read on") {
  if (!with_root()) return;
  Initiator device;
  if (!lends(device)) return;
  constexpr uint64_t kRun = 32;
  Handle run = device.contiguous(kRun);
  zx_paddr_t before[kRun] = {}, after[kRun] = {};
  device.addresses(run, kRun, before);
  Mapping mine(run, kRun * kPage);
  volatile uint64_t* words = mine.as<uint64_t>();

  uint64_t wrong = 0, rounds = 0;
  for (uint64_t round = 1; round <= 4; ++round) {
    for (uint64_t page = 0; page < kRun; ++page) words[page * 512] = round * 100 + page;
    const uint64_t free = memory().free_bytes;
    expect_ok(decommit(run, 4, kRun - 8));
    expect_eq(memory().free_bytes, free + (kRun - 8) * kPage);

    // What the pager brings now goes into what was lent. Somebody reads it all the time, also while it moves.
    Served served;
    Mapping theirs(served.vmo, kPages * kPage);
    const volatile uint64_t* read = theirs.as<uint64_t>();
    volatile bool over = false;
    Running reader("reader", [read, &over, &wrong, &rounds] {
      while (!over) {
        for (uint64_t page = 0; page < kBadPage; ++page) {
          if (read[page * 512] != first_word(page)) ++wrong;
        }
        ++rounds;
      }
    });
    zx_nanosleep(zx_deadline_after(2 * kMillisecond));
    if (round % 2 == 0) words[10 * 512] = 1;  // A touch brings one page back,
    expect_ok(commit(run, 0, kRun));          // a commit the rest.
    for (uint64_t page = 0; page < kRun; ++page) {
      const bool kept = page < 4 || page >= kRun - 4;
      expect_eq(words[page * 512], kept ? round * 100 + page : page == 10 && round % 2 == 0 ? 1 : 0);
    }
    zx_nanosleep(zx_deadline_after(kMillisecond));
    over = true;
  }
  expect_eq(wrong, 0);
  expect(rounds > 1);
  device.addresses(run, kRun, after);
  for (uint64_t page = 0; page < kRun; ++page) expect_eq(after[page], before[page]);
}

TEST("what borrows is as good as any memory when its lender goes") {
  if (!with_root()) return;
  Initiator device;
  if (!lends(device)) return;
  Handle run = device.contiguous(kPages);
  expect_ok(decommit(run, 0, kPages));
  const uint64_t free = memory().free_bytes;
  Served served;
  Mapping theirs(served.vmo, kPages * kPage);
  for (uint64_t page = 0; page < kBadPage; ++page) expect_eq(theirs.as<uint64_t>()[page * 512], first_word(page));
  expect(memory().free_bytes < free);
  run.reset();
  for (uint64_t page = 0; page < kBadPage; ++page) expect_eq(theirs.as<uint64_t>()[page * 512], first_word(page));
  theirs.as<uint64_t>()[0] = 9;
  expect_eq(theirs.as<uint64_t>()[0], 9);
}

}  // namespace
