// The table of calls, and the tables that say how to print what goes into them and comes out.
//
// Made by tools/gen/syscalls.py from kernel/abi/data: register decoding, strace and the ledger of calls read the same
// rows. Nothing here knows of objects or of guest memory; kernel/abi/format.h turns single values into text, and who
// prints whole calls (kernel/inspect) fetches what pointers point to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/abi/object_type.h"
#include "kernel/abi/rights.h"

namespace jacinth::abi {

/// One constant by its public name. `mask` covers the bits that must match `value`: several bits may be one number
/// (the alignment inside zx_vm_option_t), and for single flags mask and value are the same.
struct NamedValue {
  std::string_view name;
  uint64_t value = 0;
  uint64_t mask = 0;
};

/// Constants of one argument or field: bits that combine, or alternatives.
struct FlagSet {
  std::string_view name;  // "vm_option": as formats in the data call it
  bool is_enum = false;
  bool is_signed = false;
  bool hex = false;  // an alternative without a name is printed in hexadecimal
  uint8_t size = 4;
  std::span<const NamedValue> values;
};

/// What a value means to a reader.
enum class ArgFormat : uint8_t {
  kNone,  // nothing to print
  kUint,
  kInt,
  kHex,
  kBool,
  kSize,    // bytes of something
  kOffset,  // a place inside something
  kCount,
  kAddress,  // of the guest, virtual
  kPaddr,    // physical
  kHandle,
  kKoid,
  kStatus,
  kRights,
  kSignals,   // by the type of the object that the selector's handle names
  kTime,      // absolute
  kDuration,  // relative
  kTicks,
  kFutex,   // the address of a futex
  kFlags,   // bits of `flags`
  kEnum,    // one of `flags`
  kString,  // text, as long as the length says or up to a NUL
  kBytes,
  kStruct,   // a `record`
  kVariant,  // whatever `variants` gives for the selector's value
};

struct StructInfo;
struct Variants;

/// How one value is printed: an argument, what a pointer argument points to, or a field.
struct ValueFormat {
  ArgFormat format = ArgFormat::kNone;
  uint16_t size = 0;  // in memory; of one element when there are several
  bool is_signed = false;
  const FlagSet* flags = nullptr;
  const StructInfo* record = nullptr;
  const Variants* variants = nullptr;
};

enum class Direction : uint8_t { kIn, kOut, kInOut };

/// A field of a structure. Indices are of fields of the same structure, -1 for none.
struct FieldInfo {
  std::string_view name;
  uint16_t offset = 0;
  uint16_t size = 0;   // of the field, or of one element when count > 1
  uint16_t count = 1;  // elements in place
  ValueFormat value;   // for a pointer: of what it points to
  bool pointer = false;
  Direction direction = Direction::kIn;  // of what it points to
  int8_t length = -1;                    // elements behind the pointer, or characters in use
  int8_t selector = -1;
  std::string_view actual;  // the call's argument that says how many elements came out
  int8_t when = -1;         // present only when that field has `when_bits`
  uint64_t when_bits = 0;
};

struct StructInfo {
  std::string_view name;  // "zx_port_packet_t"
  uint16_t size = 0;
  std::span<const FieldInfo> fields;     // without padding
  const StructInfo* on_arm64 = nullptr;  // when that architecture lays it out differently
};

struct VariantCase {
  uint64_t value = 0;
  ValueFormat format;
};

/// A value that another one gives its meaning: a port packet's payload by its type, an info record by its topic.
struct Variants {
  std::string_view name;
  uint64_t mask = ~uint64_t{0};  // the bits of the selector that count
  ValueFormat fallback;
  std::span<const VariantCase> cases;

  constexpr const ValueFormat& select(uint64_t selector) const {
    for (const VariantCase& row : cases)
      if (row.value == (selector & mask)) return row.format;
    return fallback;
  }
};

/// Object types as a set, for arguments that take several: bit n stands for type n.
constexpr uint64_t type_bit(ObjectType type) { return uint64_t{1} << static_cast<uint32_t>(type); }

/// An argument of a call. Indices are of arguments of the same call, -1 for none.
struct ArgInfo {
  std::string_view name;
  std::string_view type;  // as C spells it
  bool pointer = false;
  Direction direction = Direction::kIn;
  ValueFormat value;               // of the argument itself; for a pointer, of what it points to
  int8_t length_arg = -1;          // how much is behind the pointer
  int8_t stride_arg = -1;          // bytes per element, when the guest says so (FIFOs)
  int8_t actual_arg = -1;          // points to how many records came out
  int8_t selector_arg = -1;        // gives a variant its meaning, or signals their object
  bool length_in_records = false;  // else in bytes
  bool optional = false;           // a null pointer or handle is fine
  bool is_handle = false;          // a handle, or an array of them
  bool consumed = false;           // the caller loses the handle, whatever the outcome
  uint64_t object_types = 0;       // what the handle may name, as type_bit()s; 0 for anything
  Rights rights = Rights::kNone;   // that it always needs; more may depend on options

  /// Bytes of the register that count. Pointers take all eight.
  constexpr uint16_t register_size() const { return pointer ? 8 : value.size; }
};

enum class ReturnKind : uint8_t {
  kVoid,
  kStatus,
  kStatusOrCount,  // a failure, or how many bytes there were
  kTime,
  kTicks,
  kInt64,
  kUint64,
  kUint32,
  kPointer,
  kStringView,
};

struct SyscallInfo {
  std::string_view name;  // "zx_port_wait"
  int16_t number = -1;    // -1: the vDSO answers it, or makes another call
  ReturnKind returns = ReturnKind::kStatus;
  bool blocking = false;
  bool noreturn = false;
  bool vdso_only = false;
  bool internal = false;  // called by the vDSO alone
  bool testonly = false;
  bool next = false;    // of zircon/syscalls-next.h, not yet stable
  bool legacy = false;  // of the July 2020 SDK, gone from the target revision
  std::string_view category;
  std::string_view does;  // one sentence
  std::span<const ArgInfo> args;
};

/// Every call, by name.
std::span<const SyscallInfo> syscalls();

/// The call that traps with this number; null for a number that none has.
const SyscallInfo* syscall_by_number(uint32_t number);

/// The call of this name ("zx_port_wait"); null when there is none.
const SyscallInfo* syscall_by_name(std::string_view name);

/// Every set of constants, by name, and the one of this name (null when there is none).
std::span<const FlagSet* const> flag_sets();
const FlagSet* flag_set(std::string_view name);

/// Every structure, by name, in its x86-64 form, and the one of this name (null when there is none).
std::span<const StructInfo* const> structs();
const StructInfo* struct_by_name(std::string_view name);

}  // namespace jacinth::abi
