#include "emu/debug/symbols.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "emu/debug/expression.h"

namespace jacinth::emu {
namespace {

/// Files larger than this are no programs of guests; reading one would take the host's memory.
constexpr off_t kMaxFileSize = off_t{1} << 30;
/// Labels without a size that one function has at most.
constexpr int kMaxLabels = 64;
/// Scopes nest this deep at most in a backtrace.
constexpr int kMaxInlined = 64;

std::string demangle(const char* name) {
  if (name[0] != '_' || name[1] != 'Z') return name;
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text(::abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 && text ? std::string(text.get()) : std::string(name);
}

/// Compilers write paths as they were called: "./build/../guests/lib/start.c" is "guests/lib/start.c".
std::string plain_path(const char* path) { return std::filesystem::path(path).lexically_normal().string(); }

std::string die_name(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  for (unsigned at : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name}) {
    const char* text = dwarf_formstring(dwarf_attr_integrate(die, at, &attribute));
    if (text != nullptr) return demangle(text);
  }
  return {};
}

std::expected<std::vector<char>, std::string> read_file(const std::string& path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::unexpected(std::strerror(errno));
  std::vector<char> bytes;
  struct stat info = {};
  std::string error;
  if (fstat(file, &info) != 0) {
    error = std::strerror(errno);
  } else if (!S_ISREG(info.st_mode)) {
    error = "not a file";
  } else if (info.st_size > kMaxFileSize) {
    error = "too large";
  } else {
    bytes.resize(static_cast<size_t>(info.st_size));
    size_t done = 0;
    while (done < bytes.size()) {
      ssize_t got = ::read(file, bytes.data() + done, bytes.size() - done);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        error = got < 0 ? std::strerror(errno) : "it became shorter while it was read";
        break;
      }
      done += static_cast<size_t>(got);
    }
  }
  close(file);
  if (!error.empty()) return std::unexpected(error);
  return bytes;
}

}  // namespace

/// What libelf and libdw hold open.
struct SymbolFile::DebugInfo {
  Elf* elf = nullptr;
  ::Dwarf* info = nullptr;
  Dwarf_CFI* exception_frames = nullptr;

  DebugInfo() = default;
  DebugInfo(const DebugInfo&) = delete;
  DebugInfo& operator=(const DebugInfo&) = delete;
  ~DebugInfo() {
    if (exception_frames != nullptr) dwarf_cfi_end(exception_frames);
    if (info != nullptr) dwarf_end(info);
    if (elf != nullptr) elf_end(elf);
  }

  /// The unit whose code covers `address`. Compilers need not write .debug_aranges, so all units are asked.
  bool unit_at(uint64_t address, Dwarf_Die* unit) const {
    Dwarf_CU* at = nullptr;
    Dwarf_Die split;
    uint8_t type = 0;
    while (dwarf_get_units(info, at, &at, nullptr, &type, unit, &split) == 0) {
      if (type == DW_UT_compile && dwarf_haspc(unit, address) > 0) return true;
    }
    return false;
  }
};

SymbolFile::SymbolFile(std::vector<char> image) : image_(std::move(image)), dwarf_(std::make_unique<DebugInfo>()) {}

SymbolFile::~SymbolFile() = default;

std::expected<std::unique_ptr<SymbolFile>, std::string> SymbolFile::open(const std::string& path) {
  auto bytes = read_file(path);
  if (!bytes) return std::unexpected(bytes.error());
  return from_bytes(std::move(*bytes));
}

std::expected<std::unique_ptr<SymbolFile>, std::string> SymbolFile::from_bytes(std::vector<char> image) {
  std::unique_ptr<SymbolFile> file(new SymbolFile(std::move(image)));
  if (!file->read()) return std::unexpected("not an ELF file");
  return file;
}

bool SymbolFile::read() {
  elf_version(EV_CURRENT);
  dwarf_->elf = elf_memory(image_.data(), image_.size());
  if (dwarf_->elf == nullptr || elf_kind(dwarf_->elf) != ELF_K_ELF) return false;
  GElf_Ehdr header;
  if (gelf_getehdr(dwarf_->elf, &header) == nullptr) return false;
  // The two machines that there are; anything else would be decoded by the wrong rules.
  if (header.e_machine != EM_AARCH64 && header.e_machine != EM_X86_64) return false;
  read_headers();
  read_functions();
  dwarf_->info = dwarf_begin_elf(dwarf_->elf, DWARF_C_READ, nullptr);
  dwarf_->exception_frames = dwarf_getcfi_elf(dwarf_->elf);
  return true;
}

