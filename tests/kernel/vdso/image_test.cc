// The vDSO's images, read as a program loader and a dynamic linker would: from their bytes alone.
#include "kernel/vdso/image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/abi/status.h"
#include "tests/support/source_root.h"
#include "tests/support/test.h"

using namespace jacinth;
using namespace jacinth::kernel;

namespace {

const Arch kBoth[] = {Arch::kArm64, Arch::kX86_64};

template <class T>
T read_at(const VdsoImage& image, uint64_t offset) {
  T value;
  REQUIRE(offset + sizeof value <= image.elf.size());
  std::memcpy(&value, image.elf.data() + offset, sizeof value);
  return value;
}

/// The image as a dynamic linker sees it: file offsets are addresses.
struct Library {
  explicit Library(Arch arch) : image(vdso_image(arch)), header(read_at<Elf64_Ehdr>(image, 0)) {
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      segments.push_back(read_at<Elf64_Phdr>(image, header.e_phoff + i * sizeof(Elf64_Phdr)));
    }
    for (const Elf64_Phdr& segment : segments) {
      if (segment.p_type != PT_DYNAMIC) continue;
      for (uint64_t at = segment.p_offset;; at += sizeof(Elf64_Dyn)) {
        auto entry = read_at<Elf64_Dyn>(image, at);
        if (entry.d_tag == DT_NULL) break;
        dynamic[entry.d_tag] = entry.d_un.d_val;
      }
    }
  }

  std::string text(uint64_t offset) const { return reinterpret_cast<const char*>(image.elf.data() + offset); }

  std::vector<Elf64_Phdr> loads() const {
    std::vector<Elf64_Phdr> out;
    std::ranges::copy_if(segments, std::back_inserter(out), [](auto& s) { return s.p_type == PT_LOAD; });
    return out;
  }

  /// A symbol by its name, the way of DT_GNU_HASH: filter, bucket, chain.
  std::optional<Elf64_Sym> find(const std::string& name) const {
    uint32_t hash = 5381;
    for (char c : name) hash = hash * 33 + static_cast<unsigned char>(c);

    const uint64_t table = dynamic.at(DT_GNU_HASH);
    auto buckets = read_at<uint32_t>(image, table), first = read_at<uint32_t>(image, table + 4);
    auto filter_words = read_at<uint32_t>(image, table + 8), shift = read_at<uint32_t>(image, table + 12);
    const uint64_t filter = table + 16, bucket = filter + 8 * filter_words, chain = bucket + 4 * buckets;

    auto word = read_at<uint64_t>(image, filter + 8 * ((hash / 64) % filter_words));
    if ((word >> (hash % 64) & 1) == 0 || (word >> ((hash >> shift) % 64) & 1) == 0) return std::nullopt;
    for (auto index = read_at<uint32_t>(image, bucket + 4 * (hash % buckets)); index >= first; ++index) {
      auto entry = read_at<uint32_t>(image, chain + 4 * (index - first));
      auto symbol = read_at<Elf64_Sym>(image, dynamic.at(DT_SYMTAB) + index * sizeof(Elf64_Sym));
      if ((entry | 1) == (hash | 1) && text(dynamic.at(DT_STRTAB) + symbol.st_name) == name) return symbol;
      if ((entry & 1) != 0) break;
    }
    return std::nullopt;
  }

  const VdsoImage& image;
  Elf64_Ehdr header;
  std::vector<Elf64_Phdr> segments;
  std::map<int64_t, uint64_t> dynamic;
};

struct Call {
  std::string name;
  std::optional<unsigned> number;
  bool internal;
};

/// The rows of the table of calls and of the July 2020 list beside it.
std::vector<Call> calls() {
  std::vector<Call> out;
  for (const char* path : {"kernel/abi/data/syscalls.json", "kernel/abi/data/legacy_syscalls.json"}) {
    std::ifstream file(source_path(path));
    for (const auto& row : nlohmann::json::parse(file)) {
      const auto& attributes = row["attributes"];
      out.push_back({.name = row["name"],
                     .number = row["number"].is_null() ? std::nullopt : std::optional<unsigned>(row["number"]),
                     .internal = std::ranges::find(attributes, "internal") != attributes.end()});
    }
  }
  return out;
}

