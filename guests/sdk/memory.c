// The allocator under stress, large blocks, and memory of the program's own making.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#include "guests/sdk/claims.h"

static uint32_t state = 12345;
static uint32_t random_number(void) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

int main(void) {
  enum { kBlocks = 500 };
  static struct {
    unsigned char* at;
    size_t size;
    unsigned char value;
  } blocks[kBlocks];
  int whole = 1;
  for (int round = 0; round < 20000; ++round) {
    int i = (int)(random_number() % kBlocks);
    if (blocks[i].at != NULL) {
      whole &= blocks[i].at[0] == blocks[i].value && blocks[i].at[blocks[i].size - 1] == blocks[i].value;
      if (round % 3 == 0) {
        size_t size = random_number() % 4000 + 1;
        unsigned char* moved = realloc(blocks[i].at, size);
        whole &= moved != NULL && moved[0] == blocks[i].value;
        memset(moved, blocks[i].value, size);
        blocks[i].at = moved;
        blocks[i].size = size;
      } else {
        free(blocks[i].at);
        blocks[i].at = NULL;
      }
      continue;
    }
    blocks[i].size = round % 100 == 0 ? random_number() % 500000 + 1 : random_number() % 2000 + 1;
    blocks[i].value = (unsigned char)random_number();
    blocks[i].at = malloc(blocks[i].size);
    whole &= blocks[i].at != NULL;
    memset(blocks[i].at, blocks[i].value, blocks[i].size);
  }
  CLAIM("blocks keep what is in them", whole);
  char* zeros = calloc(1000, 1000);
  CLAIM("a large block is zeros", zeros != NULL && zeros[0] == 0 && zeros[999999] == 0);
  free(zeros);
  void* volatile huge;
  void* aligned = aligned_alloc(4096, 8192);
  CLAIM("a block is aligned as asked", aligned != NULL && (uintptr_t)aligned % 4096 == 0);
  free(aligned);
  CLAIM("too much is refused", (huge = malloc((size_t)1 << 50)) == NULL);

  zx_handle_t vmo, child;
  CLAIM("a VMO is made", zx_vmo_create(3 * 4096, 0, &vmo) == ZX_OK);
  CLAIM("it is written", zx_vmo_write(vmo, "first", 100, 5) == ZX_OK);
  CLAIM("and cloned", zx_vmo_create_child(vmo, ZX_VMO_CHILD_COPY_ON_WRITE, 0, 4096, &child) == ZX_OK);
  zx_vaddr_t address;
  CLAIM("the clone is mapped",
        zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, child, 0, 4096, &address) == ZX_OK);
  char* bytes = (char*)address;
  CLAIM("it shows what was there", memcmp(bytes + 100, "first", 5) == 0);
  memcpy(bytes + 100, "other", 5);
  char back[5];
  CLAIM("what is written there stays there", zx_vmo_read(vmo, back, 100, 5) == ZX_OK && memcmp(back, "first", 5) == 0);
  zx_info_maps_t maps[300];
  size_t actual, available;
  CLAIM("the process sees its mappings",
        zx_object_get_info(zx_process_self(), ZX_INFO_PROCESS_MAPS, maps, sizeof maps, &actual, &available) == ZX_OK &&
            actual > 20 && actual == available);
  CLAIM("memory is protected", zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, address, 4096) == ZX_OK);
  CLAIM("and unmapped", zx_vmar_unmap(zx_vmar_root_self(), address, 4096) == ZX_OK);
  void* anonymous = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CLAIM("mmap gives memory",
        anonymous != MAP_FAILED && (memset(anonymous, 1, 1 << 20), munmap(anonymous, 1 << 20) == 0));
  return claims_end();
}