void SymbolFile::read_headers() {
  size_t count = 0;
  if (elf_getphdrnum(dwarf_->elf, &count) != 0) return;
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(dwarf_->elf, static_cast<int>(i), &segment) == nullptr) return;
    if (segment.p_type == PT_LOAD) {
      // Loaders map whole pages.
      uint64_t before = segment.p_vaddr & kPageMask;
      segments_.push_back({segment.p_offset - before, segment.p_filesz + before, segment.p_vaddr - before});
    } else if (segment.p_type == PT_NOTE && build_id_.empty()) {
      Elf_Data* notes = elf_getdata_rawchunk(dwarf_->elf, static_cast<int64_t>(segment.p_offset), segment.p_filesz,
                                             segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
      GElf_Nhdr note;
      size_t name = 0;
      size_t content = 0;
      for (size_t at = 0; notes != nullptr && (at = gelf_getnote(notes, at, &note, &name, &content)) > 0;) {
        auto* bytes = static_cast<const std::byte*>(notes->d_buf);
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(bytes + name, "GNU", 4) == 0)
          build_id_.assign(bytes + content, bytes + content + note.n_descsz);
      }
    }
  }
}

void SymbolFile::read_functions() {
  // All symbols when the file has kept them, else those for dynamic linking.
  Elf_Scn* table = nullptr;
  GElf_Shdr header = {};
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(dwarf_->elf, section)) != nullptr;) {
    GElf_Shdr at;
    if (gelf_getshdr(section, &at) == nullptr) continue;
    if (at.sh_type == SHT_SYMTAB || (at.sh_type == SHT_DYNSYM && table == nullptr)) {
      table = section;
      header = at;
      if (at.sh_type == SHT_SYMTAB) break;
    }
  }
  if (table == nullptr || header.sh_entsize == 0) return;
  Elf_Data* data = elf_getdata(table, nullptr);
  if (data == nullptr) return;
  for (size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Sym symbol;
    if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
    unsigned type = GELF_ST_TYPE(symbol.st_info);
    if (symbol.st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_NOTYPE)) continue;
    const char* name = elf_strptr(dwarf_->elf, header.sh_link, symbol.st_name);
    // "$x" and "$d" mark where code and data begin (ELF for the Arm 64-bit Architecture, section 5.5).
    if (name == nullptr || name[0] == '\0' || name[0] == '$') continue;
    // Of names for one place, those that C reserves for the implementation come after the others of their kind: equal
    // functions are often made one, and a program that calls abort() should not be said to be in __stack_chk_fail.
    bool reserved = name[0] == '_' && name[1] == '_';
    auto rank = static_cast<uint8_t>((type == STT_FUNC ? 0 : 4) + (reserved ? 2 : 0) +
                                     (GELF_ST_BIND(symbol.st_info) == STB_GLOBAL ? 0 : 1));
    functions_.push_back({symbol.st_value, symbol.st_size, name, rank});
  }
  std::sort(functions_.begin(), functions_.end(), [](const Function& a, const Function& b) {
    return std::tie(a.begin, a.rank, a.name) < std::tie(b.begin, b.rank, b.name);
  });
  auto same_place = [](const Function& a, const Function& b) { return a.begin == b.begin; };
  for (size_t i = 1; i < functions_.size(); ++i)
    if (same_place(functions_[i - 1], functions_[i])) aliases_.push_back(functions_[i]);
  functions_.erase(std::unique(functions_.begin(), functions_.end(), same_place), functions_.end());
}

std::optional<FunctionAt> SymbolFile::function_at(uint64_t address) const {
  auto after = std::upper_bound(functions_.begin(), functions_.end(), address,
                                [](uint64_t at, const Function& function) { return at < function.begin; });
  if (after == functions_.begin()) return std::nullopt;
  // What was written in assembly often has no size: it reaches to the next symbol. Inside a function with a size it is
  // a mere label.
  auto found = std::prev(after);
  auto around = found;
  for (int labels = 0; around->size == 0 && around != functions_.begin() && labels < kMaxLabels; ++labels) --around;
  if (around->size > address - around->begin) found = around;
  const Function& function = *found;
  uint64_t offset = address - function.begin;
  if (function.size != 0 && offset >= function.size) return std::nullopt;
  return FunctionAt{demangle(function.name.c_str()), offset};
}

