/* The kernel's log. */
#pragma once

#include <zircon/generated/log.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef struct zx_log_record {
  uint64_t sequence;
  uint8_t padding1[4];
  uint16_t datalen;
  uint8_t severity;
  uint8_t flags;
  zx_time_t timestamp;
  uint64_t pid;
  uint64_t tid;
  char data[ZX_LOG_RECORD_DATA_MAX];
} zx_log_record_t;

__END_CDECLS
