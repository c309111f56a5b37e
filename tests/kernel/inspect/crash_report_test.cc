// What is told about a guest that dies.
#include "kernel/inspect/crash_report.h"

#include "kernel/inspect/exception_text.h"
#include "tests/kernel/inspect/fake_code.h"
#include "tests/support/kernel_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

Exception page_fault(GuestAddr pc, GuestAddr address, AccessKind access) {
  ExceptionInfo info{.kind = ExceptionInfo::Kind::kPageFault, .pc = pc, .address = address, .access = access};
  return Exception::from_machine(info);
}

bool has(const std::string& text, std::string_view part) {
  INFO(text);
  INFO(part);
  bool found = text.find(part) != std::string::npos;
  REQUIRE(found);
  return found;
}

TEST_CASE("a crash report says what happened, where, and who called") {
  KernelRig k;
  FakeCode code;
  code.stack = {{GuestAddr(0x5004), GuestAddr(0x5004)}, {GuestAddr(0x6008), GuestAddr(0x6007)}};
  Thread& thread = k.main_thread();
  thread.context().registers.pc = 0x5004;
  thread.context().registers.gpr[3] = 0xabcdef;
  thread.context().registers.sp = 0x9000'0000;

  std::string text = crash_report(thread, page_fault(GuestAddr(0x5004), GuestAddr(8), AccessKind::kWrite), code);

  has(text, "ZX_EXCP_FATAL_PAGE_FAULT: write to 0x8; nothing is mapped there: a null pointer\n");
  has(text, fmt::format("process {} ", abi::raw(k.process()->koid())));
  has(text, fmt::format("thread {} ", abi::raw(thread.koid())));
  has(text, "x3     0x0000000000abcdef");
  has(text, "=> 0x0000000000005004  udf #0\n");
  has(text, "   0x0000000000005000  nop\n");
  has(text, "#0  0x0000000000005004 page_5+0x4 at guest.c:7\n");
  // Where the call returns to, and the line of the call.
  has(text, "#1  0x0000000000006008 page_6+0x8 at guest.c:7\n");
}

TEST_CASE("a fault names the mapping that it hit, or the nearest ones") {
  KernelRig k;
  GuestAddr end = KernelRig::kMemory + KernelRig::kMemorySize;

  std::string hit = mapping_text(*k.process(), KernelRig::kMemory + 5);
  has(hit, fmt::format("{:#018x}-{:#018x} rw- vmo:", KernelRig::kMemory.value, end.value));

  std::string above = mapping_text(*k.process(), end + 0x10);
  has(above, "ends 0x10 bytes below");
  std::string below = mapping_text(*k.process(), KernelRig::kMemory - 0x20);
  has(below, "begins 0x20 bytes above");
}

TEST_CASE("a fault that the mapping forbids says so") {
  KernelRig k;
  FakeCode code;
  std::string text =
      crash_report(k.main_thread(), page_fault(KernelRig::kMemory, KernelRig::kMemory, AccessKind::kExecute), code);
  has(text, "jump to 0x10000000; the mapping there does not allow it (rw-)");
}

TEST_CASE("a fault beside the stack pointer is probably the stack's end") {
  KernelRig k;
  FakeCode code;
  k.main_thread().context().registers.sp = KernelRig::kMemory.value - 0x100;
  std::string text = crash_report(k.main_thread(),
                                  page_fault(KernelRig::kMemory, KernelRig::kMemory - 0x108, AccessKind::kWrite), code);
  has(text, "the stack is probably used up");
}

TEST_CASE("code that cannot be seen is said to be so") {
  KernelRig k;
  FakeCode code;
  k.main_thread().context().registers.pc = 0;
  has(crash_report(k.main_thread(), page_fault(GuestAddr(0), GuestAddr(0), AccessKind::kExecute), code),
      "none can be seen at the program counter");
}

TEST_CASE("all registers of both architectures are shown") {
  Registers registers;
  for (size_t i = 0; i < registers.gpr.size(); ++i) registers.gpr[i] = 0x1000 + i;
  registers.pc = 0x2001;
  registers.sp = 0x2002;
  registers.flags = 0x2003;
  registers.tls = 0x2004;

  std::string arm64 = register_text(Arch::kArm64, registers);
  for (uint64_t value : {0x1000, 0x100f, 0x101d, 0x101e, 0x2001, 0x2002, 0x2003, 0x2004})
    has(arm64, fmt::format("{:#018x}", value));
  std::string x86 = register_text(Arch::kX86_64, registers);
  for (uint64_t value = 0x1000; value < 0x1010; ++value) has(x86, fmt::format("{:#018x}", value));
  has(x86, "rbx    0x0000000000001003");
  has(x86, "rip    0x0000000000002001");
}

TEST_CASE("exceptions have their public names and the details that matter") {
  ExceptionInfo general{.kind = ExceptionInfo::Kind::kGeneral, .vector = 13, .error_code = 0x10, .syndrome = 0x2000000};
  Exception exception = Exception::from_machine(general);
  REQUIRE(exception_name(exception) == "ZX_EXCP_GENERAL");
  REQUIRE(exception_detail(exception, Arch::kX86_64) == "vector 13, error code 0x10");
  REQUIRE(exception_detail(exception, Arch::kArm64) == "syndrome 0x2000000");

  Exception policy = Exception::from_policy(abi::ExceptionPolicyCode::kBadSyscall, 999, GuestAddr(0));
  REQUIRE(exception_name(policy) == "ZX_EXCP_POLICY_ERROR");
  REQUIRE(exception_detail(policy, Arch::kArm64) == "ZX_EXCP_POLICY_CODE_BAD_SYSCALL, number 999");

  REQUIRE(return_code_text(42) == "42");
  REQUIRE(return_code_text(-1028) == "ZX_TASK_RETCODE_EXCEPTION_KILL (-1028)");
}

}  // namespace
}  // namespace jacinth::kernel
