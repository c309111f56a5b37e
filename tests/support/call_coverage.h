// What the unit tests made calls return, and with which options, for `jacinth syscalls` (tools/gen/call_coverage.py
// asks for it by JACINTH_CALL_COVERAGE=FILE, and the file is written when the tests are over).
//
// A line for each failure that a call gave, and for each named option with which one succeeded, with the first test by
// name that saw it:
//
//   zx_channel_read <tab> ZX_ERR_SHOULD_WAIT <tab> An empty channel has nothing to read
//
// Left out: what structures in memory say (packet types, policies); only argument registers are looked at.
#pragma once

namespace jacinth::kernel {

class KernelObserver;

/// Who looks on, for as long as the program runs; null when nobody asked.
KernelObserver* call_coverage();

}  // namespace jacinth::kernel
