/* zx_status_get_string and zx_exception_get_string.
 *
 * Each row holds its name in place: a table of pointers would need relocations. The kernel's own list of statuses is
 * kernel/abi/status.h; a test compares the two. */
#include "kernel/vdso/vdso.h"

struct Name {
  int32_t value;
  char name[36];
};

static const struct Name kStatusNames[] = {
    {0, "ZX_OK"},
    {-1, "ZX_ERR_INTERNAL"},
    {-2, "ZX_ERR_NOT_SUPPORTED"},
    {-3, "ZX_ERR_NO_RESOURCES"},
    {-4, "ZX_ERR_NO_MEMORY"},
    {-6, "ZX_ERR_INTERNAL_INTR_RETRY"},
    {-10, "ZX_ERR_INVALID_ARGS"},
    {-11, "ZX_ERR_BAD_HANDLE"},
    {-12, "ZX_ERR_WRONG_TYPE"},
    {-13, "ZX_ERR_BAD_SYSCALL"},
    {-14, "ZX_ERR_OUT_OF_RANGE"},
    {-15, "ZX_ERR_BUFFER_TOO_SMALL"},
    {-20, "ZX_ERR_BAD_STATE"},
    {-21, "ZX_ERR_TIMED_OUT"},
    {-22, "ZX_ERR_SHOULD_WAIT"},
    {-23, "ZX_ERR_CANCELED"},
    {-24, "ZX_ERR_PEER_CLOSED"},
    {-25, "ZX_ERR_NOT_FOUND"},
    {-26, "ZX_ERR_ALREADY_EXISTS"},
    {-27, "ZX_ERR_ALREADY_BOUND"},
    {-28, "ZX_ERR_UNAVAILABLE"},
    {-30, "ZX_ERR_ACCESS_DENIED"},
    {-40, "ZX_ERR_IO"},
    {-41, "ZX_ERR_IO_REFUSED"},
    {-42, "ZX_ERR_IO_DATA_INTEGRITY"},
    {-43, "ZX_ERR_IO_DATA_LOSS"},
    {-44, "ZX_ERR_IO_NOT_PRESENT"},
    {-45, "ZX_ERR_IO_OVERRUN"},
    {-46, "ZX_ERR_IO_MISSED_DEADLINE"},
    {-47, "ZX_ERR_IO_INVALID"},
    {-50, "ZX_ERR_BAD_PATH"},
    {-51, "ZX_ERR_NOT_DIR"},
    {-52, "ZX_ERR_NOT_FILE"},
    {-53, "ZX_ERR_FILE_BIG"},
    {-54, "ZX_ERR_NO_SPACE"},
    {-55, "ZX_ERR_NOT_EMPTY"},
    {-60, "ZX_ERR_STOP"},
    {-61, "ZX_ERR_NEXT"},
    {-62, "ZX_ERR_ASYNC"},
    {-70, "ZX_ERR_PROTOCOL_NOT_SUPPORTED"},
    {-71, "ZX_ERR_ADDRESS_UNREACHABLE"},
    {-72, "ZX_ERR_ADDRESS_IN_USE"},
    {-73, "ZX_ERR_NOT_CONNECTED"},
    {-74, "ZX_ERR_CONNECTION_REFUSED"},
    {-75, "ZX_ERR_CONNECTION_RESET"},
    {-76, "ZX_ERR_CONNECTION_ABORTED"},
};

static const struct Name kExceptionNames[] = {
    {0x8, "ZX_EXCP_GENERAL"},
    {0x108, "ZX_EXCP_FATAL_PAGE_FAULT"},
    {0x208, "ZX_EXCP_UNDEFINED_INSTRUCTION"},
    {0x308, "ZX_EXCP_SW_BREAKPOINT"},
    {0x408, "ZX_EXCP_HW_BREAKPOINT"},
    {0x508, "ZX_EXCP_UNALIGNED_ACCESS"},
    {0x8008, "ZX_EXCP_THREAD_STARTING"},
    {0x8108, "ZX_EXCP_THREAD_EXITING"},
    {0x8208, "ZX_EXCP_POLICY_ERROR"},
    {0x8308, "ZX_EXCP_PROCESS_STARTING"},
};

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
