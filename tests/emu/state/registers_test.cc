// The registers of a thread as plain data.
#include "emu/state/registers.h"

#include <cstring>
#include <set>

#include "emu/state/archive.h"
#include "tests/support/test.h"

namespace jacinth {
namespace {

static_assert(Plain<Registers>);

TEST_CASE("every byte of the registers counts in the digest and survives saving") {
  Registers registers;
  std::set<Digest> digests = {digest_of(registers)};
  for (size_t i = 0; i < sizeof registers; ++i) {
    registers = {};
    reinterpret_cast<unsigned char*>(&registers)[i] = 1;
    REQUIRE(digests.insert(digest_of(registers)).second);

    Writer saved;
    saved(registers);
    Registers loaded;
    Reader reader(saved.data());
    reader(loaded);
    REQUIRE(reader.at_end());
    REQUIRE(loaded == registers);
  }
}

TEST_CASE("each architecture keeps its stack pointer in its own place") {
  Registers registers;
  stack_pointer(Arch::kArm64, registers) = 1;
  stack_pointer(Arch::kX86_64, registers) = 2;
  REQUIRE(registers.sp == 1);
  REQUIRE(registers.gpr[4] == 2);  // RSP in the encoding of instructions.
  result_register(registers) = 3;
  REQUIRE(registers.gpr[0] == 3);
}

}  // namespace
}  // namespace jacinth
