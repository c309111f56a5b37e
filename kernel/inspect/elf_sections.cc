#include "kernel/inspect/elf_sections.h"

#include <elf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

namespace jacinth::kernel {
namespace {

/// More symbols than this no image has that lies in memory.
constexpr uint64_t kMaxSymbols = 1 << 20;
/// DW_EH_PE_pcrel | DW_EH_PE_sdata4: how every linker writes where .eh_frame begins.
constexpr uint8_t kRelativeInt = 0x1b;

class Restorer {
 public:
  explicit Restorer(std::vector<std::byte>& file) : file_(file) {}

  void restore() {
    auto header = at<Elf64_Ehdr>(0);
    uint64_t size = uint64_t{header.e_shnum} * sizeof(Elf64_Shdr);
    if (file_.size() < sizeof header) return;
    if (header.e_shnum != 0 && header.e_shoff <= file_.size() && size <= file_.size() - header.e_shoff) return;
    for (uint64_t i = 0; i < header.e_phnum; ++i)
      segments_.push_back(at<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr)));
    size_t loaded = file_.size();
    add("", {});
    for (const Elf64_Phdr& segment : segments_)
      if (segment.p_type == PT_LOAD && segment.p_offset <= loaded && segment.p_filesz <= loaded - segment.p_offset)
        add((segment.p_flags & PF_X) != 0 ? ".text" : ".data",
            {.sh_type = SHT_PROGBITS,
             .sh_flags = SHF_ALLOC | ((segment.p_flags & PF_X) != 0 ? Elf64_Xword{SHF_EXECINSTR} : 0) |
                         ((segment.p_flags & PF_W) != 0 ? Elf64_Xword{SHF_WRITE} : 0),
             .sh_addr = segment.p_vaddr,
             .sh_offset = segment.p_offset,
             .sh_size = segment.p_filesz,
             .sh_addralign = 1});
    add_frames();
    add_symbols();
    finish(header);
  }

