#include "kernel/boot/load_elf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "kernel/object/core.h"

namespace jacinth::kernel {
namespace {

using abi::VmOptions;

/// Alignments beyond what a mapping can ask for are met only so far; nobody has seen such a program.
constexpr unsigned kMaxAlignLog2 = abi::kVmAlignMaxLog2;

VmOptions permissions(const ElfSegment& segment) {
  VmOptions options = VmOptions::kNone;
  // The processor cannot write or execute what it cannot read; the real loader asks for reading as well.
  if (segment.permissions.read || segment.permissions.write || segment.permissions.execute) {
    options |= VmOptions::kPermRead;
  }
  if (segment.permissions.write) options |= VmOptions::kPermWrite;
  if (segment.permissions.execute) options |= VmOptions::kPermExecute;
  return options;
}

class Loader {
 public:
  Loader(AddressRegion& region, uint64_t bias, const Ref<Vmo>& file, std::string_view name)
      : region_(region), bias_(bias), file_(file), name_(name) {}

  Status load(const ElfSegment& segment) {
    uint64_t first = segment.first_page();
    uint64_t end = segment.end_page();
    bool zero_filled = segment.memory_size > segment.file_size;
    // Without zero fill, the last page shows what the file has there.
    uint64_t file_end = segment.address + segment.file_size;
    uint64_t from_file = zero_filled ? round_down_to_page(file_end) : round_up_to_page(file_end);
    if (segment.file_size == 0) from_file = first;
    from_file = std::max(from_file, first);

    if (from_file > first) TRY_STATUS(map_file(segment, from_file - first));
    if (from_file == end) return Status::kOk;
    Ref<Vmo> zeros = TRY(Vmo::create(region_.core(), end - from_file));
    static_cast<void>(zeros->set_name("bss:" + std::string(name_)));
    if (segment.file_size > 0 && file_end > from_file) {
      uint64_t begin = std::max(segment.address, from_file);
      TRY_STATUS(copy(segment.offset + (begin - segment.address), *zeros, begin - from_file, file_end - begin));
    }
    return map(from_file, zeros, 0, end - from_file, permissions(segment), VmOptions::kCanMapWrite);
  }

 private:
  Status map_file(const ElfSegment& segment, uint64_t length) {
    uint64_t offset = round_down_to_page(segment.offset);
    if (!segment.permissions.write) {
      return map(segment.first_page(), file_, offset, length, permissions(segment), VmOptions::kCanMapExecute);
    }
    Ref<Vmo> data = TRY(file_->create_child(abi::VmoChildOptions::kSnapshotAtLeastOnWrite, offset, length, false));
    static_cast<void>(data->set_name("data:" + std::string(name_)));
    return map(segment.first_page(), data, 0, length, permissions(segment), VmOptions::kCanMapWrite);
  }

  Status map(uint64_t page, const Ref<Vmo>& vmo, uint64_t offset, uint64_t length, VmOptions permissions,
             VmOptions allowed) {
    Result<GuestAddr> at = region_.map(
        {.offset = GuestAddr(page + bias_) - region_.base(),
         .vmo = vmo,
         .vmo_offset = offset,
         .length = length,
         .options = permissions | allowed | VmOptions::kCanMapRead | VmOptions::kSpecific | VmOptions::kAllowFaults});
    return at.status();
  }

  Status copy(uint64_t offset, Vmo& to, uint64_t to_offset, uint64_t length) {
    std::array<std::byte, kPageSize> bytes;  // Never more than the part of one page.
    std::span<std::byte> part = std::span(bytes).first(length);
    TRY_STATUS(file_->read(offset, part));
    return to.write(to_offset, part);
  }

  AddressRegion& region_;
  uint64_t bias_;
  const Ref<Vmo>& file_;
  std::string_view name_;
};

}  // namespace

std::expected<LoadedElf, std::string> load_elf(AddressSpace& space, const ElfFile& elf, const Ref<Vmo>& file,
                                               std::string_view name) {
  auto bad = [](std::string line) { return std::unexpected(std::move(line)); };
  AddressRegion& root = *space.root();
  VmOptions options = VmOptions::kCanMapMask | VmOptions::kCanMapSpecific;
  uint64_t offset = 0;
  if (elf.position_independent) {
    unsigned log2 = static_cast<unsigned>(std::bit_width(elf.alignment)) - 1;
    log2 = std::min(log2, kMaxAlignLog2);
    options |= static_cast<VmOptions>(log2 << abi::kVmAlignShift);
  } else {
    GuestAddr low(elf.low());
    if (low < root.base() || elf.span() > root.size() || low - root.base() > root.size() - elf.span()) {
      return bad(fmt::format("its addresses {:#x} to {:#x} are not all in user space, which is {:#x} to {:#x}",
                             low.value, low.value + elf.span(), root.base().value, root.end().value));
    }
    offset = low - root.base();
    options |= VmOptions::kSpecific;
  }
  Result<Ref<AddressRegion>> region = root.allocate(offset, elf.span(), options);
  if (!region) {
    return bad(
        fmt::format("no place for {:#x} bytes of address space ({})", elf.span(), abi::status_name(region.status())));
  }

  LoadedElf loaded{.region = *region};
  uint64_t bias = loaded.region->base().value - elf.low();
  Loader loader(*loaded.region, bias, file, name);
  for (const ElfSegment& segment : elf.segments) {
    Status status = loader.load(segment);
    if (status != Status::kOk) {
      return bad(fmt::format("the segment at {:#x} ({:#x} bytes) cannot be mapped: {}", segment.address,
                             segment.memory_size, abi::status_name(status)));
    }
  }
  loaded.entry = GuestAddr(elf.entry + bias);
  return loaded;
}

}  // namespace jacinth::kernel
