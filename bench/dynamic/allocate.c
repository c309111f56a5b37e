// Memory of many sizes taken, grown and given back in no order: `rounds` times a thousand.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { kBlocks = 300 };

static uint32_t state = 12345;
static uint32_t chance(void) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

int main(int argc, char** argv) {
  static unsigned char* blocks[kBlocks];
  long rounds = argc > 1 ? atol(argv[1]) : 1;
  for (long round = 0; round < rounds * 1000; ++round) {
    unsigned char** block = &blocks[chance() % kBlocks];
    size_t size = chance() % (round % 64 == 0 ? 100000 : 1000) + 1;
    if (*block != NULL && round % 3 != 0) {
      free(*block);
      *block = NULL;
      continue;
    }
    unsigned char* moved = realloc(*block, size);
    if (moved == NULL || (*block != NULL && moved[0] != 0x5a)) return 1;
    moved[0] = moved[size - 1] = 0x5a;
    *block = moved;
  }
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  return 0;
}
