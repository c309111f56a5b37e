// A vDSO that somebody gave, in the place of the one that the build makes: of another kernel, with numbers of its own.
//
// Its code is run as it is. Each trap in it is known by where it returns to and by the number that the image traps
// with, and stands for the call of ours that has the name by which the image exports it. Who reads the file and finds
// all that out is elsewhere (tools/jacinth/vdso_file.h), as it needs a disassembler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernel/vdso/image.h"

namespace jacinth::kernel {

struct GivenVdso {
  /// ReturnSite::call of traps that are no call of ours by another number: zx_socket_shutdown of July 2020, which our
  /// vDSO makes another call; and from kFirstUnknown on, those whose names stand in `unknown`.
  static constexpr uint16_t kSocketShutdown = 0x4000;
  static constexpr uint16_t kFirstUnknown = 0x4001;

  std::vector<std::byte> elf;
  std::vector<ReturnSite> return_sites;
  /// Calls that no kernel of ours has.
  std::vector<std::string> unknown;
  /// Of the two above.
  VdsoImage image;
};

/// What the vDSO of July 2020 knows about its machine. The file has 0xdeadbeef in every word of it.
struct VdsoConstantsOf2020 {
  static constexpr uint32_t kUnfilled = 0xdeadbeef;

  uint32_t num_cpus = 0;
  uint32_t features_cpu = 0;
  uint32_t features_hw_breakpoints = 0;
  uint32_t features_hw_watchpoints = 0;
  uint32_t dcache_line_size = 0;
  uint32_t icache_line_size = 0;
  int64_t ticks_per_second = 0;
  /// From ticks of the counter, which the image reads by itself, to nanoseconds.
  uint32_t ticks_to_time_numerator = 0;
  uint32_t ticks_to_time_denominator = 0;
  uint64_t physmem = 0;
  uint64_t version_string_length = 0;
  char version_string[kVdsoVersionStringMax] = {};
};
static_assert(sizeof(VdsoConstantsOf2020) == 0x78);

}  // namespace jacinth::kernel
