/* Thread-local variables of two threads, laid out by the program itself as the ABI has them: behind the thread pointer
 * on arm64 (variant I), before it on x86-64 (variant II). Debuggers find them (tests/debug); by itself it prints a
 * line. */
#include "guests/lib/elf.h"
#include "guests/lib/expect.h"
#include "guests/lib/print.h"
#include "guests/lib/thread.h"

/* PT_TLS */
enum { kThreadLocal = 7 };

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

struct Block {
  _Alignas(64) char bytes[256];
};
static struct Block blocks[2];

_Thread_local uint64_t lent __attribute__((aligned(64))) = 40;
_Thread_local uint64_t spent;

static const Elf64_Phdr* find_segment(void) {
  const Elf64_Phdr* segment = (const Elf64_Phdr*)((uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
  while (segment->p_type != kThreadLocal) ++segment;
  return segment;
}

static uintptr_t round_up(uintptr_t value, uint64_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }

/* Nothing that this calls has such variables. */
static void use(struct Block* block, zx_handle_t thread) {
  const Elf64_Phdr* segment = find_segment();
  const char* image = (const char*)&__ehdr_start + segment->p_vaddr;
#ifdef __aarch64__
  (void)thread;
  char* pointer = block->bytes;
  char* variables = pointer + round_up(16, segment->p_align);
  for (uint64_t i = 0; i < segment->p_filesz; ++i) variables[i] = image[i];
  __asm__ volatile("msr tpidr_el0, %0" ::"r"(pointer));
#else
  char* variables = block->bytes;
  char* pointer = variables + round_up(segment->p_memsz, segment->p_align);
  for (uint64_t i = 0; i < segment->p_filesz; ++i) variables[i] = image[i];
  *(char**)pointer = pointer;
  uint64_t value = (uint64_t)pointer;
  require_ok(zx_object_set_property(thread, ZX_PROP_REGISTER_FS, &value, sizeof value));
#endif
}

__attribute__((noinline)) void change(uint64_t by) {
  lent += by;
  spent += 2 * by;
}

static struct Thread second;

static void other(void* argument) {
  use(argument, second.handle);
  change(1);
}

int main(void) {
  use(&blocks[0], zx_thread_self());
  change(100);
  require_ok(thread_start(&second, "other", other, &blocks[1]));
  require_ok(thread_join(&second));
  change(1000);
  print("%u and %u\n", (unsigned)lent, (unsigned)spent);
  return 0;
}
