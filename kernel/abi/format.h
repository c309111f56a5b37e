// Single values of the ABI as text, with the public names: what strace, the ledger and messages print.
//
// Pure functions of the value: who prints a handle with the object behind it, or what a pointer points to, adds that
// (kernel/inspect).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "emu/time/time.h"
#include "kernel/abi/object_type.h"
#include "kernel/abi/rights.h"
#include "kernel/abi/signals.h"
#include "kernel/abi/status.h"
#include "kernel/abi/syscall_info.h"

namespace jacinth::abi {

/// "ZX_VM_PERM_READ|ZX_VM_PERM_WRITE|0x8000": names of a set of bits, then what has none. "0" for no bits, unless the
/// set has a name for that.
std::string format_flags(const FlagSet& set, uint64_t value);

/// "ZX_VMO_OP_ZERO": the name of an alternative, or its number.
std::string format_enum(const FlagSet& set, uint64_t value);

std::string format_rights(Rights rights);

/// Signals by the names that objects of this type give them; kNone when the type is unknown.
std::string format_signals(ObjectType type, Signals signals);

/// "ZX_ERR_BAD_HANDLE", or the number.
std::string format_status(Status status);

/// "12.000345678s" for a time since the machine was switched on, "ZX_TIME_INFINITE" for never.
std::string format_time(Time time);

/// "10ms", "1500us": the largest unit that needs no fraction.
std::string format_duration(Duration duration);

/// The part of a register that is the argument's: cut to its width and extended by its sign.
uint64_t narrow(const ValueFormat& format, uint64_t value);

/// One value that is not itself a string, bytes, structure or variant (those need memory): what it is, else "".
/// `object` is what the handle beside signals names, if that is known.
std::string format_scalar(const ValueFormat& format, uint64_t value, ObjectType object = ObjectType::kNone);

/// One argument as it stands in its register. A pointer is printed as the address that it is.
std::string format_arg(const ArgInfo& arg, uint64_t value, ObjectType object = ObjectType::kNone);

}  // namespace jacinth::abi