TEST_CASE("the vDSO is a shared library for its architecture named libzircon.so") {
  for (Arch arch : kBoth) {
    Library vdso(arch);
    REQUIRE(std::memcmp(vdso.header.e_ident, ELFMAG, SELFMAG) == 0);
    REQUIRE(vdso.header.e_type == ET_DYN);
    REQUIRE(vdso.header.e_machine == (arch == Arch::kArm64 ? EM_AARCH64 : EM_X86_64));
    REQUIRE(vdso.text(vdso.dynamic.at(DT_STRTAB) + vdso.dynamic.at(DT_SONAME)) == "libzircon.so");
    REQUIRE(std::ranges::count(vdso.segments, PT_NOTE, &Elf64_Phdr::p_type) == 1);  // the build ID
  }
}

TEST_CASE("the vDSO is one read-only and one executable segment on pages of their own, nothing writable") {
  for (Arch arch : kBoth) {
    Library vdso(arch);
    auto loads = vdso.loads();
    REQUIRE(loads.size() == 2);
    REQUIRE(loads[0].p_flags == PF_R);
    REQUIRE(loads[1].p_flags == (PF_R | PF_X));
    for (const Elf64_Phdr& load : loads) {
      REQUIRE(load.p_offset == load.p_vaddr);
      REQUIRE(load.p_vaddr % kPageSize == 0);
      REQUIRE(load.p_filesz == load.p_memsz);
    }
    REQUIRE(round_up_to_page(loads[0].p_memsz) <= loads[1].p_vaddr);

    REQUIRE(vdso.image.code_offset == loads[1].p_offset);
    REQUIRE(vdso.image.code_size == round_up_to_page(loads[1].p_memsz));
    REQUIRE(vdso.image.elf.size() == vdso.image.code_offset + vdso.image.code_size);
    REQUIRE(vdso.image.elf.size() == vdso.image.pages() * kPageSize);
  }
}

TEST_CASE("the vDSO needs no relocation, no other library, no initialisation and no symbol version") {
  for (Arch arch : kBoth) {
    Library vdso(arch);
    for (int tag : {DT_REL, DT_RELA, DT_JMPREL, DT_NEEDED, DT_INIT, DT_INIT_ARRAY, DT_VERSYM, DT_VERDEF, DT_TEXTREL,
                    36 /* DT_RELR */}) {
      INFO(arch_name(arch) << " tag " << tag);
      REQUIRE(vdso.dynamic.count(tag) == 0);
    }
  }
}

TEST_CASE("each public call is exported strong with and weak without its underscore, found by its GNU hash") {
  for (Arch arch : kBoth) {
    Library vdso(arch);
    for (const Call& call : calls()) {
      INFO(arch_name(arch) << " " << call.name);
      auto strong = vdso.find("_" + call.name), weak = vdso.find(call.name);
      REQUIRE(strong.has_value() == !call.internal);
      REQUIRE(weak.has_value() == !call.internal);
      if (call.internal) continue;

      REQUIRE(ELF64_ST_BIND(strong->st_info) == STB_GLOBAL);
      REQUIRE(ELF64_ST_BIND(weak->st_info) == STB_WEAK);
      REQUIRE(ELF64_ST_TYPE(weak->st_info) == STT_FUNC);
      REQUIRE(strong->st_value == weak->st_value);
      REQUIRE(strong->st_size > 0);
      REQUIRE(strong->st_value >= vdso.image.code_offset);
      REQUIRE(strong->st_value + strong->st_size <= vdso.image.code_offset + vdso.image.code_size);
    }
    REQUIRE_FALSE(vdso.find("zx_no_such_call"));
    REQUIRE_FALSE(vdso.find(""));
  }
}

TEST_CASE("both architectures export the same calls, those of July 2020 among them") {
  for (const char* name : {"zx_clock_get", "zx_clock_adjust", "zx_exception_get_string", "zx_interrupt_bind_vcpu",
                           "zx_socket_shutdown", "zx_status_get_string", "zx_system_get_version", "zx_vcpu_resume",
                           "zx_futex_wake_handle_close_thread_exit", "zx_vmar_unmap_handle_close_thread_exit"}) {
    for (Arch arch : kBoth) {
      INFO(arch_name(arch) << " " << name);
      REQUIRE(Library(arch).find(name));
    }
  }
}

