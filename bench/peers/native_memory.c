// The host's own pages (no huge ones), for what bench_memory does.
//
//   native_memory written SIZE ROUNDS   the first write to each of SIZE pages of a private mapping of a file in memory
//   native_memory commit SIZE ROUNDS    SIZE pages of anonymous memory written to, and given back
//   native_memory mappings SIZE ROUNDS  a page of a file mapped and unmapped in a process that has SIZE such mappings
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kPageSize = 4096 };

static void touch(char* memory, size_t pages) {
  if (memory == MAP_FAILED) exit(1);
  madvise(memory, pages * kPageSize, MADV_NOHUGEPAGE);
  for (size_t page = 0; page < pages; ++page) *(volatile uint64_t*)(memory + page * kPageSize) = page + 1;
  munmap(memory, pages * kPageSize);
}

static void* map_shared(int file, size_t size) {
  void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) exit(1);
  return memory;
}

static int mappings(int file, uint64_t size, uint64_t rounds) {
  if (ftruncate(file, kPageSize) != 0) return 1;
  for (uint64_t i = 0; i < size; ++i) map_shared(file, kPageSize);
  for (; rounds > 0; --rounds) munmap(map_shared(file, kPageSize), kPageSize);
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  size_t pages = strtoull(argv[2], NULL, 10);
  size_t size = pages * kPageSize;
  int file = memfd_create("pages", 0);
  if (argv[1][0] == 'm') return mappings(file, pages, strtoull(argv[3], NULL, 10));
  if (argv[1][0] == 'w') {
    if (ftruncate(file, (off_t)size) != 0) return 1;
    touch(map_shared(file, size), pages);
  }
  for (uint64_t rounds = strtoull(argv[3], NULL, 10); rounds > 0; --rounds) {
    if (argv[1][0] == 'w') {
      touch(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0), pages);
    } else {
      touch(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), pages);
    }
  }
  return 0;
}
