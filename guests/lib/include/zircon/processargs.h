/* The message that a process is started with. */
#pragma once

#include <stdint.h>
#include <zircon/generated/processargs.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* Offsets count from the start of the message; the tables are NUL-terminated strings, one after the other. */
typedef struct zx_proc_args {
  uint32_t protocol;        /* ZX_PROCARGS_PROTOCOL */
  uint32_t version;         /* ZX_PROCARGS_VERSION */
  uint32_t handle_info_off; /* one PA_HND() value per handle */
  uint32_t args_off;
  uint32_t args_num;
  uint32_t environ_off;
  uint32_t environ_num;
  uint32_t names_off; /* PA_NS_DIR handles index this table */
  uint32_t names_num;
} zx_proc_args_t;

/* What a handle is for, and which one of its kind. */
#define PA_HND(type, arg) (((type)&0xFF) | (((arg)&0xFFFF) << 16))
#define PA_HND_TYPE(n) ((n)&0xFF)
#define PA_HND_SUBTYPE(n) (((n) >> 8) & 0xFF)
#define PA_HND_ARG(n) (((n) >> 16) & 0xFFFF)

__END_CDECLS
