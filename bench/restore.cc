// Takes a machine back to a checkpoint, over and over: what the debugger's steps backwards stand on.
//
//   restore GUEST PAGES ROUNDS [kept]
//
// The guest runs for 100 us of virtual time, then each round writes to PAGES pages of RAM and goes back to where it
// was. With `kept`, it only copies what was on these pages, as the first write to each does: the rest is going back.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "boards/system.h"
#include "emu/debug/history.h"
#include "kernel/boot/boot.h"
#include "kernel/boot/elf.h"

namespace {

using namespace jacinth;

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int restore(const char* path, uint64_t pages, uint64_t rounds, bool only_kept) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> file((std::istreambuf_iterator<char>(in)), {});
  std::span<const std::byte> elf = std::as_bytes(std::span(file));
  auto arch = kernel::elf_arch(elf);
  if (!arch) return 1;
  boards::System system(boards::default_board(*arch), {});
  if (!kernel::boot(system.kernel(), {.elf = elf, .name = "guest", .arguments = {"guest"}})) return 1;
  system.run({.time = Time{100'000}});

  // At the end of RAM, which the kernel has no use for yet: those with something of its own are more, not others.
  emu::PhysicalMemory& memory = system.machine().memory();
  std::vector<PhysAddr> chosen;
  for (uint64_t i = 1; i <= pages; ++i) {
    chosen.push_back(memory.base() + (memory.page_count() - i) * kPageSize);
    *memory.writable(chosen.back()) = std::byte{0x5a};
  }

  if (only_kept) {
    std::vector<std::byte> kept(pages * kPageSize);
    for (uint64_t round = 0; round < rounds; ++round) {
      for (uint64_t i = 0; i < pages; ++i) {
        std::memcpy(kept.data() + i * kPageSize, memory.data(chosen[i]), kPageSize);
        *memory.writable(chosen[i]) = std::byte(round);
      }
    }
    return 0;
  }

  emu::History history(system, size_t{1} << 30);
  history.keep();
  std::string before = system.digest().text();
  for (uint64_t round = 0; round < rounds; ++round) {
    for (PhysAddr page : chosen) *memory.writable(page) = std::byte{0xa5};
    history.rewind(0);
  }
  return system.digest().text() == before ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fputs("usage: restore GUEST PAGES ROUNDS [kept]\n", stderr);
    return 2;
  }
  return restore(argv[1], number(argv[2]), number(argv[3]), argc == 5);
}
