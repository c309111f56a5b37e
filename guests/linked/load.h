// What the linker of the programs beside it keeps about what is loaded, and how files are. The list is that of System V
// linkers (struct r_debug and struct link_map of <link.h>), so that debuggers find it as they find a real one's.
#pragma once

#include <stdint.h>

#include "guests/lib/zircon.h"

enum { kPage = 4096 };

struct LinkMap {
  uint64_t address; /* What the addresses of the file are counted from. */
  const char* name;
  uint64_t dynamic;
  struct LinkMap *next, *previous;
};

/* Where ZX_PROP_PROCESS_DEBUG_ADDR points. */
struct Linked {
  struct {
    int version;
    struct LinkMap* first;
    uint64_t hook; /* Left out, as the trap is. */
    int state;
    uint64_t linker;
  } debug;
  zx_handle_t loader;
  struct LinkMap program, self, vdso;
};

/* Says what is wrong, and ends the process as dynamic linkers do. */
__attribute__((noreturn)) void fail(const char* what, zx_status_t status);
void need(const char* what, zx_status_t status);

zx_status_t load_object(zx_handle_t loader, const char* name, zx_handle_t* vmo);

/* Where the file begins (e_entry); `entry` learns where it lies. */
uintptr_t map_file(zx_handle_t file, struct LinkMap* entry);

void append(struct Linked* linked, struct LinkMap* entry);

/* What linkers do when their list has changed: a debugger who asked for it (ZX_PROP_PROCESS_BREAK_ON_LOAD) gets a trap.
 */
void tell_debugger(void);
