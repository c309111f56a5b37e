// The first write to each page of anonymous memory of the host, page by page (no huge pages).
//
//   native_touch again ROUNDS   maps 256 pages, writes to each and gives them back, ROUNDS times
//   native_touch fresh ROUNDS   maps ROUNDS times 256 pages at once and writes to each
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { kPageSize = 4096, kPagesPerRound = 256 };

static void touch(uint64_t pages) {
  size_t size = pages * kPageSize;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) exit(1);
  madvise(memory, size, MADV_NOHUGEPAGE);
  for (uint64_t page = 0; page < pages; ++page) *(volatile uint64_t*)(memory + page * kPageSize) = page;
  munmap(memory, size);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  uint64_t rounds = strtoull(argv[2], NULL, 10);
  if (argv[1][0] == 'f') {
    touch(rounds * kPagesPerRound);
  } else {
    for (; rounds > 0; --rounds) touch(kPagesPerRound);
  }
  return 0;
}
