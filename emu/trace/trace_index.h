// The index at the end of a trace file, as it lies there.
#pragma once

#include <cstdint>

namespace jacinth::emu {

struct TraceIndexEntry {
  uint64_t offset = 0;  ///< Of the frame's header in the file.
  uint64_t size = 0;    ///< Of header and payload there.
  uint64_t number = 0;
  int64_t time = 0;
  uint64_t event = 0;
  uint8_t kind = 0;
  uint8_t reserved[7] = {};
};
static_assert(sizeof(TraceIndexEntry) == 48);

/// The last bytes of a finished file.
struct TraceTrailer {
  static constexpr uint64_t kMagic = 0x58444e49'454d464a;  // "JFMEINDX"
  uint64_t index_offset = 0;
  uint64_t magic = kMagic;
};
static_assert(sizeof(TraceTrailer) == 16);

}  // namespace jacinth::emu
