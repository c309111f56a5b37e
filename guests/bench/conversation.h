/* One side of a conversation between two processes: a channel's end, and the port that tells when it has a message. */
#pragma once

#include <stdbool.h>

#include "guests/lib/expect.h"

enum { kConversationChannel = PA_HND(PA_USER0, 0) };

struct Side {
  zx_handle_t channel;
  zx_handle_t port;
};

static inline void say(const struct Side* side, uint64_t message) {
  require_ok(zx_channel_write(side->channel, 0, &message, sizeof message, NULL, 0));
}

/* Waits for the next message; false when there will be none. */
static inline bool hear(const struct Side* side, uint64_t* message) {
  require_ok(zx_object_wait_async(side->channel, side->port, 0, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0));
  zx_port_packet_t packet;
  require_ok(zx_port_wait(side->port, ZX_TIME_INFINITE, &packet));
  if ((packet.signal.observed & ZX_CHANNEL_READABLE) == 0) return false;
  require_ok(zx_channel_read(side->channel, 0, message, NULL, sizeof *message, 0, NULL, NULL));
  return true;
}
