/* zx_status_get_string and zx_exception_get_string, from the tables of the ABI (vdso_names.inc is generated).
 *
 * Each row holds its name in place: a table of pointers would need relocations. */
#include "kernel/vdso/vdso.h"

struct Name {
  int32_t value;
  char name[36];
};

#include "kernel/vdso/vdso_names.inc"

#define NAME_OF(names, number) name_of(names, sizeof(names) / sizeof((names)[0]), number)

static const char* name_of(const struct Name* names, size_t count, int32_t value) {
  for (size_t i = 0; i < count; ++i) {
    if (names[i].value == value) return names[i].name;
  }
  return "(UNKNOWN)";
}

VDSO_CALL(const char*, status_get_string, (zx_status_t status)) { return NAME_OF(kStatusNames, status); }

VDSO_CALL(const char*, exception_get_string, (uint32_t exception)) {
  return NAME_OF(kExceptionNames, (int32_t)exception);
}