std::vector<SourceAt> SymbolFile::source_at(uint64_t address) const {
  std::vector<SourceAt> places;
  Dwarf_Die unit;
  if (dwarf_->info == nullptr || !dwarf_->unit_at(address, &unit)) return places;
  Dwarf_Line* line = dwarf_getsrc_die(&unit, address);
  if (line == nullptr) return places;
  SourceAt place;
  int number = 0;
  if (const char* file = dwarf_linesrc(line, nullptr, nullptr)) place.file = plain_path(file);
  if (dwarf_lineno(line, &number) == 0) place.line = static_cast<unsigned>(number);

  Dwarf_Die* found = nullptr;
  int count = dwarf_getscopes(&unit, address, &found);
  std::unique_ptr<Dwarf_Die[], void (*)(void*)> around(found, std::free);
  // From an inlined function this goes on with where it was written; its parents are where it was put.
  found = nullptr;
  if (count > 0) count = dwarf_getscopes_die(&around[0], &found);
  std::unique_ptr<Dwarf_Die[], void (*)(void*)> scopes(found, std::free);
  Dwarf_Files* files = nullptr;
  size_t file_count = 0;
  static_cast<void>(dwarf_getsrcfiles(&unit, &files, &file_count));
  for (int i = 0; i < std::min(count, kMaxInlined); ++i) {
    int tag = dwarf_tag(&scopes[i]);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    place.function = die_name(&scopes[i]);
    places.push_back(std::exchange(place, {}));
    if (tag == DW_TAG_subprogram) return places;
    // Go on with where it was inlined into.
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;
    if (dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_file, &attribute), &value) == 0 && value < file_count) {
      if (const char* file = dwarf_filesrc(files, value, nullptr, nullptr)) place.file = plain_path(file);
    }
    if (dwarf_formudata(dwarf_attr(&scopes[i], DW_AT_call_line, &attribute), &value) == 0)
      place.line = static_cast<unsigned>(value);
  }
  if (places.empty()) places.push_back(place);
  return places;
}

std::optional<uint64_t> SymbolFile::address_of(std::string_view name) const {
  for (const auto* functions : {&functions_, &aliases_})
    for (const Function& function : *functions)
      if (function.name == name || demangle(function.name.c_str()) == name) return function.begin;
  return std::nullopt;
}

std::optional<uint64_t> SymbolFile::address_of_offset(uint64_t offset) const {
  for (const Segment& segment : segments_)
    if (offset >= segment.offset && offset - segment.offset < segment.size)
      return segment.address + (offset - segment.offset);
  return std::nullopt;
}

std::pair<uint64_t, uint64_t> SymbolFile::extent() const {
  if (segments_.empty()) return {0, 0};
  std::pair<uint64_t, uint64_t> extent{~uint64_t{0}, 0};
  for (const Segment& segment : segments_) {
    extent.first = std::min(extent.first, segment.address);
    extent.second = std::max(extent.second, segment.address + segment.size);
  }
  return extent;
}

bool SymbolFile::unwind(Frame& frame, uint64_t bias, const ReadMemory& read) const {
  Dwarf_Frame* found = nullptr;
  uint64_t place = frame.place() - bias;
  bool known = dwarf_->exception_frames != nullptr && dwarf_cfi_addrframe(dwarf_->exception_frames, place, &found) == 0;
  if (!known && dwarf_->info != nullptr) {
    Dwarf_CFI* debug_frames = dwarf_getcfi(dwarf_->info);
    known = debug_frames != nullptr && dwarf_cfi_addrframe(debug_frames, place, &found) == 0;
  }
  if (!known) return false;
  std::unique_ptr<Dwarf_Frame, void (*)(void*)> rules(found, std::free);

  bool signal = false;
  int return_register = dwarf_frame_info(rules.get(), nullptr, nullptr, &signal);
  Dwarf_Op* ops = nullptr;
  size_t count = 0;
  if (return_register < 0 || dwarf_frame_cfa(rules.get(), &ops, &count) != 0 || count == 0) return false;
  ExpressionContext context{.frame = frame, .read = read, .cfa = 0};
  std::optional<uint64_t> cfa = evaluate({ops, count}, context);
  if (!cfa) return false;
  context.cfa = *cfa;

  Frame caller{.arch = frame.arch, .exact = signal};
  std::optional<uint64_t> return_address;
  auto recover = [&](int number, std::optional<uint64_t> same) -> std::optional<uint64_t> {
    Dwarf_Op buffer[3];
    if (dwarf_frame_register(rules.get(), number, buffer, &ops, &count) != 0) return std::nullopt;
    // No rule: whether the callee kept the register is a matter of the ABI.
    if (count == 0) return ops == nullptr || frame.callee_saved(static_cast<size_t>(number)) ? same : std::nullopt;
    return evaluate_location({ops, count}, context);
  };
  for (size_t i = 0; i < Frame::kRegisters; ++i) caller.registers[i] = recover(static_cast<int>(i), frame.registers[i]);
  caller.registers[frame.sp_number()] = *cfa;
  auto number = static_cast<size_t>(return_register);
  return_address = recover(return_register, number < Frame::kRegisters ? frame.registers[number] : std::nullopt);
  if (!return_address) return false;
  caller.pc = *return_address;
  frame = caller;
  return true;
}

}  // namespace jacinth::emu
