// The registers of a thread that stands still, as debuggers read and write them (zx_thread_read_state and its like).
//
// The thread is suspended or in an exception: nothing else may look. What is written is what the thread goes on with,
// but for what no program may have: flags of the system, addresses that are none. zircon/kernel/arch/{arm64,x86}/
// debugger.cc settles what is refused and what is ignored.
//
// Left out: fop, fip and fdp of the x87 (they read as zero), and what AVX adds to vectors, which no processor here has.
#pragma once

#include <cstddef>
#include <span>

#include "emu/base/address.h"
#include "emu/state/registers.h"
#include "kernel/abi/names.h"
#include "kernel/abi/thread.h"

namespace jacinth::kernel {

class Thread;

/// How large the structure of a kind is; 0 when there is no such kind.
size_t thread_state_size(Arch arch, abi::ThreadStateKind kind);
/// `out` and `in` are as large as that. kBadState for a thread that runs, kNotSupported for one that exits and for what
/// the architecture lacks, kInvalidArgs for values that no program may have.
Status read_thread_state(Thread& thread, abi::ThreadStateKind kind, std::span<std::byte> out);
Status write_thread_state(Thread& thread, abi::ThreadStateKind kind, std::span<const std::byte> in);

/// All registers at once, for a debugger outside the machine: the thread need not stand still. kInvalidArgs, and
/// nothing, for values that no program may have.
Status replace_registers(Thread& thread, const Registers& to);

}  // namespace jacinth::kernel
