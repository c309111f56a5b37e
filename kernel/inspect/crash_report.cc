#include "kernel/inspect/crash_report.h"

#include <fmt/format.h>

#include <iterator>

#include "kernel/inspect/exception_text.h"
#include "kernel/inspect/guest_code.h"
#include "kernel/inspect/process_view.h"
#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_space.h"

namespace jacinth::kernel {
namespace {

/// A program that wrote this close below its stack has most likely used it up.
constexpr uint64_t kNearStack = 64 << 10;

std::string permissions_text(abi::VmOptions permissions) {
  PagePermissions page = Mapping::page_permissions(permissions);
  return fmt::format("{}{}{}", page.read ? 'r' : '-', page.write ? 'w' : '-', page.execute ? 'x' : '-');
}

std::string mapping_line(const Mapping& mapping) {
  const Vmo& vmo = mapping.vmo();
  return fmt::format("{:#018x}-{:#018x} {} vmo:{}{}{}", mapping.base().value, mapping.end().value,
                     permissions_text(mapping.permissions()), abi::raw(vmo.koid()),
                     vmo.name().empty() ? "" : fmt::format(" \"{}\"", vmo.name()),
                     mapping.offset() != 0 ? fmt::format(" +{:#x}", mapping.offset()) : "");
}

/// Why the address could not be used, beyond what the exception says.
std::string cause_text(Thread& thread, const Exception& exception) {
  const ExceptionInfo& cause = exception.cause;
  if (exception.type != abi::ExceptionType::kFatalPageFault || thread.process().dead()) return {};
  AddressSpace* space = &thread.active_space();
  Mapping* mapping = space->find_mapping(cause.address);
  if (mapping != nullptr) {
    PagePermissions page = Mapping::page_permissions(mapping->permissions());
    bool allowed = cause.access == AccessKind::kWrite     ? page.write
                   : cause.access == AccessKind::kExecute ? page.execute
                                                          : page.read;
    if (!allowed)
      return fmt::format("the mapping there does not allow it ({})", permissions_text(mapping->permissions()));
    uint64_t offset = mapping->offset() + (cause.address - mapping->base());
    if (offset >= mapping->vmo().size())
      return fmt::format("the mapping there is longer than its VMO ({:#x} bytes)", mapping->vmo().size());
    return "the mapping there allows it, but its page could not be brought in";
  }
  uint64_t sp = stack_pointer(thread.core().platform().arch(), thread.registers());
  if (cause.address.value < kPageSize) return "nothing is mapped there: a null pointer";
  if (cause.address.value + kNearStack > sp && cause.address.value < sp + kNearStack)
    return "nothing is mapped there, and the stack pointer is near: the stack is probably used up";
  return "nothing is mapped there";
}

}  // namespace

std::string mapping_text(Process& process, GuestAddr address) {
  AddressSpace* space = process.space_at(address);
  if (space == nullptr) return "  the process has no memory any more\n";
  if (Mapping* mapping = space->find_mapping(address)) return "  " + mapping_line(*mapping) + "\n";
  const Mapping* below = nullptr;
  const Mapping* above = nullptr;
  space->for_each_mapping([&](const Mapping& mapping) {
    if (mapping.end() <= address && (below == nullptr || mapping.base() > below->base())) below = &mapping;
    if (mapping.base() > address && (above == nullptr || mapping.base() < above->base())) above = &mapping;
  });
  std::string text;
  auto out = std::back_inserter(text);
  if (below != nullptr)
    fmt::format_to(out, "  {}  ends {:#x} bytes below\n", mapping_line(*below), address - below->end());
  if (above != nullptr)
    fmt::format_to(out, "  {}  begins {:#x} bytes above\n", mapping_line(*above), above->base() - address);
  return text;
}

std::string register_text(Arch arch, const Registers& registers) {
  std::string text;
  auto out = std::back_inserter(text);
  size_t column = 0;
  auto add = [&](std::string_view name, uint64_t value) {
    fmt::format_to(out, "  {:<6} {:#018x}", name, value);
    if (++column % 3 == 0) text += '\n';
  };
  if (arch == Arch::kArm64) {
    for (size_t i = 0; i < 30; ++i) add(fmt::format("x{}", i), registers.gpr[i]);
    add("lr", registers.gpr[30]);
    add("sp", registers.sp);
    add("pc", registers.pc);
    add("nzcv", registers.flags);
    add("tpidr", registers.tls);
  } else {
    static constexpr std::string_view kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    for (X86Gpr i : {kRax, kRbx, kRcx, kRdx, kRsi, kRdi, kRbp, kRsp, kR8, kR9, kR10, kR11, kR12, kR13, kR14, kR15})
      add(kNames[i], registers.gpr[i]);
    add("rip", registers.pc);
    add("rflags", registers.flags);
    add("fs", registers.tls);
    add("gs", registers.tls_second);
  }
  if (column % 3 != 0) text += '\n';
  return text;
}

std::string crash_report(Thread& thread, const Exception& exception, GuestCode& code) {
  Process& process = thread.process();
  Arch arch = thread.core().platform().arch();
  const Registers& registers = thread.registers();
  std::string detail = exception_detail(exception, arch);
  std::string cause = cause_text(thread, exception);

  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{}, {}: {}{}{}{}{}\n", describe(process), describe(thread), exception_name(exception),
                 detail.empty() ? "" : ": ", detail, cause.empty() ? "" : "; ", cause);
  if (exception.type == abi::ExceptionType::kFatalPageFault)
    fmt::format_to(out, "mapping of {:#x}\n{}", exception.cause.address.value,
                   mapping_text(process, exception.cause.address));
  fmt::format_to(out, "registers\n{}", register_text(arch, registers));
  std::vector<GuestCode::Instruction> instructions = code.instructions(process, GuestAddr(registers.pc));
  fmt::format_to(out, "code\n");
  for (const GuestCode::Instruction& instruction : instructions)
    fmt::format_to(out, "{} {:#018x}  {}\n", instruction.address.value == registers.pc ? "=>" : "  ",
                   instruction.address.value, instruction.text);
  if (instructions.empty()) text += "  none can be seen at the program counter\n";
  fmt::format_to(out, "backtrace\n{}", backtrace_text(code, thread, "  "));
  return text;
}

}  // namespace jacinth::kernel
