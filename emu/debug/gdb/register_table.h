// The registers of a thread as GDB numbers and packs them, one table for each architecture: what the target
// description says, what `g` and `p` carry, and what LLDB asks for are all read from it.
//
// Names, sizes, order and features are those of gdb's own descriptions (gdb/features/{aarch64-core,aarch64-fpu,
// aarch64-tls, i386/64bit-core,i386/64bit-sse,i386/64bit-linux,i386/64bit-segments}.xml), so that every gdb and LLDB
// knows them. orig_rax is Linux's, and here because gdb catches no system calls on x86-64 without it.
//
// Left out: SVE, pointer authentication, memory tags, AVX and protection keys, which the CPU models lack.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/state/registers.h"

namespace jacinth::emu::gdb {

/// Where a register's value lies.
enum class Place : uint8_t {
  kGpr,
  kSp,
  kPc,
  kFlags,
  kTls,
  kTlsSecond,
  kVector,
  kX87Stack,  ///< `index` counts from the top, as the instructions do.
  kX87Control,
  kX87Status,
  kX87Tag,
  kFpcr,
  kFpsr,
  kFixed,  ///< It is always `index`, whatever is written.
};

struct RegisterRow {
  std::string name;
  uint16_t bits = 64;
  Place place = Place::kFixed;
  uint64_t index = 0;
  std::string_view type;   ///< Of the target description.
  std::string_view group;  ///< Likewise; empty for what gdb thinks itself.
  std::string_view feature;
  std::string_view generic;  ///< LLDB's word for it: "pc", "sp", "fp", "ra", "flags", "arg1"...
  bool expedited = false;    ///< Sent along with every stop.
  size_t offset = 0;         ///< In `g`, in bytes.

  size_t size() const { return bits / 8; }
};

/// In the order of their numbers.
const std::vector<RegisterRow>& register_rows(Arch arch);
/// Bytes of all of them together.
size_t register_bytes(Arch arch);

/// `to` and `from` have the row's size.
void read_register(const Registers& registers, const RegisterRow& row, std::span<std::byte> to);
void write_register(Registers& registers, const RegisterRow& row, std::span<const std::byte> from);

/// The value of a register of at most 64 bits.
uint64_t register_value(const Registers& registers, const RegisterRow& row);

}  // namespace jacinth::emu::gdb
