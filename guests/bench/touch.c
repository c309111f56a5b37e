/* The first write to each page of new anonymous memory.
 *
 *   bench_touch again ROUNDS   maps 256 pages, writes to each and gives them back, ROUNDS times
 *   bench_touch fresh ROUNDS   maps ROUNDS times 256 pages at once and writes to each: memory that nobody had before */
#include "guests/bench/rounds.h"
#include "guests/lib/expect.h"

enum { kPageSize = 4096, kPagesPerRound = 256 };

static void touch(uint64_t pages) {
  zx_handle_t vmo;
  zx_vaddr_t address;
  uint64_t size = pages * kPageSize;
  require_ok(zx_vmo_create(size, 0, &vmo));
  require_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, size, &address));
  require_ok(zx_handle_close(vmo));
  for (uint64_t page = 0; page < pages; ++page) *(volatile uint64_t*)(address + page * kPageSize) = page;
  require_ok(zx_vmar_unmap(zx_vmar_root_self(), address, size));
}

int main(int argc, char** argv) {
  require(argc == 3);
  uint64_t rounds = rounds_of(argc - 1, argv + 1);
  if (argv[1][0] == 'f') {
    touch(rounds * kPagesPerRound);
  } else {
    for (; rounds > 0; --rounds) touch(kPagesPerRound);
  }
  return guest_failures();
}
