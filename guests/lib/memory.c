/* The functions that compilers call by themselves, and the few string functions that programs here want. Plain loops:
 * what a guest does with its time is for its own code to say, and an emulator gains little from wider stores.
 * -ffreestanding keeps the compiler from turning the loops into calls of themselves. */
#include "guests/lib/memory.h"

void* memcpy(void* restrict to, const void* restrict from, size_t size) {
  char* out = to;
  const char* in = from;
  /* Words while both are aligned: message buffers and pages are. */
  if ((((uintptr_t)out | (uintptr_t)in) & 7) == 0) {
    for (; size >= 8; size -= 8, out += 8, in += 8) *(uint64_t*)out = *(const uint64_t*)in;
  }
  for (; size > 0; --size) *out++ = *in++;
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  if ((uintptr_t)to - (uintptr_t)from >= size) return memcpy(to, from, size);
  char* out = to;
  const char* in = from;
  while (size > 0) --size, out[size] = in[size];
  return to;
}

void* memset(void* to, int value, size_t size) {
  char* out = to;
  if (((uintptr_t)out & 7) == 0) {
    const uint64_t word = 0x0101010101010101u * (uint8_t)value;
    for (; size >= 8; size -= 8, out += 8) *(uint64_t*)out = word;
  }
  for (; size > 0; --size) *out++ = (char)value;
  return to;
}

int memcmp(const void* a, const void* b, size_t size) {
  const uint8_t *x = a, *y = b;
  for (; size > 0; --size, ++x, ++y) {
    if (*x != *y) return *x - *y;
  }
  return 0;
}

size_t strlen(const char* text) {
  const char* end = text;
  while (*end != '\0') ++end;
  return (size_t)(end - text);
}

int strcmp(const char* a, const char* b) {
  while (*a == *b && *a != '\0') ++a, ++b;
  return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char* a, const char* b, size_t size) {
  for (; size > 0; --size, ++a, ++b) {
    if (*a != *b) return (uint8_t)*a - (uint8_t)*b;
    if (*a == '\0') break;
  }
  return 0;
}