 private:
  template <class T>
  T at(uint64_t offset) const {
    T value = {};
    if (offset < file_.size() && file_.size() - offset >= sizeof value)
      std::memcpy(&value, file_.data() + offset, sizeof value);
    return value;
  }
  std::optional<uint64_t> offset_of(uint64_t address) const {
    for (const Elf64_Phdr& segment : segments_)
      if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
        uint64_t offset = segment.p_offset + (address - segment.p_vaddr);
        return offset < file_.size() ? std::optional(offset) : std::nullopt;
      }
    return std::nullopt;
  }
  const Elf64_Phdr* segment(uint32_t type) const {
    auto found = std::ranges::find(segments_, type, &Elf64_Phdr::p_type);
    return found == segments_.end() ? nullptr : &*found;
  }
  void add(std::string_view name, Elf64_Shdr section) {
    section.sh_name = static_cast<Elf64_Word>(names_.size());
    names_ += name;
    names_ += '\0';
    sections_.push_back(section);
  }
  uint64_t append(const void* from, size_t size) {
    file_.resize((file_.size() + 7) & ~size_t{7});
    uint64_t offset = file_.size();
    auto* bytes = static_cast<const std::byte*>(from);
    file_.insert(file_.end(), bytes, bytes + size);
    return offset;
  }

  /// The frame rules end with a length of zero, or with the segment.
  void add_frames() {
    const Elf64_Phdr* header = segment(PT_GNU_EH_FRAME);
    if (header == nullptr || at<uint8_t>(header->p_offset + 1) != kRelativeInt) return;
    uint64_t address = header->p_vaddr + 4 + static_cast<uint64_t>(int64_t{at<int32_t>(header->p_offset + 4)});
    std::optional<uint64_t> begin = offset_of(address);
    if (!begin) return;
    uint64_t end = *begin;
    for (uint64_t length = at<uint32_t>(end); length != 0 && length + 4 <= file_.size() - end;
         length = at<uint32_t>(end))
      end += 4 + length;
    add(".eh_frame", {.sh_type = SHT_PROGBITS,
                      .sh_flags = SHF_ALLOC,
                      .sh_addr = address,
                      .sh_offset = *begin,
                      .sh_size = end - *begin,
                      .sh_addralign = 8});
  }

  uint64_t dynamic(int64_t tag) const {
    const Elf64_Phdr* table = segment(PT_DYNAMIC);
    if (table == nullptr) return 0;
    for (uint64_t done = 0; done < table->p_filesz && done < file_.size(); done += sizeof(Elf64_Dyn)) {
      auto entry = at<Elf64_Dyn>(table->p_offset + done);
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == tag) return entry.d_un.d_val;
    }
    return 0;
  }

  /// The hash tables are the only ones who know how many there are.
  uint64_t symbol_count() const {
    if (std::optional<uint64_t> hash = offset_of(dynamic(DT_HASH))) return at<uint32_t>(*hash + 4);
    std::optional<uint64_t> hash = offset_of(dynamic(DT_GNU_HASH));
    if (!hash) return 0;
    uint64_t buckets = at<uint32_t>(*hash);
    uint64_t first = at<uint32_t>(*hash + 4);
    uint64_t table = *hash + 16 + uint64_t{at<uint32_t>(*hash + 8)} * 8;
    uint64_t last = 0;
    for (uint64_t i = 0; i < std::min(buckets, kMaxSymbols); ++i)
      last = std::max<uint64_t>(last, at<uint32_t>(table + i * 4));
    if (last < first) return first;
    while (last < kMaxSymbols && (at<uint32_t>(table + (buckets + last - first) * 4) & 1) == 0) ++last;
    return last + 1;
  }

  void add_symbols() {
    std::optional<uint64_t> table = offset_of(dynamic(DT_SYMTAB));
    std::optional<uint64_t> strings = offset_of(dynamic(DT_STRTAB));
    uint64_t strings_size = dynamic(DT_STRSZ);
    if (!table || !strings || strings_size > file_.size() - *strings) return;
    // Copies, since they name the sections that they lie in by numbers of before.
    std::vector<Elf64_Sym> symbols(1);
    uint64_t count = std::min(symbol_count(), kMaxSymbols);
    for (uint64_t i = 1; i < count; ++i) {
      auto symbol = at<Elf64_Sym>(*table + i * sizeof(Elf64_Sym));
      auto holds = [&](const Elf64_Shdr& section) {
        return section.sh_type == SHT_PROGBITS && symbol.st_value >= section.sh_addr &&
               symbol.st_value - section.sh_addr < section.sh_size;
      };
      auto section = std::ranges::find_if(sections_, holds);
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= strings_size || section == sections_.end()) continue;
      symbol.st_shndx = static_cast<Elf64_Section>(section - sections_.begin());
      symbols.push_back(symbol);
    }
    std::vector<std::byte> text(file_.begin() + static_cast<std::ptrdiff_t>(*strings),
                                file_.begin() + static_cast<std::ptrdiff_t>(*strings + strings_size));
    auto names_at = static_cast<Elf64_Word>(sections_.size() + 1);
    uint64_t size = symbols.size() * sizeof(Elf64_Sym);
    add(".symtab", {.sh_type = SHT_SYMTAB,
                    .sh_offset = append(symbols.data(), size),
                    .sh_size = size,
                    .sh_link = names_at,
                    .sh_info = 1,
                    .sh_addralign = 8,
                    .sh_entsize = sizeof(Elf64_Sym)});
    add(".strtab", {.sh_type = SHT_STRTAB,
                    .sh_offset = append(text.data(), text.size()),
                    .sh_size = text.size(),
                    .sh_addralign = 1});
  }

  void finish(Elf64_Ehdr header) {
    add(".shstrtab", {.sh_type = SHT_STRTAB, .sh_addralign = 1});
    sections_.back().sh_offset = append(names_.data(), names_.size());
    sections_.back().sh_size = names_.size();
    header.e_shoff = append(sections_.data(), sections_.size() * sizeof(Elf64_Shdr));
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<Elf64_Half>(sections_.size());
    header.e_shstrndx = static_cast<Elf64_Half>(sections_.size() - 1);
    std::memcpy(file_.data(), &header, sizeof header);
  }

  std::vector<std::byte>& file_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
  std::string names_;
};

}  // namespace

void restore_sections(std::vector<std::byte>& file) { Restorer(file).restore(); }

}  // namespace jacinth::kernel