TEST_CASE("each number has its return sites, each behind a trap instruction that loads that number") {
  for (Arch arch : kBoth) {
    Library vdso(arch);
    std::set<unsigned> with_site;
    for (const ReturnSite& site : vdso.image.return_sites) {
      INFO(arch_name(arch) << " number " << site.number << " at " << site.offset);
      with_site.insert(site.number);
      REQUIRE(site.offset > vdso.image.code_offset);
      REQUIRE(site.offset < vdso.image.elf.size());
      if (arch == Arch::kArm64) {
        REQUIRE(read_at<uint32_t>(vdso.image, site.offset - 4) == 0xd4000001);  // svc #0
        REQUIRE(read_at<uint32_t>(vdso.image, site.offset - 8) ==
                (0xd2800010 | uint32_t{site.number} << 5));  // mov x16
      } else {
        REQUIRE(read_at<uint16_t>(vdso.image, site.offset - 2) == 0x050f);  // syscall
        REQUIRE(read_at<uint32_t>(vdso.image, site.offset - 6) == site.number);
        REQUIRE(read_at<uint8_t>(vdso.image, site.offset - 7) == 0xb8);  // mov eax
      }
    }
    for (const Call& call : calls()) {
      INFO(arch_name(arch) << " " << call.name);
      if (call.number) REQUIRE(with_site.count(*call.number) == 1);
    }
    REQUIRE(std::ranges::is_sorted(vdso.image.return_sites, std::less_equal<>{}, &ReturnSite::offset));
  }
}

TEST_CASE("no trap instruction hides in the code without being a return site") {
  // arm64 instructions are aligned, so every one can be looked at.
  const VdsoImage& image = vdso_image(Arch::kArm64);
  size_t traps = 0;
  for (uint64_t at = image.code_offset; at < image.elf.size(); at += 4) {
    if ((read_at<uint32_t>(image, at) & 0xffe0001f) == 0xd4000001) ++traps;
  }
  REQUIRE(traps == image.return_sites.size());
}

TEST_CASE("a trap is accepted at its own return site with its own number only") {
  for (Arch arch : kBoth) {
    const VdsoImage& image = vdso_image(arch);
    for (size_t i = 0; i < image.return_sites.size(); ++i) {
      const ReturnSite& site = image.return_sites[i];
      REQUIRE(image.accepts(site.offset, site.number));
      REQUIRE_FALSE(image.accepts(site.offset, site.number + 1u));
      REQUIRE_FALSE(image.accepts(site.offset + 1, site.number));
      REQUIRE_FALSE(image.accepts(site.offset - 1, site.number));
    }
    REQUIRE_FALSE(image.accepts(~uint64_t{0}, 0));
    REQUIRE_FALSE(image.accepts(0, 0));
  }
}

TEST_CASE("the constants block waits for the kernel, all zero, in the read-only segment") {
  for (Arch arch : kBoth) {
    const VdsoImage& image = vdso_image(arch);
    REQUIRE(image.constants_offset % 8 == 0);
    REQUIRE(image.constants_offset + sizeof(VdsoConstants) <= image.code_offset);
    for (size_t i = 0; i < sizeof(VdsoConstants); ++i) {
      REQUIRE(read_at<uint8_t>(image, image.constants_offset + i) == 0);
    }
  }
}

TEST_CASE("the vDSO names each status as the kernel does") {
  for (Arch arch : kBoth) {
    const VdsoImage& image = vdso_image(arch);
    std::string_view bytes(reinterpret_cast<const char*>(image.elf.data()), image.elf.size());
    int names = 0;
    for (int32_t value = 0; value >= -1000; --value) {
      std::string_view name = abi::status_name(static_cast<abi::Status>(value));
      if (name.empty()) continue;
      std::string row(reinterpret_cast<const char*>(&value), sizeof value);
      row += name;
      row.push_back('\0');
      INFO(arch_name(arch) << " " << name);
      REQUIRE(bytes.find(row) != std::string_view::npos);
      ++names;
    }
    REQUIRE(names > 40);
  }
}

}  // namespace
