// Integer work: a sieve, a checksum over bytes, a sort, and a walk through a hash table.
#include "bench/workloads/workload.h"

#define SIEVE 8192
#define ITEMS 512
#define BUCKETS 1024

static uint8_t sieve[SIEVE];
static uint32_t items[ITEMS];
static uint64_t table[BUCKETS];

static uint64_t next(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static uint32_t count_primes(void) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < SIEVE; ++i) sieve[i] = 1;
  for (uint32_t i = 2; i < SIEVE; ++i) {
    if (!sieve[i]) continue;
    ++count;
    for (uint32_t k = i + i; k < SIEVE; k += i) sieve[k] = 0;
  }
  return count;
}

static uint32_t checksum(uint32_t sum) {
  for (uint32_t i = 0; i < SIEVE; ++i) {
    sum ^= sieve[i] + i;
    for (int bit = 0; bit < 4; ++bit) sum = sum >> 1 ^ (0xedb88320u & -(sum & 1));
  }
  return sum;
}

static void sift(uint32_t from, uint32_t size) {
  for (uint32_t child; (child = 2 * from + 1) < size; from = child) {
    if (child + 1 < size && items[child] < items[child + 1]) ++child;
    if (items[from] >= items[child]) return;
    uint32_t swap = items[from];
    items[from] = items[child];
    items[child] = swap;
  }
}

static void sort(void) {
  for (uint32_t i = ITEMS / 2; i-- > 0;) sift(i, ITEMS);
  for (uint32_t size = ITEMS; size-- > 1;) {
    uint32_t swap = items[0];
    items[0] = items[size];
    items[size] = swap;
    sift(0, size);
  }
}

uint64_t workload(uint64_t rounds) {
  uint64_t state = 88172645463325252ull;
  uint64_t result = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    result = result * 31 + count_primes();
    result ^= checksum((uint32_t)result);
    for (uint32_t i = 0; i < ITEMS; ++i) items[i] = (uint32_t)next(&state);
    sort();
    result += items[ITEMS / 2];
    for (uint32_t i = 0; i < 4096; ++i) {
      uint64_t key = next(&state);
      table[key % BUCKETS] += key >> 32;
      result ^= table[(key >> 20) % BUCKETS];
    }
  }
  return result;
}
