// Where the thread-local variables of an executable lie, by the ABIs of its architectures (System V ABI, processor
// supplements; "ELF Handling For Thread-Local Storage"):
//
//   arm64, variant I:    thread pointer -> | 16 bytes | variables ...
//   x86-64, variant II:                 variables ... | <- thread pointer
//
// Left out: libraries, whose variables lie where their dynamic linker put them and wrote down for itself alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "emu/base/address.h"

namespace jacinth::emu::gdb {

/// The address of the variable at `offset` in the segment of thread-local variables (PT_TLS) of `executable`, for the
/// thread with this thread pointer. Nothing when the file has no such segment.
std::optional<uint64_t> thread_local_address(Arch arch, uint64_t thread_pointer, std::span<const std::byte> executable,
                                             uint64_t offset);

}  // namespace jacinth::emu::gdb
