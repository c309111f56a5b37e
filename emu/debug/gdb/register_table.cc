#include "emu/debug/gdb/register_table.h"

#include <fmt/format.h>

#include <cstring>

namespace jacinth::emu::gdb {
namespace {

constexpr std::string_view kArm64Core = "org.gnu.gdb.aarch64.core";
constexpr std::string_view kArm64Fpu = "org.gnu.gdb.aarch64.fpu";
constexpr std::string_view kArm64Tls = "org.gnu.gdb.aarch64.tls";
constexpr std::string_view kX86Core = "org.gnu.gdb.i386.core";
constexpr std::string_view kX86Sse = "org.gnu.gdb.i386.sse";
constexpr std::string_view kX86Linux = "org.gnu.gdb.i386.linux";
constexpr std::string_view kX86Segments = "org.gnu.gdb.i386.segments";

/// The selectors that every program runs with: user code and user data (emu/cpu/unicorn/x86_64.cc).
constexpr uint32_t kUserCode = 0x2b;
constexpr uint32_t kUserData = 0x23;

void number(std::vector<RegisterRow>& rows) {
  size_t offset = 0;
  for (RegisterRow& row : rows) {
    row.offset = offset;
    offset += row.size();
  }
}

std::vector<RegisterRow> arm64_rows() {
  std::vector<RegisterRow> rows;
  static constexpr std::string_view kArguments[] = {"arg1", "arg2", "arg3", "arg4", "arg5", "arg6", "arg7", "arg8"};
  for (uint32_t i = 0; i <= 30; ++i)
    rows.push_back({.name = fmt::format("x{}", i),
                    .place = Place::kGpr,
                    .index = i,
                    .type = "int",
                    .feature = kArm64Core,
                    .generic = i < 8     ? kArguments[i]
                               : i == 29 ? "fp"
                               : i == 30 ? "ra"
                                         : "",
                    .expedited = i >= 29});
  rows.push_back({.name = "sp",
                  .place = Place::kSp,
                  .type = "data_ptr",
                  .feature = kArm64Core,
                  .generic = "sp",
                  .expedited = true});
  rows.push_back({.name = "pc",
                  .place = Place::kPc,
                  .type = "code_ptr",
                  .feature = kArm64Core,
                  .generic = "pc",
                  .expedited = true});
  rows.push_back({.name = "cpsr",
                  .bits = 32,
                  .place = Place::kFlags,
                  .type = "cpsr_flags",
                  .feature = kArm64Core,
                  .generic = "flags"});
  for (uint32_t i = 0; i < 32; ++i)
    rows.push_back({.name = fmt::format("v{}", i),
                    .bits = 128,
                    .place = Place::kVector,
                    .index = i,
                    .type = "aarch64v",
                    .feature = kArm64Fpu});
  rows.push_back({.name = "fpsr", .bits = 32, .place = Place::kFpsr, .type = "fpsr_flags", .feature = kArm64Fpu});
  rows.push_back({.name = "fpcr", .bits = 32, .place = Place::kFpcr, .type = "fpcr_flags", .feature = kArm64Fpu});
  rows.push_back({.name = "tpidr", .place = Place::kTls, .type = "data_ptr", .feature = kArm64Tls});
  number(rows);
  return rows;
}

std::vector<RegisterRow> x86_rows() {
  struct Gpr {
    std::string_view name;
    X86Gpr index;
    std::string_view type;
    std::string_view generic;
  };
  static constexpr Gpr kGprs[] = {
      {"rax", kRax, "int64", ""},      {"rbx", kRbx, "int64", ""},      {"rcx", kRcx, "int64", "arg4"},
      {"rdx", kRdx, "int64", "arg3"},  {"rsi", kRsi, "int64", "arg2"},  {"rdi", kRdi, "int64", "arg1"},
      {"rbp", kRbp, "data_ptr", "fp"}, {"rsp", kRsp, "data_ptr", "sp"}, {"r8", kR8, "int64", "arg5"},
      {"r9", kR9, "int64", "arg6"},    {"r10", kR10, "int64", ""},      {"r11", kR11, "int64", ""},
      {"r12", kR12, "int64", ""},      {"r13", kR13, "int64", ""},      {"r14", kR14, "int64", ""},
      {"r15", kR15, "int64", ""},
  };
  std::vector<RegisterRow> rows;
  for (const Gpr& gpr : kGprs)
    rows.push_back({.name = std::string(gpr.name),
                    .place = Place::kGpr,
                    .index = gpr.index,
                    .type = gpr.type,
                    .feature = kX86Core,
                    .generic = gpr.generic,
                    .expedited = gpr.index == kRsp || gpr.index == kRbp});
  rows.push_back({.name = "rip",
                  .place = Place::kPc,
                  .type = "code_ptr",
                  .feature = kX86Core,
                  .generic = "pc",
                  .expedited = true});
  rows.push_back({.name = "eflags",
                  .bits = 32,
                  .place = Place::kFlags,
                  .type = "i386_eflags",
                  .feature = kX86Core,
                  .generic = "flags"});
  struct Segment {
    std::string_view name;
    uint32_t value;
  };
  static constexpr Segment kSelectors[] = {{"cs", kUserCode}, {"ss", kUserData}, {"ds", kUserData},
                                           {"es", kUserData}, {"fs", 0},         {"gs", 0}};
  for (const Segment& segment : kSelectors)
    rows.push_back({.name = std::string(segment.name),
                    .bits = 32,
                    .place = Place::kFixed,
                    .index = segment.value,
                    .type = "int32",
                    .feature = kX86Core});
  for (uint32_t i = 0; i < 8; ++i)
    rows.push_back({.name = fmt::format("st{}", i),
                    .bits = 80,
                    .place = Place::kX87Stack,
                    .index = i,
                    .type = "i387_ext",
                    .feature = kX86Core});
  struct Control {
    std::string_view name;
    Place place;
  };
  static constexpr Control kControls[] = {
      {"fctrl", Place::kX87Control}, {"fstat", Place::kX87Status}, {"ftag", Place::kX87Tag}, {"fiseg", Place::kFixed},
      {"fioff", Place::kFixed},      {"foseg", Place::kFixed},     {"fooff", Place::kFixed}, {"fop", Place::kFixed}};
  for (const Control& control : kControls)
    rows.push_back({.name = std::string(control.name),
                    .bits = 32,
                    .place = control.place,
                    .type = "int",
                    .group = "float",
                    .feature = kX86Core});
  for (uint32_t i = 0; i < 16; ++i)
    rows.push_back({.name = fmt::format("xmm{}", i),
                    .bits = 128,
                    .place = Place::kVector,
                    .index = i,
                    .type = "vec128",
                    .feature = kX86Sse});
  rows.push_back({.name = "mxcsr",
                  .bits = 32,
                  .place = Place::kFpcr,
                  .type = "i386_mxcsr",
                  .group = "vector",
                  .feature = kX86Sse});
  // No call that would have to be made again.
  rows.push_back(
      {.name = "orig_rax", .place = Place::kFixed, .index = ~uint64_t{0}, .type = "int", .feature = kX86Linux});
  rows.push_back({.name = "fs_base", .place = Place::kTls, .type = "int", .feature = kX86Segments});
  rows.push_back({.name = "gs_base", .place = Place::kTlsSecond, .type = "int", .feature = kX86Segments});
  number(rows);
  return rows;
}

/// The x87's stack lies in registers that its top turns.
size_t stack_register(const Registers& r, size_t index) {
  return (static_cast<size_t>(r.x87_status >> 11) + index) & 7;
}

/// What a register of at most 64 bits holds.
uint64_t number_in(const Registers& r, const RegisterRow& row) {
  switch (row.place) {
    case Place::kGpr: return r.gpr[row.index];
    case Place::kSp: return r.sp;
    case Place::kPc: return r.pc;
    case Place::kFlags: return r.flags;
    case Place::kTls: return r.tls;
    case Place::kTlsSecond: return r.tls_second;
    case Place::kX87Control: return r.x87_control;
    case Place::kX87Status: return r.x87_status;
    case Place::kX87Tag: return r.x87_tag;
    case Place::kFpcr: return r.fpcr;
    case Place::kFpsr: return r.fpsr;
    case Place::kFixed: return row.index;
    case Place::kVector:
    case Place::kX87Stack: break;
  }
  return 0;
}

void set_number(Registers& r, const RegisterRow& row, uint64_t value) {
  switch (row.place) {
    case Place::kGpr: r.gpr[row.index] = value; break;
    case Place::kSp: r.sp = value; break;
    case Place::kPc: r.pc = value; break;
    case Place::kFlags: r.flags = value; break;
    case Place::kTls: r.tls = value; break;
    case Place::kTlsSecond: r.tls_second = value; break;
    case Place::kX87Control: r.x87_control = static_cast<uint16_t>(value); break;
    case Place::kX87Status: r.x87_status = static_cast<uint16_t>(value); break;
    case Place::kX87Tag: r.x87_tag = static_cast<uint16_t>(value); break;
    case Place::kFpcr: r.fpcr = static_cast<uint32_t>(value); break;
    case Place::kFpsr: r.fpsr = static_cast<uint32_t>(value); break;
    case Place::kVector:
    case Place::kX87Stack:
    case Place::kFixed: break;
  }
}

}  // namespace

const std::vector<RegisterRow>& register_rows(Arch arch) {
  static const std::vector<RegisterRow> kArm64 = arm64_rows();
  static const std::vector<RegisterRow> kX86 = x86_rows();
  return arch == Arch::kArm64 ? kArm64 : kX86;
}

size_t register_bytes(Arch arch) {
  const RegisterRow& last = register_rows(arch).back();
  return last.offset + last.size();
}

void read_register(const Registers& registers, const RegisterRow& row, std::span<std::byte> to) {
  if (row.place == Place::kVector) {
    std::memcpy(to.data(), &registers.vector[row.index], to.size());
  } else if (row.place == Place::kX87Stack) {
    std::memcpy(to.data(), &registers.x87[stack_register(registers, row.index)], to.size());
  } else {
    uint64_t value = number_in(registers, row);
    std::memcpy(to.data(), &value, to.size());
  }
}

void write_register(Registers& registers, const RegisterRow& row, std::span<const std::byte> from) {
  if (row.place == Place::kVector) {
    std::memcpy(&registers.vector[row.index], from.data(), from.size());
  } else if (row.place == Place::kX87Stack) {
    std::memcpy(&registers.x87[stack_register(registers, row.index)], from.data(), from.size());
  } else {
    uint64_t value = 0;
    std::memcpy(&value, from.data(), from.size());
    set_number(registers, row, value);
  }
}

uint64_t register_value(const Registers& registers, const RegisterRow& row) { return number_in(registers, row); }

}  // namespace jacinth::emu::gdb
