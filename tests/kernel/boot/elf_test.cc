// ELF headers: what is accepted, and what every refusal says.
#include "kernel/boot/elf.h"

#include <functional>
#include <random>

#include "tests/support/elf_builder.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

TEST_CASE("a good ELF file is taken as it is", "[elf]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    auto elf = parse_elf(good_elf(arch).build());
    REQUIRE(elf.has_value());
    REQUIRE(elf->arch == arch);
    REQUIRE(elf->position_independent);
    REQUIRE(elf->entry == 0x1000);
    REQUIRE(elf->segments.size() == 3);
    REQUIRE(elf->segments[1].permissions == PagePermissions{.read = true, .execute = true});
    REQUIRE(elf->segments[2].address == 0x3010);
    REQUIRE(elf->segments[2].file_size == 0x800);
    REQUIRE(elf->segments[2].memory_size == 0x5000);
    REQUIRE(elf->low() == 0);
    REQUIRE(elf->span() == 0x9000);
    REQUIRE(elf->stack_size == 0x20000);
    REQUIRE_FALSE(elf->interpreter.has_value());
  }
}

TEST_CASE("an interpreter is named", "[elf]") {
  ElfBuilder builder = good_elf();
  builder.phdrs.push_back({.p_type = PT_INTERP, .p_offset = 0x1800, .p_filesz = 9});
  std::vector<std::byte> file = builder.build();
  std::memcpy(file.data() + 0x1800, "ld.so.1", 8);
  REQUIRE(parse_elf(file)->interpreter == "ld.so.1");
}

TEST_CASE("an empty segment is no segment", "[elf]") {
  ElfBuilder builder = good_elf();
  builder.load(0x2000, PF_R, 0);
  REQUIRE(parse_elf(builder.build())->segments.size() == 3);
}

struct Refusal {
  const char* says;
  std::function<void(ElfBuilder&)> change;
};

TEST_CASE("every refusal names what is wrong", "[elf]") {
  const Refusal refusals[] = {
      {"magic number", [](ElfBuilder& b) { b.ehdr.e_ident[1] = 'X'; }},
      {"class 1", [](ElfBuilder& b) { b.ehdr.e_ident[EI_CLASS] = ELFCLASS32; }},
      {"data encoding 2", [](ElfBuilder& b) { b.ehdr.e_ident[EI_DATA] = ELFDATA2MSB; }},
      {"version 7", [](ElfBuilder& b) { b.ehdr.e_ident[EI_VERSION] = 7; }},
      {"machine 243", [](ElfBuilder& b) { b.ehdr.e_machine = EM_RISCV; }},
      {"type 1", [](ElfBuilder& b) { b.ehdr.e_type = ET_REL; }},
      {"type 4", [](ElfBuilder& b) { b.ehdr.e_type = ET_CORE; }},
      {"32 bytes", [](ElfBuilder& b) { b.ehdr.e_phentsize = 32; }},
      {"no program headers", [](ElfBuilder& b) { b.phdrs.clear(); }},
      {"can count", [](ElfBuilder& b) { b.ehdr.e_phnum = PN_XNUM; }},
      {"65534 program headers", [](ElfBuilder& b) { b.ehdr.e_phnum = PN_XNUM - 1; }},
      {"end past the file", [](ElfBuilder& b) { b.ehdr.e_phoff = 0xffff'ffff'ffff'fff0; }},
      {"do not fit its", [](ElfBuilder& b) { b.phdrs[1].p_filesz = 0x1001; }},
      {"end past the file", [](ElfBuilder& b) { b.phdrs[1].p_offset = 0x100000; }},
      {"end past the file", [](ElfBuilder& b) { b.phdrs[1].p_offset = ~uint64_t{0xfff}; }},
      {"do not fit the address space", [](ElfBuilder& b) { b.phdrs[2].p_memsz = uint64_t{1} << 63; }},
      {"do not fit the address space", [](ElfBuilder& b) { b.phdrs[2].p_vaddr = ~uint64_t{0}; }},
      {"differ modulo the page size", [](ElfBuilder& b) { b.phdrs[1].p_vaddr += 8; }},
      {"not a power of two", [](ElfBuilder& b) { b.phdrs[1].p_align = 0x1800; }},
      {"overlap", [](ElfBuilder& b) { b.phdrs[2].p_vaddr = 0x1010; }},
      {"overlap", [](ElfBuilder& b) { std::swap(b.phdrs[0], b.phdrs[2]); }},
      {"nothing to load",
       [](ElfBuilder& b) {
         b.phdrs.resize(1);
         b.phdrs[0].p_type = PT_NOTE;
       }},
      {"interpreter's name",
       [](ElfBuilder& b) { b.phdrs[3] = {.p_type = PT_INTERP, .p_offset = 1 << 20, .p_filesz = 9}; }},
      {"interpreter's name",
       [](ElfBuilder& b) { b.phdrs[3] = {.p_type = PT_INTERP, .p_offset = 0x1000, .p_filesz = 0}; }},
  };
  for (const Refusal& refusal : refusals) {
    ElfBuilder builder = good_elf();
    refusal.change(builder);
    auto elf = parse_elf(builder.build());
    INFO(refusal.says);
    REQUIRE_FALSE(elf.has_value());
    REQUIRE_THAT(elf.error(), Catch::Contains(refusal.says));
    REQUIRE(elf.error().find('\n') == std::string::npos);
  }
}

TEST_CASE("a file cut anywhere is refused or whole", "[elf]") {
  std::vector<std::byte> file = good_elf().build();
  for (size_t size = 0; size < 0x400; ++size) {
    INFO("cut at " << size);
    REQUIRE_FALSE(parse_elf(std::span(file).first(size)).has_value());
  }
}

TEST_CASE("20 000 mutations of a good file never trip the parser", "[elf][fuzz]") {
  const uint32_t seed = 20'240'601;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::byte> good = good_elf().build();
  const size_t heads = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
  size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> file = good;
    for (unsigned changes = random() % 4 + 1; changes > 0; --changes) {
      size_t where = random() % heads;
      switch (random() % 4) {
        case 0: file[where] = static_cast<std::byte>(random()); break;
        case 1: file[where] ^= static_cast<std::byte>(1u << random() % 8); break;
        case 2: file[where] = std::byte{0xff}; break;
        default: file.resize(random() % file.size() + heads); break;
      }
      if (file.size() < heads) file.resize(heads);
    }
    auto elf = parse_elf(file);
    if (!elf) {
      REQUIRE_FALSE(elf.error().empty());
      continue;
    }
    ++accepted;
    // What is accepted holds what it promises.
    REQUIRE_FALSE(elf->segments.empty());
    uint64_t end = 0;
    for (const ElfSegment& segment : elf->segments) {
      REQUIRE(segment.first_page() >= end);
      end = segment.end_page();
      REQUIRE(segment.file_size <= segment.memory_size);
      REQUIRE(segment.offset + segment.file_size <= file.size());
    }
  }
  REQUIRE(accepted > 1000);
  REQUIRE(accepted < 19'000);
}

}  // namespace
}  // namespace jacinth::kernel
