// The words of the ABI that the whole kernel speaks, without their namespace.
#pragma once

#include "kernel/abi/flags.h"
#include "kernel/abi/handle.h"
#include "kernel/abi/koid.h"
#include "kernel/abi/object_type.h"
#include "kernel/abi/rights.h"
#include "kernel/abi/signals.h"
#include "kernel/abi/status.h"

namespace jacinth::kernel {

using abi::Handle;
using abi::Koid;
using abi::ObjectType;
using abi::Result;
using abi::Rights;
using abi::Signals;
using abi::Status;

}  // namespace jacinth::kernel
