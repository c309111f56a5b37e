// What the three programs of the demo agree on.
#pragma once

#include "guests/lib/guest.h"

namespace studio {

constexpr int kRows = 20;
constexpr int kColumns = 64;
/// How a cell looks that belongs to the set.
constexpr char kInside = '@';
/// So many of them are an event.
constexpr int kMany = 100;

/// Start-up handles of both children.
constexpr uint32_t kChannel = PA_HND(PA_USER0, 0);
constexpr uint32_t kCanvas = PA_HND(PA_USER1, 0);
constexpr uint32_t kEvent = PA_HND(PA_USER2, 0);

/// The shared VMO: rows of characters, each ended by a NUL.
struct Canvas {
  char row[kRows][kColumns + 1];
};

/// Parent to painter: draw, a row each `interval` from `start` on. Painter to parent: `row` is done.
/// Parent to counter: look at `row`. Counter to parent: `cells` of it are inside, `total` so far.
struct Note {
  int32_t row = 0;
  int32_t cells = 0;
  int64_t total = 0;
  zx_time_t start = 0;
  zx_duration_t interval = 0;
};

inline void send(zx_handle_t channel, const Note& note) {
  require_ok(zx_channel_write(channel, 0, &note, sizeof note, nullptr, 0));
}

/// The oldest note; false when there is none and will be none.
inline bool receive(zx_handle_t channel, Note* note) {
  uint32_t size = 0, handles = 0;
  zx_signals_t seen = 0;
  require_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, &seen));
  if ((seen & ZX_CHANNEL_READABLE) == 0) return false;
  require_ok(zx_channel_read(channel, 0, note, nullptr, sizeof *note, 0, &size, &handles));
  return true;
}

}  // namespace studio
