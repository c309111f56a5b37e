// Dies in the way that its argument says. A program of its own, so that a debugger or a shell can watch it die;
// faults.cc starts it in all its ways.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

const uint64_t read_only = 42;

volatile uint64_t sink;

void null_read() { sink = *static_cast<volatile uint64_t*>(nullptr); }
void null_write() { *static_cast<volatile uint64_t*>(nullptr) = 1; }
void null_call() {
  void (*volatile nothing)() = nullptr;
  nothing();
}
void read_only_write() { *const_cast<volatile uint64_t*>(&read_only) = 1; }
void code_write() {
  auto code = reinterpret_cast<uintptr_t>(&null_read);
  *reinterpret_cast<volatile uint32_t*>(code & ~uintptr_t{3}) = 0;
}
void stack_execute() {
  volatile uint32_t code[4] = {};
  reinterpret_cast<void (*)()>(reinterpret_cast<uintptr_t>(&code))();
}
void unmapped_read() {
  Handle vmo = make_vmo(4096);
  zx_vaddr_t address = 0;
  require_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, 4096, &address));
  require_ok(zx_vmar_unmap(zx_vmar_root_self(), address, 4096));
  sink = *reinterpret_cast<volatile uint64_t*>(address);
}
void kernel_read() { sink = *reinterpret_cast<volatile uint64_t*>(0xffff'8000'0000'0000); }
void non_canonical_read() { sink = *reinterpret_cast<volatile uint64_t*>(0x1234'5678'9abc'def0); }
void crossing_read() {  // The first bytes are there, the last are not.
  Handle vmo = make_vmo(4096), region;
  zx_vaddr_t base = 0, address = 0;
  require_ok(
      zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC, 0, 8192, region.out(), &base));
  require_ok(zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0, vmo, 0, 4096, &address));
  sink = *reinterpret_cast<volatile uint64_t*>(address + 4092);
}
void undefined() {
#if defined(__aarch64__)
  asm volatile("udf #0");
#else
  asm volatile("ud2");
#endif
}
void breakpoint() {
#if defined(__aarch64__)
  asm volatile("brk #0x123");
#else
  asm volatile("int3");
#endif
}
void privileged() {
#if defined(__aarch64__)
  uint64_t value;
  asm volatile("mrs %0, sctlr_el1" : "=r"(value));
#else
  asm volatile("hlt");
#endif
}
#pragma clang diagnostic ignored "-Winfinite-recursion"
int overflow(int depth) {
  volatile char space[1024];
  space[0] = static_cast<char>(depth);
  return overflow(depth + 1) + space[0];
}
void stack_overflow() { sink = static_cast<uint64_t>(overflow(0)); }
void bad_stack() {
#if defined(__aarch64__)
  asm volatile("mov sp, %0\n str xzr, [sp]" ::"r"(uint64_t{0x10}));
#else
  asm volatile("mov %0, %%rsp\n push %%rax" ::"r"(uint64_t{0x10}));
#endif
}
void in_thread() {
  Running thread("unlucky", [] { null_read(); });
  zx_nanosleep(ZX_TIME_INFINITE);
}
void trap() { __builtin_trap(); }
void no_event() {  // Where a policy forbids it; returns 3 when somebody looked away.
  Handle event;
  zx_process_exit(zx_event_create(0, event.out()) == ZX_ERR_ACCESS_DENIED ? 3 : 4);
}
#if defined(__x86_64__)
void divide() {
  volatile int dividend = 100, zero = 0;
  sink = static_cast<uint64_t>(dividend / zero);
}
void divide_overflow() {
  volatile int lowest = INT32_MIN, minus_one = -1;
  sink = static_cast<uint64_t>(lowest / minus_one);
}
#else
void crooked_jump() {
  void (*volatile code)() = reinterpret_cast<void (*)()>(reinterpret_cast<uintptr_t>(&null_read) + 2);
  code();
}
#endif

const struct Way {
  const char* name;
  void (*die)();
} kWays[] = {
    {"null-read", null_read},
    {"null-write", null_write},
    {"null-call", null_call},
    {"read-only-write", read_only_write},
    {"code-write", code_write},
    {"stack-execute", stack_execute},
    {"unmapped-read", unmapped_read},
    {"kernel-read", kernel_read},
    {"non-canonical-read", non_canonical_read},
    {"crossing-read", crossing_read},
    {"undefined", undefined},
    {"breakpoint", breakpoint},
    {"privileged", privileged},
    {"stack-overflow", stack_overflow},
    {"bad-stack", bad_stack},
    {"in-thread", in_thread},
    {"trap", trap},
    {"no-event", no_event},
#if defined(__x86_64__)
    {"divide", divide},
    {"divide-overflow", divide_overflow},
#else
    {"crooked-jump", crooked_jump},
#endif
};

}  // namespace

int main(int argc, char** argv) {
  for (const Way& way : kWays) {
    if (argc == 2 && strcmp(argv[1], way.name) == 0) {
      way.die();
      print("%s: and yet I live.\n", way.name);
      return 1;
    }
  }
  if (argc == 2) return 2;
  print("Ways to die:\n");
  for (const Way& way : kWays) print("  %s\n", way.name);
  return 2;
}
