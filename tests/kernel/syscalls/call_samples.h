// For each call that takes handles or pointers: arguments with which it succeeds at once, so that a test can spoil them
// one by one.
//
// Left out: absent calls, and calls that take neither.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tests/kernel/syscalls/exception_rig.h"

namespace jacinth::kernel {

/// A pointer that lies in memory, inside what an argument points to.
struct Nested {
  std::string_view name;
  GuestAddr at;  // Where the pointer is.
  bool written = false;
};

struct Arguments {
  std::array<uint64_t, 8> values = {};
  std::vector<Nested> nested = {};
};

/// Something that is not so for one argument, and why the real kernel has it so.
struct Exemption {
  enum class What : uint8_t {
    kUnused,     // A bad pointer changes nothing: the call has no use for it.
    kNotRead,    // The same, but null and odd addresses are none.
    kChanges,    // A bad pointer fails the call, but something has happened by then.
    kAnyHandle,  // Whatever the handle is, the call has no use for it.
    kNoHandle,   // A value that names nothing is as good as none.
    kOrWrite,    // WRITE is as good as the right that it asks for.
    kNoType,     // Another type is ZX_ERR_BAD_HANDLE.
    kFaults,     // A bad pointer is what an access there would be: not found, access denied.
    kOneByte,    // It is too short to reach across the end of anything.
    kNoNull,     // With kFaults: but null is checked before.
  };
  std::string_view argument;
  What what;
  std::string_view because;
};

struct Sample {
  std::string_view call;  // Without "zx_".
  Arguments (*make)(ExceptionRig&);
  std::vector<Exemption> exempt = {};
  /// What the call gives; a result that counts something is kOk here.
  Status gives = Status::kOk;

  bool is_exempt(std::string_view argument, Exemption::What what) const {
    for (const Exemption& exemption : exempt)
      if (exemption.argument == argument && exemption.what == what) return true;
    return false;
  }
};

std::span<const Sample> call_samples();

}  // namespace jacinth::kernel
