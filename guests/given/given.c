// What a program finds in a vDSO that is not Jacinth's own: whose constants it has, that the counter is the clock, and
// what a call does that nobody has (tests/kernel/vdso/given_calls.c). Prints a line for each, and returns what that
// call returned.
#include "guests/lib/elf.h"
#include "guests/lib/memory.h"
#include "guests/lib/print.h"
#include "guests/lib/process.h"

static zx_status_t (*find(const char* name))(uint32_t) {
  const uintptr_t base = guest_vdso_base();
  const Elf64_Ehdr* header = (const Elf64_Ehdr*)base;
  const Elf64_Phdr* segments = (const Elf64_Phdr*)(base + header->e_phoff);
  const Elf64_Sym *symbols = NULL, *end = NULL;
  const char* strings = NULL;
  for (int i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type != PT_DYNAMIC) continue;
    for (const Elf64_Dyn* entry = (const Elf64_Dyn*)(base + segments[i].p_vaddr); entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == DT_SYMTAB) symbols = (const Elf64_Sym*)(base + entry->d_val);
      if (entry->d_tag == DT_STRTAB) strings = (const char*)(base + entry->d_val);
      if (entry->d_tag == DT_GNU_HASH) end = (const Elf64_Sym*)(base + entry->d_val);
    }
  }
  /* The linker puts the hash table behind the symbols. */
  for (const Elf64_Sym* symbol = symbols + 1; symbol + 1 <= end; ++symbol) {
    const char* at = strings + symbol->st_name;
    if (strlen(at) == strlen(name) && memcmp(at, name, strlen(name)) == 0)
      return (zx_status_t(*)(uint32_t))(base + symbol->st_value);
  }
  return NULL;
}

int main(void) {
  zx_string_view_t version = zx_system_get_version_string();
  print("version %s of %d\n", version.c_str, (int)version.length);
  print("%d CPUs, %d MiB\n", (int)zx_system_get_num_cpus(), (int)(zx_system_get_physmem() >> 20));
  zx_time_t begin = zx_clock_get_monotonic();
  zx_time_t deadline = zx_deadline_after(5000000);
  print("%d ticks per microsecond\n", (int)(zx_ticks_per_second() / 1000000));
  zx_nanosleep(deadline);
  zx_ticks_t ticks = zx_ticks_get();
  print("slept %d ms\n", (int)((ticks - begin) / 1000000));
  zx_status_t (*frobnicate)(uint32_t) = find("zx_frobnicate");
  if (frobnicate == NULL) return 1;
  zx_status_t status = frobnicate(7);
  status = frobnicate(8);
  print("frobnicated: %d\n", status);
  return 3;
}
