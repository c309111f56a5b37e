/* What memory costs while there is much of it: `bench_memory WHAT SIZE ROUNDS`.
 *
 *   mappings    a page mapped and unmapped in a process that has SIZE mappings
 *   snapshots   a read of a page through the last of a chain of SIZE snapshots
 *   written     the first write to each of SIZE pages of a snapshot, which copies them
 *   commit      SIZE pages committed at once, and given back
 *   sparse      a VMO of SIZE pages that nobody touches, mapped; all of them at once */
#include "guests/bench/rounds.h"
#include "guests/lib/expect.h"

enum { kPageSize = 4096 };

static const zx_vm_option_t kReadWrite = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;

static zx_handle_t make_vmo(uint64_t pages) {
  zx_handle_t vmo;
  require_ok(zx_vmo_create(pages * kPageSize, 0, &vmo));
  return vmo;
}

static zx_vaddr_t map(zx_handle_t vmo, uint64_t pages) {
  zx_vaddr_t address;
  require_ok(zx_vmar_map(zx_vmar_root_self(), kReadWrite, 0, vmo, 0, pages * kPageSize, &address));
  return address;
}

static void unmap(zx_vaddr_t address, uint64_t pages) {
  require_ok(zx_vmar_unmap(zx_vmar_root_self(), address, pages * kPageSize));
}

static zx_handle_t snapshot(zx_handle_t vmo, uint64_t pages) {
  zx_handle_t child;
  require_ok(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, pages * kPageSize, &child));
  return child;
}

static void commit(zx_handle_t vmo, uint64_t pages) {
  require_ok(zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, pages * kPageSize, NULL, 0));
}

static void mappings(uint64_t size, uint64_t rounds) {
  zx_handle_t vmo = make_vmo(1);
  for (uint64_t i = 0; i < size; ++i) map(vmo, 1);
  for (; rounds > 0; --rounds) unmap(map(vmo, 1), 1);
}

static void snapshots(uint64_t size, uint64_t rounds) {
  zx_handle_t last = make_vmo(16);
  commit(last, 16);
  /* Each of them has a page of its own, and shows the others of those before it. */
  for (uint64_t i = 0; i < size; ++i) {
    zx_handle_t next = snapshot(last, 16);
    require_ok(zx_vmo_write(next, &i, i % 15 * kPageSize, sizeof i));
    require_ok(zx_handle_close(last));
    last = next;
  }
  for (; rounds > 0; --rounds) {
    uint64_t word;
    require_ok(zx_vmo_read(last, &word, 15 * kPageSize, sizeof word));
  }
}

static void written(uint64_t size, uint64_t rounds) {
  zx_handle_t parent = make_vmo(size);
  commit(parent, size);
  for (; rounds > 0; --rounds) {
    zx_handle_t child = snapshot(parent, size);
    zx_vaddr_t address = map(child, size);
    require_ok(zx_handle_close(child));
    for (uint64_t page = 0; page < size; ++page) *(volatile uint64_t*)(address + page * kPageSize) = page;
    unmap(address, size);
  }
}

static void committed(uint64_t size, uint64_t rounds) {
  for (; rounds > 0; --rounds) {
    zx_handle_t vmo = make_vmo(size);
    commit(vmo, size);
    require_ok(zx_handle_close(vmo));
  }
}

static void sparse(uint64_t size, uint64_t rounds) {
  for (; rounds > 0; --rounds) map(make_vmo(size), size);
}

int main(int argc, char** argv) {
  require(argc == 4);
  uint64_t size = rounds_of(2, argv + 1), rounds = rounds_of(2, argv + 2);
  switch (argv[1][0]) {
    case 'm': mappings(size, rounds); break;
    case 'w': written(size, rounds); break;
    case 'c': committed(size, rounds); break;
    default: argv[1][1] == 'n' ? snapshots(size, rounds) : sparse(size, rounds);
  }
  return guest_failures();
}
