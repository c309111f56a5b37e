// What a thread keeps for itself while others run: integer, floating-point and vector registers, rounding mode, and
// the thread pointer. And arithmetic whose bits are the same on every processor.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

/// What a thread's registers are filled with, and what they hold after a long while.
struct alignas(16) Registers {
  uint64_t vector[64];
  uint64_t integer[28];
};

}  // namespace

/// Fills the registers (all but the two arguments, the stack pointer and, on arm64, the platform's x18), counts
/// `rounds` down without touching memory, and writes the registers back.
extern "C" void spin_registers(Registers* registers, uint64_t rounds);

#if defined(__aarch64__)
asm(R"(
  .text
  .globl spin_registers
spin_registers:
  stp x29, x30, [sp, #-160]!
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  ldp q0, q1, [x0, #0]
  ldp q2, q3, [x0, #32]
  ldp q4, q5, [x0, #64]
  ldp q6, q7, [x0, #96]
  ldp q8, q9, [x0, #128]
  ldp q10, q11, [x0, #160]
  ldp q12, q13, [x0, #192]
  ldp q14, q15, [x0, #224]
  ldp q16, q17, [x0, #256]
  ldp q18, q19, [x0, #288]
  ldp q20, q21, [x0, #320]
  ldp q22, q23, [x0, #352]
  ldp q24, q25, [x0, #384]
  ldp q26, q27, [x0, #416]
  ldp q28, q29, [x0, #448]
  ldp q30, q31, [x0, #480]
  add x0, x0, #512
  ldp x2, x3, [x0, #0]
  ldp x4, x5, [x0, #16]
  ldp x6, x7, [x0, #32]
  ldp x8, x9, [x0, #48]
  ldp x10, x11, [x0, #64]
  ldp x12, x13, [x0, #80]
  ldp x14, x15, [x0, #96]
  ldp x16, x17, [x0, #112]
  ldp x19, x20, [x0, #128]
  ldp x21, x22, [x0, #144]
  ldp x23, x24, [x0, #160]
  ldp x25, x26, [x0, #176]
  ldp x27, x28, [x0, #192]
  ldp x29, x30, [x0, #208]
1:
  subs x1, x1, #1
  b.ne 1b
  stp x2, x3, [x0, #0]
  stp x4, x5, [x0, #16]
  stp x6, x7, [x0, #32]
  stp x8, x9, [x0, #48]
  stp x10, x11, [x0, #64]
  stp x12, x13, [x0, #80]
  stp x14, x15, [x0, #96]
  stp x16, x17, [x0, #112]
  stp x19, x20, [x0, #128]
  stp x21, x22, [x0, #144]
  stp x23, x24, [x0, #160]
  stp x25, x26, [x0, #176]
  stp x27, x28, [x0, #192]
  stp x29, x30, [x0, #208]
  sub x0, x0, #512
  stp q0, q1, [x0, #0]
  stp q2, q3, [x0, #32]
  stp q4, q5, [x0, #64]
  stp q6, q7, [x0, #96]
  stp q8, q9, [x0, #128]
  stp q10, q11, [x0, #160]
  stp q12, q13, [x0, #192]
  stp q14, q15, [x0, #224]
  stp q16, q17, [x0, #256]
  stp q18, q19, [x0, #288]
  stp q20, q21, [x0, #320]
  stp q22, q23, [x0, #352]
  stp q24, q25, [x0, #384]
  stp q26, q27, [x0, #416]
  stp q28, q29, [x0, #448]
  stp q30, q31, [x0, #480]
  ldp x19, x20, [sp, #16]
  ldp x21, x22, [sp, #32]
  ldp x23, x24, [sp, #48]
  ldp x25, x26, [sp, #64]
  ldp x27, x28, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x29, x30, [sp], #160
  ret
)");
constexpr int kVectorWords = 64, kIntegerWords = 28;
#else
asm(R"(
  .text
  .globl spin_registers
spin_registers:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  movdqu 0(%rdi), %xmm0
  movdqu 16(%rdi), %xmm1
  movdqu 32(%rdi), %xmm2
  movdqu 48(%rdi), %xmm3
  movdqu 64(%rdi), %xmm4
  movdqu 80(%rdi), %xmm5
  movdqu 96(%rdi), %xmm6
  movdqu 112(%rdi), %xmm7
  movdqu 128(%rdi), %xmm8
  movdqu 144(%rdi), %xmm9
  movdqu 160(%rdi), %xmm10
  movdqu 176(%rdi), %xmm11
  movdqu 192(%rdi), %xmm12
  movdqu 208(%rdi), %xmm13
  movdqu 224(%rdi), %xmm14
  movdqu 240(%rdi), %xmm15
  mov 512(%rdi), %rax
  mov 520(%rdi), %rbx
  mov 528(%rdi), %rcx
  mov 536(%rdi), %rdx
  mov 544(%rdi), %rbp
  mov 552(%rdi), %r8
  mov 560(%rdi), %r9
  mov 568(%rdi), %r10
  mov 576(%rdi), %r11
  mov 584(%rdi), %r12
  mov 592(%rdi), %r13
  mov 600(%rdi), %r14
  mov 608(%rdi), %r15
1:
  dec %rsi
  jnz 1b
  mov %rax, 512(%rdi)
  mov %rbx, 520(%rdi)
  mov %rcx, 528(%rdi)
  mov %rdx, 536(%rdi)
  mov %rbp, 544(%rdi)
  mov %r8, 552(%rdi)
  mov %r9, 560(%rdi)
  mov %r10, 568(%rdi)
  mov %r11, 576(%rdi)
  mov %r12, 584(%rdi)
  mov %r13, 592(%rdi)
  mov %r14, 600(%rdi)
  mov %r15, 608(%rdi)
  movdqu %xmm0, 0(%rdi)
  movdqu %xmm1, 16(%rdi)
  movdqu %xmm2, 32(%rdi)
  movdqu %xmm3, 48(%rdi)
  movdqu %xmm4, 64(%rdi)
  movdqu %xmm5, 80(%rdi)
  movdqu %xmm6, 96(%rdi)
  movdqu %xmm7, 112(%rdi)
  movdqu %xmm8, 128(%rdi)
  movdqu %xmm9, 144(%rdi)
  movdqu %xmm10, 160(%rdi)
  movdqu %xmm11, 176(%rdi)
  movdqu %xmm12, 192(%rdi)
  movdqu %xmm13, 208(%rdi)
  movdqu %xmm14, 224(%rdi)
  movdqu %xmm15, 240(%rdi)
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
)");
constexpr int kVectorWords = 32, kIntegerWords = 13;
#endif

namespace {

uint64_t pattern(uint64_t seed, int index) {
  return (seed + 1) * 0x9e3779b97f4a7c15 ^ static_cast<uint64_t>(index) << 17;
}

/// Registers that changed while a thread spun.
int spoiled(uint64_t seed, uint64_t rounds) {
  Registers registers = {};
  for (int i = 0; i < kVectorWords; ++i) registers.vector[i] = pattern(seed, i);
  for (int i = 0; i < kIntegerWords; ++i) registers.integer[i] = pattern(seed, 100 + i);
  spin_registers(&registers, rounds);
  int count = 0;
  for (int i = 0; i < kVectorWords; ++i) count += registers.vector[i] != pattern(seed, i);
  for (int i = 0; i < kIntegerWords; ++i) count += registers.integer[i] != pattern(seed, 100 + i);
  return count;
}

TEST("threads that interrupt each other keep their registers") {
  constexpr int kThreads = 5;
  int bad[kThreads] = {};
  auto work = [&](int self) {
    for (int i = 0; i < 20; ++i) bad[self] += spoiled(static_cast<uint64_t>(self * 100 + i), 100000);
  };
  Running a("a", [&] { work(0); }), b("b", [&] { work(1); }), c("c", [&] { work(2); }), d("d", [&] { work(3); });
  work(4);
  a.join(), b.join(), c.join(), d.join();
  for (int each : bad) expect_eq(each, 0);
}

/// The rounding mode: 0 to nearest, and three others, in the order of the architecture.
void set_rounding(uint32_t mode) {
#if defined(__aarch64__)
  const uint64_t fpcr = uint64_t{mode} << 22;
  asm volatile("msr fpcr, %0" ::"r"(fpcr));
#else
  const uint32_t mxcsr = 0x1f80 | mode << 13;
  asm volatile("ldmxcsr %0" ::"m"(mxcsr));
#endif
}

uint32_t rounding() {
#if defined(__aarch64__)
  uint64_t fpcr;
  asm volatile("mrs %0, fpcr" : "=r"(fpcr));
  return static_cast<uint32_t>(fpcr >> 22 & 3);
#else
  uint32_t mxcsr;
  asm volatile("stmxcsr %0" : "=m"(mxcsr));
  return mxcsr >> 13 & 3;
#endif
}

TEST("each thread rounds in its own way, across calls and switches") {
  bool kept[4] = {};
  auto work = [&](uint32_t mode) {
    expect_eq(rounding(), 0);  // A thread begins by rounding to nearest.
    set_rounding(mode);
    bool same = true;
    for (int i = 0; i < 20; ++i) {
      zx_nanosleep(i % 2 == 0 ? 0 : zx_deadline_after(100 * kMicrosecond));
      same = same && rounding() == mode;
    }
    kept[mode] = same;
    set_rounding(0);
  };
  Running a("a", [&] { work(1); }), b("b", [&] { work(2); }), c("c", [&] { work(3); });
  a.join(), b.join(), c.join();
  for (int mode = 1; mode < 4; ++mode) expect(kept[mode]);
}

/// Sets the thread pointer, as C libraries do at a thread's start, and reads it back.
void set_thread_pointer(zx_handle_t thread, uint64_t value) {
#if defined(__aarch64__)
  (void)thread;
  asm volatile("msr tpidr_el0, %0" ::"r"(value));
#else
  expect_ok(zx_object_set_property(thread, ZX_PROP_REGISTER_FS, &value, sizeof value));
#endif
}

uint64_t at_thread_pointer() {
  uint64_t value;
#if defined(__aarch64__)
  uint64_t pointer;
  asm volatile("mrs %0, tpidr_el0" : "=r"(pointer));
  value = *reinterpret_cast<uint64_t*>(pointer);
#else
  asm volatile("mov %%fs:0, %0" : "=r"(value));
#endif
  return value;
}

TEST("each thread has a thread pointer of its own") {
  uint64_t blocks[3] = {111, 222, 333};
  bool kept[3] = {true, true, true};
  zx_handle_t handles[3];
  Handle ready;
  require_ok(zx_event_create(0, ready.out()));
  auto work = [&](int self) {
    zx_object_wait_one(ready, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr);
    set_thread_pointer(handles[self], reinterpret_cast<uint64_t>(&blocks[self]));
    for (int i = 0; i < 20; ++i) {
      zx_nanosleep(i % 2 == 0 ? 0 : zx_deadline_after(100 * kMicrosecond));
      kept[self] = kept[self] && at_thread_pointer() == blocks[self];
    }
  };
  Running a("a", [&] { work(0); }), b("b", [&] { work(1); }), c("c", [&] { work(2); });
  handles[0] = a.handle(), handles[1] = b.handle(), handles[2] = c.handle();
  zx_object_signal(ready, 0, ZX_EVENT_SIGNALED);
  a.join(), b.join(), c.join();
  for (bool each : kept) expect(each);
}

#if defined(__x86_64__)
TEST("FS and GS are set apart, and only by their own thread") {
  uint64_t words[2] = {5, 6};
  uint64_t base = reinterpret_cast<uint64_t>(&words[0]);
  expect_ok(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_FS, &base, sizeof base));
  base = reinterpret_cast<uint64_t>(&words[1]);
  expect_ok(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_GS, &base, sizeof base));
  uint64_t fs, gs;
  asm volatile("mov %%fs:0, %0; mov %%gs:0, %1" : "=r"(fs), "=r"(gs));
  expect_eq(fs, 5);
  expect_eq(gs, 6);
  Running other("other", [] { zx_nanosleep(zx_deadline_after(kMillisecond)); });
  expect_status(zx_object_set_property(other.handle(), ZX_PROP_REGISTER_FS, &base, sizeof base), ZX_ERR_ACCESS_DENIED);
  base = 0x8000'0000'0000;  // Not canonical.
  expect_status(zx_object_set_property(zx_thread_self(), ZX_PROP_REGISTER_FS, &base, sizeof base), ZX_ERR_INVALID_ARGS);
}
#endif

template <class To, class From>
To bits(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To out;
  memcpy(&out, &value, sizeof out);
  return out;
}

/// Keeps the compiler from computing what the processor shall.
template <class T>
T opaque(T value) {
  volatile T hidden = value;
  return hidden;
}

TEST("doubles are IEEE 754's, bit for bit") {
  expect_eq(bits<uint64_t>(opaque(1.0) / opaque(3.0)), 0x3fd5555555555555);
  expect_eq(bits<uint64_t>(opaque(0.1) + opaque(0.2)), 0x3fd3333333333334);
  expect_eq(bits<uint64_t>(__builtin_sqrt(opaque(2.0))), 0x3ff6a09e667f3bcd);
  expect_eq(bits<uint64_t>(opaque(1e308) * opaque(10.0)), 0x7ff0000000000000);                   // infinity
  expect_eq(bits<uint64_t>(opaque(5e-324) / opaque(2.0)), 0);                                    // below the smallest
  expect_eq(bits<uint64_t>(opaque(2.2250738585072014e-308) / opaque(4.0)), 0x0004000000000000);  // subnormal
  expect_eq(bits<uint64_t>(opaque(0.0) * opaque(-1.0)), 0x8000000000000000);
  const double nan = opaque(0.0) / opaque(0.0);
  expect(nan != nan);
  expect_eq(bits<uint64_t>(nan) & 0x7fffffffffffffff, 0x7ff8000000000000);
}

TEST("floats are IEEE 754's, and conversions round as they should") {
  expect_eq(bits<uint32_t>(opaque(1.0f) / opaque(3.0f)), 0x3eaaaaab);
  expect_eq(bits<uint32_t>(static_cast<float>(opaque(0.1))), 0x3dcccccd);
  expect_eq(static_cast<int64_t>(opaque(-2.7)), -2);
  expect_eq(static_cast<int32_t>(opaque(2147483647.0)), 2147483647);
  expect_eq(bits<uint64_t>(static_cast<double>(opaque(uint64_t{0xffffffffffffffff}))), 0x43f0000000000000);
}

TEST("the rounding mode rounds") {
  set_rounding(3);  // Towards zero on both architectures.
  const double tenths = opaque(opaque(0.1) + opaque(0.2));
  set_rounding(0);
  expect_eq(bits<uint64_t>(tenths), 0x3fd3333333333333);
}

typedef uint32_t Four __attribute__((vector_size(16)));

TEST("vectors of four add and multiply lane by lane") {
  Four a = {1, 2, 3, 0xffffffff}, b = {10, 20, 30, 2};
  for (int i = 0; i < 4; ++i) a[i] = opaque(a[i]);
  const Four sum = a + b, product = a * b;
  const uint32_t sums[] = {11, 22, 33, 1}, products[] = {10, 40, 90, 0xfffffffe};
  for (int i = 0; i < 4; ++i) {
    expect_eq(sum[i], sums[i]);
    expect_eq(product[i], products[i]);
  }
}

}  // namespace
