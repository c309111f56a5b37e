/* Makes a freshly mapped program able to run: applies its own relocations, and finds its calls in the vDSO.
 *
 * Runs before everything else, so nothing here may need a relocation or a call of the vDSO. Relocations: the relative
 * ones that a static PIE has (DT_RELA, DT_RELR); an executable with a fixed address has none. */
#include "guests/lib/link.h"

#include <stdbool.h>
#include <stddef.h>

#include "guests/lib/elf.h"

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/* One call that the program makes (start_*.S); the linker gathers them. */
struct VdsoCall {
  uintptr_t target;
  const char* name;
};
extern struct VdsoCall __start_vdso_calls[] __attribute__((weak, visibility("hidden")));
extern struct VdsoCall __stop_vdso_calls[] __attribute__((weak, visibility("hidden")));

static void apply_rela(uintptr_t base, const Elf64_Rela* rela, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t type = (uint32_t)rela[i].r_info;
    if (type != R_X86_64_RELATIVE && type != R_AARCH64_RELATIVE) __builtin_trap();
    *(uint64_t*)(base + rela[i].r_offset) = base + (uint64_t)rela[i].r_addend;
  }
}

/* An even word is an address to relocate; an odd one is a bitmap over the 63 words that follow the last address. */
static void apply_relr(uintptr_t base, const uint64_t* relr, size_t count) {
  uint64_t* where = NULL;
  for (size_t i = 0; i < count; ++i) {
    if ((relr[i] & 1) == 0) {
      where = (uint64_t*)(base + relr[i]);
      *where++ += base;
      continue;
    }
    for (int bit = 0; bit < 63; ++bit) {
      if ((relr[i] >> (bit + 1) & 1) != 0) where[bit] += base;
    }
    where += 63;
  }
}

void guest_relocate(void) {
  const Elf64_Phdr* segments = (const Elf64_Phdr*)((uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
  if (__ehdr_start.e_type != ET_DYN) return;

  const uintptr_t base = (uintptr_t)&__ehdr_start; /* A static PIE is linked at 0, headers first. */
  uint64_t rela = 0, rela_size = 0, relr = 0, relr_size = 0;
  for (int i = 0; i < __ehdr_start.e_phnum; ++i) {
    if (segments[i].p_type != PT_DYNAMIC) continue;
    for (const Elf64_Dyn* entry = (const Elf64_Dyn*)(base + segments[i].p_vaddr); entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == DT_RELA) rela = entry->d_val;
      if (entry->d_tag == DT_RELASZ) rela_size = entry->d_val;
      if (entry->d_tag == DT_RELR) relr = entry->d_val;
      if (entry->d_tag == DT_RELRSZ) relr_size = entry->d_val;
    }
  }
  apply_rela(base, (const Elf64_Rela*)(base + rela), rela_size / sizeof(Elf64_Rela));
  apply_relr(base, (const uint64_t*)(base + relr), relr_size / sizeof(uint64_t));
}

/* A symbol's address by DT_GNU_HASH: bucket, then chain (the filter is for libraries that often lack a name); 0 when
 * the vDSO has no such call. */
static uintptr_t find(uintptr_t base, const uint32_t* hash_table, const Elf64_Sym* symbols, const char* strings,
                      const char* name) {
  uint32_t hash = 5381;
  for (const char* c = name; *c != '\0'; ++c) hash = hash * 33 + (uint8_t)*c;

  const uint32_t bucket_count = hash_table[0], first = hash_table[1], filter_words = hash_table[2];
  const uint32_t* buckets = hash_table + 4 + 2 * filter_words;
  const uint32_t* chain = buckets + bucket_count;
  for (uint32_t index = buckets[hash % bucket_count]; index >= first; ++index) {
    const uint32_t entry = chain[index - first];
    if ((entry | 1) == (hash | 1)) {
      const char *a = strings + symbols[index].st_name, *b = name;
      while (*a == *b && *a != '\0') ++a, ++b;
      if (*a == *b) return base + symbols[index].st_value;
    }
    if ((entry & 1) != 0) break;
  }
  return 0;
}

/* Stands in for a call that this kernel's vDSO does not have. */
static int64_t no_such_call(void) { return -2 /* ZX_ERR_NOT_SUPPORTED */; }

void guest_link_vdso(uintptr_t vdso) {
  const Elf64_Ehdr* header = (const Elf64_Ehdr*)vdso;
  const Elf64_Phdr* segments = (const Elf64_Phdr*)(vdso + header->e_phoff);
  const uint32_t* hash_table = NULL;
  const Elf64_Sym* symbols = NULL;
  const char* strings = NULL;
  for (int i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type != PT_DYNAMIC) continue;
    for (const Elf64_Dyn* entry = (const Elf64_Dyn*)(vdso + segments[i].p_vaddr); entry->d_tag != DT_NULL; ++entry) {
      if (entry->d_tag == DT_GNU_HASH) hash_table = (const uint32_t*)(vdso + entry->d_val);
      if (entry->d_tag == DT_SYMTAB) symbols = (const Elf64_Sym*)(vdso + entry->d_val);
      if (entry->d_tag == DT_STRTAB) strings = (const char*)(vdso + entry->d_val);
    }
  }
  for (struct VdsoCall* call = __start_vdso_calls; call != __stop_vdso_calls; ++call) {
    call->target = find(vdso, hash_table, symbols, strings, call->name);
    if (call->target == 0) call->target = (uintptr_t)no_such_call;
  }
}
