// Rules of July 2020. Calls follow the kernel of 2021-22; a program with a dynamic linker was made with the SDK of
// July 2020, and where that kernel had another rule that its programs feel, such a program meets it. Left out: rules
// that nothing but a version of its own structure or name tells apart, which need no question.
#pragma once

#include "kernel/syscalls/call.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

/// Whether the machine runs programs of July 2020, which boot tells by their dynamic linker.
inline bool of_july_2020(Call& call) { return call.core().vm().july_2020(); }

}  // namespace jacinth::kernel
