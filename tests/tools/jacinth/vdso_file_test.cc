// What a file that is given for a vDSO is taken for, whoever made it.
#include "tools/jacinth/vdso_file.h"

#include <algorithm>
#include <cstring>

#include "kernel/abi/syscall_info.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::cli {
namespace {

/// Our own image with a block of constants as that of July 2020 in place of ours: it makes our numbers.
std::vector<std::byte> own_image(Arch arch) {
  const kernel::VdsoImage& image = kernel::vdso_image(arch);
  std::vector<std::byte> file(image.elf.begin(), image.elf.end());
  constexpr uint32_t kWord = kernel::VdsoConstantsOf2020::kUnfilled;
  for (size_t at = 0; at < sizeof(kernel::VdsoConstantsOf2020); at += sizeof kWord)
    std::memcpy(file.data() + image.constants_offset + at, &kWord, sizeof kWord);
  return file;
}

}  // namespace

TEST_CASE("a vDSO's calls are found in its code, each with all places where it traps") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    const kernel::VdsoImage& own = kernel::vdso_image(arch);
    auto read = read_vdso(arch, own_image(arch));
    INFO((read ? "" : read.error()));
    REQUIRE(read);
    const kernel::VdsoImage& image = (*read)->image;
    REQUIRE(image.code_offset == own.code_offset);
    REQUIRE(image.code_size == own.code_size);
    REQUIRE(image.constants_offset == own.constants_offset);
    REQUIRE((*read)->unknown.empty());
    // Ours knows them from the labels that its assembler sources have.
    REQUIRE(image.return_sites.size() == own.return_sites.size());
    for (size_t i = 0; i < own.return_sites.size(); ++i) {
      REQUIRE(image.return_sites[i].offset == own.return_sites[i].offset);
      REQUIRE(image.return_sites[i].number == own.return_sites[i].number);
      INFO(own.return_sites[i].number);
      REQUIRE(image.return_sites[i].call == own.return_sites[i].call);
    }
  }
}

TEST_CASE("a vDSO whose calls are endless is refused soon") {
  std::vector<std::byte> file = own_image(Arch::kArm64);
  const kernel::VdsoImage& own = kernel::vdso_image(Arch::kArm64);
  // Nothing but NOP, to the end of a segment as large as one may be.
  constexpr uint32_t kNop = 0xd503201f;
  constexpr uint64_t kSize = 3 << 20;
  file.resize(own.code_offset + kSize);
  for (uint64_t at = own.code_offset; at < file.size(); at += sizeof kNop)
    std::memcpy(file.data() + at, &kNop, sizeof kNop);
  for (uint64_t header = 64; header < 64 + 10 * 56; header += 56) {
    uint32_t type_and_flags[2];
    std::memcpy(type_and_flags, file.data() + header, sizeof type_and_flags);
    if (type_and_flags[0] != 1 || type_and_flags[1] != 5) continue;
    std::memcpy(file.data() + header + 32, &kSize, sizeof kSize);
    std::memcpy(file.data() + header + 40, &kSize, sizeof kSize);
  }
  auto read = read_vdso(Arch::kArm64, file);
  REQUIRE_FALSE(read);
  REQUIRE(read.error() == "it is no vDSO: its calls have far more code than those of one");
}

TEST_CASE("what damage makes of a vDSO is read or refused, and what is read lies within it") {
  test::Random random(0x7d50);
  size_t refused = 0;
  constexpr int kRounds = 600;
  for (int round = 0; round < kRounds; ++round) {
    Arch arch = random.below(2) == 0 ? Arch::kArm64 : Arch::kX86_64;
    std::vector<std::byte> file = own_image(arch);
    // Mostly where the structure is.
    uint64_t reach = random.below(3) == 0 ? file.size() : 0x400;
    for (uint64_t i = 0, count = 1 + random.below(8); i < count; ++i)
      file[random.below(reach)] = static_cast<std::byte>(random.below(256));
    if (random.below(4) == 0) file.resize(random.below(file.size()));
    auto read = read_vdso(arch, file);
    if (!read) {
      ++refused;
      REQUIRE_FALSE(read.error().empty());
      REQUIRE(read.error().find('\n') == std::string::npos);
      continue;
    }
    const kernel::VdsoImage& image = (*read)->image;
    REQUIRE(image.elf.size() % kPageSize == 0);
    REQUIRE(image.code_offset + image.code_size == image.elf.size());
    REQUIRE(image.constants_offset + sizeof(kernel::VdsoConstantsOf2020) <= image.code_offset);
    REQUIRE(std::ranges::is_sorted(image.return_sites, std::less_equal<>{}, &kernel::ReturnSite::offset));
    for (const kernel::ReturnSite& site : image.return_sites) {
      REQUIRE(site.offset > image.code_offset);
      REQUIRE(site.offset < image.elf.size());
    }
  }
  REQUIRE(refused > kRounds / 10);
  REQUIRE(refused < kRounds);
}

}  // namespace jacinth::cli
