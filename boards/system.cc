#include "boards/system.h"

#include <fmt/format.h>

#include <array>

#include "boards/virt_arm64.h"
#include "boards/virt_x86_64.h"
#include "emu/base/check.h"

namespace jacinth::boards {
namespace {

constexpr std::array<const Board*, 2> kBoards = {&kVirtArm64, &kVirtX86_64};

/// Below this a kernel has no room for one process.
constexpr uint64_t kMinRam = uint64_t{4} << 20;

emu::MachineOptions machine_options(const Board& board, const SystemOptions& options) {
  return {.arch = board.arch,
          .cpus = options.cpus,
          .ram_base = board.ram_base,
          .ram_size = options.ram != 0 ? options.ram : board.default_ram,
          .stepping = options.stepping,
          .blocks = options.blocks};
}

}  // namespace

std::span<const Board* const> boards() { return kBoards; }

const Board* find_board(std::string_view name) {
  for (const Board* board : kBoards) {
    if (board->name == name) return board;
  }
  return nullptr;
}

const Board& default_board(Arch arch) { return arch == Arch::kArm64 ? kVirtArm64 : kVirtX86_64; }

std::string unfit(const Board& board, const SystemOptions& options) {
  if (options.cpus == 0 || options.cpus > board.max_cpus)
    return fmt::format("{} has 1 to {} CPUs, not {}", board.name, board.max_cpus, options.cpus);
  uint64_t ram = options.ram != 0 ? options.ram : board.default_ram;
  if (ram < kMinRam || ram > board.max_ram || ram % kPageSize != 0)
    return fmt::format("{} has {} MiB to {} GiB of RAM in whole pages, not {} bytes", board.name, kMinRam >> 20,
                       board.max_ram >> 30, ram);
  return {};
}

System::System(const Board& board, const SystemOptions& options)
    : board_(board),
      machine_(machine_options(board, options)),
      platform_(machine_, options.seed, options.console),
      kernel_(platform_, options.kernel),
      services_(kernel_, options.host) {
  CHECK(unfit(board, options).empty());
  platform_.attach(kernel_);
}

void System::state(Archive& ar) {
  // RAM first: the kernel adopts the page tables that stand in it.
  machine_.state(ar);
  kernel_.state(ar);
}

void System::state_without_memory(Archive& ar) {
  machine_.state_without_memory(ar);
  kernel_.state(ar);
}

Digest System::digest() {
  Hasher hasher;
  state(hasher);
  return hasher.digest();
}

Digest System::digest_without_memory() {
  Hasher hasher;
  state_without_memory(hasher);
  return hasher.digest();
}

}  // namespace jacinth::boards
