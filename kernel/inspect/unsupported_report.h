// What Jacinth lacks and a guest wanted: a line when it happens for the first time, and all of it at the end.
#pragma once

#include <string>

#include "kernel/syscalls/unsupported.h"

namespace jacinth::kernel {

class GuestCode;

/// "zx_bti_create(iommu=0x..., ...) is not supported: the guest gets ZX_ERR_NOT_SUPPORTED; called from main+0x14 at
/// demo.cc:42": said once for each call and option.
std::string unsupported_use_text(Thread& thread, const UnsupportedUse& use, GuestCode& code);

/// A line for each, by call, with how often it was; empty when there was none.
std::string unsupported_summary(const UnsupportedLedger& ledger);

}  // namespace jacinth::kernel
