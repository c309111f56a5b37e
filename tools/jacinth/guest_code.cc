#include "tools/jacinth/guest_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "emu/cpu/disassembler.h"
#include "kernel/inspect/elf_sections.h"
#include "kernel/inspect/process_view.h"
#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/vdso/image.h"
#include "kernel/vm/address_space.h"

namespace jacinth::cli {
namespace {

/// Larger VMOs are no programs.
constexpr uint64_t kMaxProgram = uint64_t{256} << 20;
/// Instructions that are shown before and behind the one that matters.
constexpr size_t kBefore = 5;
constexpr size_t kAfter = 4;
constexpr uint64_t kMaxX86Instruction = 15;

Arch arch_of(kernel::Process& process) { return process.core().platform().arch(); }

/// The VMO's contents as they are, pages that nobody wrote as zeros; empty when it does not begin as an ELF file does.
std::vector<std::byte> elf_in(const kernel::Vmo& vmo) {
  std::vector<std::byte> bytes;
  if (vmo.is_physical() || vmo.size() == 0 || vmo.size() > kMaxProgram) return bytes;
  kernel::Platform& platform = vmo.core().platform();
  for (uint64_t page = 0; page < vmo.page_count(); ++page) {
    std::optional<kernel::PageView> view = vmo.pages()->peek(vmo.first_page() + page);
    if (page == 0) {
      constexpr std::array<char, 4> kMagic = {0x7f, 'E', 'L', 'F'};
      if (!view || std::memcmp(platform.data(view->address), kMagic.data(), kMagic.size()) != 0) return bytes;
      bytes.resize(vmo.size());
    }
    if (view) std::memcpy(bytes.data() + page * kPageSize, platform.data(view->address), kPageSize);
  }
  return bytes;
}

/// Dynamic linkers and the vDSO come without sections.
std::unique_ptr<emu::SymbolFile> read(std::vector<std::byte> bytes) {
  kernel::restore_sections(bytes);
  const auto* begin = reinterpret_cast<const char*>(bytes.data());
  auto file = emu::SymbolFile::from_bytes({begin, begin + bytes.size()});
  return file ? std::move(*file) : nullptr;
}

}  // namespace

const emu::SymbolFile& best_symbols(const emu::SymbolFile& file, const SymbolFiles& from_host) {
  for (const auto& other : from_host)
    if (!file.build_id().empty() && std::ranges::equal(file.build_id(), other->build_id())) return *other;
  return file;
}

const emu::SymbolFile* SymbolizedCode::vdso(const kernel::VdsoImage& image) {
  if (!vdso_) {
    vdso_ = read({image.elf.begin(), image.elf.end()});
  }
  return vdso_.get();
}

const emu::SymbolFile* SymbolizedCode::file_in(const kernel::Vmo& vmo) {
  auto [at, added] = files_.try_emplace(abi::raw(vmo.koid()));
  if (added) {
    std::vector<std::byte> bytes = elf_in(vmo);
    if (!bytes.empty()) at->second = read(std::move(bytes));
  }
  return at->second.get();
}

std::optional<emu::LoadedFile> SymbolizedCode::file_at(kernel::Process& process, GuestAddr address) {
  kernel::AddressSpace* space = process.space_at(address);
  kernel::Mapping* mapping = space != nullptr ? space->find_mapping(address) : nullptr;
  if (mapping == nullptr) return std::nullopt;
  GuestAddr vdso_base = process.vdso_base();
  const kernel::VdsoImage& image = process.core().vm().vdso_image();
  if (vdso_base.value != 0 && address >= vdso_base && address - vdso_base < image.elf.size()) {
    const emu::SymbolFile* file = vdso(image);
    if (file == nullptr) return std::nullopt;
    return emu::LoadedFile{file, vdso_base.value};
  }
  const emu::SymbolFile* file = file_in(mapping->vmo());
  if (file == nullptr) return std::nullopt;
  std::optional<uint64_t> own = file->address_of_offset(mapping->offset());
  if (!own) return std::nullopt;
  return emu::LoadedFile{file, mapping->base().value - *own};
}

std::optional<SymbolizedCode::Module> SymbolizedCode::module_at(kernel::Process& process, GuestAddr address) {
  std::optional<emu::LoadedFile> file = file_at(process, address);
  if (!file) return std::nullopt;
  Module module{.symbols = file->symbols, .bias = file->bias, .name = "[vdso]"};
  if (file->symbols == vdso_.get()) return module;
  const kernel::Vmo& vmo = process.space_at(address)->find_mapping(address)->vmo();
  module.name = vmo.name().empty() ? fmt::format("[vmo {}]", abi::raw(vmo.koid())) : std::string(vmo.name());
  return module;
}

std::vector<kernel::CodePlace> SymbolizedCode::places(kernel::Process& process, GuestAddr address) {
  std::vector<kernel::CodePlace> places;
  std::optional<emu::LoadedFile> file = file_at(process, address);
  if (!file) return places;
  uint64_t own = address.value - file->bias;
  const emu::SymbolFile& symbols = best_symbols(*file->symbols, from_host_);
  for (emu::SourceAt& source : symbols.source_at(own))
    places.push_back(
        {.function = std::move(source.function), .inlined = true, .file = std::move(source.file), .line = source.line});
  std::optional<emu::FunctionAt> function = symbols.function_at(own);
  if (places.empty() && function) places.emplace_back();
  if (!places.empty()) {
    places.back().inlined = false;
    if (function) {
      places.back().function = function->name;
      places.back().offset = function->offset;
    }
  }
  // A library's own functions have no names in it: better the library's than none.
  if (places.empty()) {
    std::string name = module_at(process, address)->name;
    places.push_back({.function = name.starts_with('[') ? name : fmt::format("<{}>", name), .offset = own});
  }
  return places;
}

std::vector<kernel::GuestCode::Frame> SymbolizedCode::backtrace(kernel::Thread& thread) {
  kernel::Process& process = thread.process();
  emu::FindFile find = [&](GuestAddr address) { return file_at(process, address); };
  emu::IsCode is_code = [&](GuestAddr address) {
    kernel::AddressSpace* space = process.space_at(address);
    kernel::Mapping* mapping = space != nullptr ? space->find_mapping(address) : nullptr;
    return mapping != nullptr && kernel::Mapping::page_permissions(mapping->permissions()).execute;
  };
  kernel::ProcessView view(process);
  emu::ReadMemory read = [&](GuestAddr from, std::span<std::byte> to) { return view.peek_all(from, to); };
  std::vector<Frame> frames;
  for (const emu::Frame& frame :
       emu::backtrace(emu::Frame::of(arch_of(process), thread.registers()), {find, is_code, read}))
    frames.push_back({GuestAddr(frame.pc), GuestAddr(frame.place())});
  return frames;
}

std::vector<kernel::GuestCode::Instruction> SymbolizedCode::instructions(kernel::Process& process, GuestAddr pc) {
  kernel::ProcessView view(process);
  Arch arch = arch_of(process);
  std::vector<Instruction> list;
  GuestAddr at = pc;
  if (arch == Arch::kArm64) {
    at = pc - std::min<uint64_t>(4 * kBefore, pc.value);
  } else if (std::optional<emu::LoadedFile> file = file_at(process, pc)) {
    // Going back is a matter of luck where instructions have all sizes: begin where the function does.
    std::optional<emu::FunctionAt> function =
        best_symbols(*file->symbols, from_host_).function_at(pc.value - file->bias);
    if (function && function->offset < kPageSize) at = pc - function->offset;
  }
  size_t after = 0;
  while (after < kAfter + 1) {
    std::array<std::byte, kMaxX86Instruction> bytes;
    size_t seen = view.peek(at, std::span(bytes).first(arch == Arch::kArm64 ? 4 : kMaxX86Instruction));
    if (seen == 0 || (arch == Arch::kArm64 && seen < 4)) {
      if (at >= pc) break;
      at += arch == Arch::kArm64 ? 4 : 1;
      continue;
    }
    emu::Instruction instruction = emu::disassemble(arch, {reinterpret_cast<const uint8_t*>(bytes.data()), seen}, at);
    list.push_back({at, instruction.text});
    if (at >= pc) ++after;
    uint64_t size = std::max<uint32_t>(instruction.size, 1);
    // Never step over the one that matters, should the start have been wrong.
    at = at < pc && at + size > pc ? pc : at + size;
  }
  auto here = std::ranges::find(list, pc, &Instruction::address);
  if (here != list.end() && static_cast<size_t>(here - list.begin()) > kBefore)
    list.erase(list.begin(), here - kBefore);
  return list;
}

}  // namespace jacinth::cli
