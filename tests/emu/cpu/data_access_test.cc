// Which memory an instruction touches, and whether it reads or writes.
#include "emu/cpu/data_access.h"

#include <cstring>
#include <initializer_list>

#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

constexpr uint64_t kBase = 0x1'0000;

struct Expected {
  uint64_t address = kBase;
  uint64_t size = 8;
  bool read = false;
  bool write = false;
};

Registers registers() {
  Registers r;
  r.pc = 0x40'0000;
  r.gpr[1] = kBase;
  r.gpr[2] = 0x10;
  r.sp = kBase;
  r.gpr[kRdi] = kBase;
  r.gpr[kRsi] = kBase + 0x100;
  r.gpr[kRsp] = kBase + 0x200;
  return r;
}

void require_one(const std::vector<DataAccess>& found, const Expected& wanted) {
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].address == wanted.address);
  REQUIRE(found[0].size == wanted.size);
  REQUIRE(found[0].read == wanted.read);
  REQUIRE(found[0].write == wanted.write);
}

std::vector<DataAccess> arm64(uint32_t word) {
  uint8_t bytes[4];
  std::memcpy(bytes, &word, 4);
  return data_accesses(Arch::kArm64, bytes, registers());
}

std::vector<DataAccess> x86(std::initializer_list<uint8_t> code) {
  std::vector<uint8_t> bytes(code);
  return data_accesses(Arch::kX86_64, bytes, registers());
}

}  // namespace

TEST_CASE("arm64 loads read, stores write, atomics do both") {
  const struct {
    const char* text;
    uint32_t word;
    Expected access;
  } kCases[] = {
      {"ldr x0, [x1]", 0xf9400020, {.read = true}},
      {"str x0, [x1]", 0xf9000020, {.write = true}},
      {"strb w0, [x1, #3]", 0x39000c20, {.address = kBase + 3, .size = 1, .write = true}},
      {"ldrsw x0, [x1, #4]", 0xb9800420, {.address = kBase + 4, .size = 4, .read = true}},
      {"str x0, [x1], #8", 0xf8008420, {.write = true}},
      {"ldr x0, [x1, #-8]!", 0xf85f8c20, {.address = kBase - 8, .read = true}},
      {"str x0, [x1, x2]", 0xf8226820, {.address = kBase + 0x10, .write = true}},
      {"stp x0, x3, [x1, #16]", 0xa9010c20, {.address = kBase + 16, .size = 16, .write = true}},
      {"ldp x0, x3, [x1]", 0xa9400c20, {.size = 16, .read = true}},
      {"str q0, [x1]", 0x3d800020, {.size = 16, .write = true}},
      {"ldr d0, [x1]", 0xfd400020, {.read = true}},
      {"ldxr x0, [x1]", 0xc85f7c20, {.read = true}},
      {"stxr w3, x0, [x1]", 0xc8037c20, {.write = true}},
      {"ldar x0, [x1]", 0xc8dffc20, {.read = true}},
      {"stlr x0, [x1]", 0xc89ffc20, {.write = true}},
      {"cas x0, x3, [x1]", 0xc8a07c23, {.read = true, .write = true}},
      {"casp x4, x5, x6, x7, [x1]", 0x48247c26, {.size = 16, .read = true, .write = true}},
      {"ldadd x0, x3, [x1]", 0xf8200023, {.read = true, .write = true}},
      {"swp x0, x3, [x1]", 0xf8208023, {.read = true, .write = true}},
      {"st1 {v0.16b}, [x1]", 0x4c007020, {.size = 64, .write = true}},
      {"ldr x0, pc + 8", 0x58000040, {.address = 0x40'0008, .read = true}},
      {"dc zva, x1", 0xd50b7421, {.size = 64, .write = true}},
  };
  for (const auto& c : kCases) {
    CAPTURE(c.text);
    require_one(arm64(c.word), c.access);
  }
  for (uint32_t quiet : {0xd503201fu, 0x91000421u, 0xf9800020u /* prfm */, 0xd4000001u, 0xd61f0020u}) {
    CAPTURE(quiet);
    REQUIRE(arm64(quiet).empty());
  }
}

TEST_CASE("x86-64 operands are read, written or both, the stack's among them") {
  require_one(x86({0x48, 0x8b, 0x07}), {.read = true});                             // mov rax, [rdi]
  require_one(x86({0x48, 0x89, 0x07}), {.write = true});                            // mov [rdi], rax
  require_one(x86({0x48, 0x01, 0x07}), {.read = true, .write = true});              // add [rdi], rax
  require_one(x86({0xf0, 0x48, 0x0f, 0xc1, 0x07}), {.read = true, .write = true});  // lock xadd [rdi], rax
  require_one(x86({0xc6, 0x47, 0x05, 0x01}), {.address = kBase + 5, .size = 1, .write = true});
  require_one(x86({0x0f, 0x29, 0x07}), {.size = 16, .write = true});    // movaps [rdi], xmm0
  require_one(x86({0x48, 0x3b, 0x07}), {.read = true});                 // cmp rax, [rdi]
  require_one(x86({0x50}), {.address = kBase + 0x1f8, .write = true});  // push rax
  require_one(x86({0x58}), {.address = kBase + 0x200, .read = true});   // pop rax
  require_one(x86({0xc3}), {.address = kBase + 0x200, .read = true});   // ret
  REQUIRE(x86({0x48, 0x8d, 0x07}).empty());                             // lea rax, [rdi]
  REQUIRE(x86({0x90}).empty());

  std::vector<DataAccess> moved = x86({0xf3, 0x48, 0xa5});  // rep movsq
  bool reads = false, writes = false;
  for (const DataAccess& access : moved) {
    reads |= access.read && access.touches(kBase + 0x100, 8);
    writes |= access.write && access.touches(kBase, 8);
  }
  REQUIRE(reads);
  REQUIRE(writes);
}

TEST_CASE("accesses touch ranges by the byte, also at the end of memory") {
  DataAccess access{.address = 8, .size = 8};
  REQUIRE(access.touches(15, 1));
  REQUIRE(access.touches(8, 1));
  REQUIRE(access.touches(0, 9));
  REQUIRE_FALSE(access.touches(16, 8));
  REQUIRE_FALSE(access.touches(0, 8));
  DataAccess last{.address = ~uint64_t{7}, .size = 8};
  REQUIRE(last.touches(~uint64_t{0}, 1));
  REQUIRE_FALSE(last.touches(0, 8));
}

}  // namespace jacinth::emu
