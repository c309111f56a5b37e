#include "tools/jacinth/vdso_file.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "emu/cpu/disassembler.h"
#include "kernel/abi/syscall_info.h"

namespace jacinth::cli {
namespace {

using Bytes = std::span<const std::byte>;
using kernel::GivenVdso;

/// More than this no vDSO has.
constexpr uint64_t kMostBytes = 4 << 20;
constexpr uint64_t kMostSymbols = 4096;
constexpr uint64_t kLongestName = 128;
constexpr uint64_t kMostNumbers = 0x4000;
/// A vDSO of July 2020 has some four thousand to follow.
constexpr uint64_t kMostInstructions = 1 << 18;

/// Exported calls that are made under other names, in the order in which their code makes them.
struct Steps {
  std::string_view name;
  std::array<std::string_view, 3> calls;
};
constexpr auto kSteps = std::to_array<Steps>({
    {"zx_channel_call", {"zx_channel_call_noretry", "zx_channel_call_finish"}},
    {"zx_channel_call_etc", {"zx_channel_call_etc_noretry", "zx_channel_call_etc_finish"}},
    {"zx_clock_get_monotonic", {"zx_clock_get_monotonic_via_kernel"}},
    {"zx_cprng_draw", {"zx_cprng_draw_once"}},
    {"zx_deadline_after", {"zx_clock_get_monotonic_via_kernel"}},
    {"zx_futex_wake_handle_close_thread_exit", {"zx_futex_wake", "zx_handle_close", "zx_thread_exit"}},
    {"zx_ticks_get", {"zx_ticks_get_via_kernel"}},
    {"zx_vcpu_resume", {"zx_vcpu_enter"}},
    {"zx_vmar_unmap_handle_close_thread_exit", {"zx_vmar_unmap", "zx_handle_close", "zx_thread_exit"}},
});

class VdsoReader {
 public:
  VdsoReader(Arch arch, Bytes file) : arch_(arch), file_(file) {}

  std::expected<std::shared_ptr<const GivenVdso>, std::string> read() {
    std::string problem = check_header();
    if (problem.empty()) problem = check_segments();
    if (problem.empty()) problem = find_constants();
    if (problem.empty()) problem = find_exports();
    if (problem.empty()) problem = find_calls();
    if (!problem.empty()) return std::unexpected(problem);
    return finish();
  }

 private:
  /// What is not in the file is zero.
  template <class T>
  T at(uint64_t offset) const {
    T value = {};
    if (offset < file_.size() && file_.size() - offset >= sizeof value)
      std::memcpy(&value, file_.data() + offset, sizeof value);
    return value;
  }

  std::string check_header() {
    header_ = at<Elf64_Ehdr>(0);
    constexpr std::array<unsigned char, 6> kIdent = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB};
    if (file_.size() < sizeof header_ || !std::equal(kIdent.begin(), kIdent.end(), header_.e_ident))
      return "it is no 64-bit ELF file";
    if (header_.e_machine != (arch_ == Arch::kArm64 ? EM_AARCH64 : EM_X86_64))
      return fmt::format("it is not for {}", arch_ == Arch::kArm64 ? "arm64" : "x86_64");
    if (header_.e_type != ET_DYN) return "it is no shared library";
    return {};
  }

  /// As kernels map it: one segment to read, and behind it one to execute.
  std::string check_segments() {
    std::vector<Elf64_Phdr> loads;
    for (uint64_t i = 0; i < header_.e_phnum; ++i) {
      auto segment = at<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr));
      if (segment.p_type == PT_LOAD) loads.push_back(segment);
      if (segment.p_type == PT_DYNAMIC) dynamic_ = segment;
    }
    auto whole = [this](const Elf64_Phdr& load) {
      return load.p_offset == load.p_vaddr && load.p_filesz == load.p_memsz && load.p_offset <= file_.size() &&
             load.p_filesz <= file_.size() - load.p_offset;
    };
    if (loads.size() != 2 || loads[0].p_flags != PF_R || loads[1].p_flags != (PF_R | PF_X))
      return "it is no vDSO, which has one segment to read and one to execute";
    const Elf64_Phdr& code = loads[1];
    if (!whole(loads[0]) || !whole(code)) return "it is cut off: its segments are not all in the file";
    if (loads[0].p_offset != 0 || code.p_offset % kPageSize != 0 || code.p_offset < loads[0].p_filesz ||
        code.p_filesz == 0 || code.p_offset + code.p_filesz > kMostBytes)
      return "it is no vDSO: its segments do not lie as those of one do";
    read_only_size_ = loads[0].p_filesz;
    code_offset_ = code.p_offset;
    code_end_ = code.p_offset + code.p_filesz;
    return {};
  }

  /// The one place where every word says that the kernel fills it in.
  std::string find_constants() {
    constexpr uint64_t kWords = sizeof(kernel::VdsoConstantsOf2020) / sizeof(uint32_t);
    uint64_t run = 0;
    size_t found = 0;
    for (uint64_t offset = 0; offset <= read_only_size_; offset += sizeof(uint32_t)) {
      bool unfilled = offset + sizeof(uint32_t) <= read_only_size_ &&
                      at<uint32_t>(offset) == kernel::VdsoConstantsOf2020::kUnfilled;
      if (unfilled) {
        ++run;
        continue;
      }
      if (run == kWords) {
        ++found;
        constants_ = offset - run * sizeof(uint32_t);
      }
      run = 0;
    }
    if (found == 1) return {};
    return fmt::format("it has {} for the kernel's constants of July 2020 ({} words of {:#x})",
                       found == 0 ? "no place" : "several places", kWords, kernel::VdsoConstantsOf2020::kUnfilled);
  }

  std::optional<uint64_t> dynamic(int64_t tag) const {
    for (uint64_t done = 0; done < std::min<uint64_t>(dynamic_.p_filesz, kPageSize); done += sizeof(Elf64_Dyn)) {
      auto entry = at<Elf64_Dyn>(dynamic_.p_offset + done);
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == tag && entry.d_un.d_val < read_only_size_) return entry.d_un.d_val;
    }
    return std::nullopt;
  }

  /// The hash table is the only one that knows.
  uint64_t symbol_count() const {
    if (std::optional<uint64_t> hash = dynamic(DT_HASH)) return at<uint32_t>(*hash + 4);
    std::optional<uint64_t> hash = dynamic(DT_GNU_HASH);
    if (!hash) return 0;
    uint64_t buckets = at<uint32_t>(*hash);
    uint64_t first = at<uint32_t>(*hash + 4);
    uint64_t table = *hash + 16 + uint64_t{at<uint32_t>(*hash + 8)} * 8;
    uint64_t last = 0;
    for (uint64_t i = 0; i < std::min(buckets, kMostSymbols); ++i)
      last = std::max<uint64_t>(last, at<uint32_t>(table + i * 4));
    if (last < first) return 0;
    while (last < kMostSymbols && (at<uint32_t>(table + (buckets + last - first) * 4) & 1) == 0) ++last;
    return last + 1;
  }

  /// Each call is there as `zx_x` and as `_zx_x`.
  std::string find_exports() {
    std::optional<uint64_t> symbols = dynamic(DT_SYMTAB);
    std::optional<uint64_t> strings = dynamic(DT_STRTAB);
    if (!symbols || !strings) return "it is no vDSO: it has no table of dynamic symbols";
    uint64_t count = std::min(symbol_count(), kMostSymbols);
    for (uint64_t i = 1; i < count; ++i) {
      auto symbol = at<Elf64_Sym>(*symbols + i * sizeof(Elf64_Sym));
      if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= read_only_size_ - *strings) continue;
      auto* text = reinterpret_cast<const char*>(file_.data() + *strings + symbol.st_name);
      uint64_t room = std::min(kLongestName, read_only_size_ - *strings - symbol.st_name);
      std::string name(text, strnlen(text, room));
      if (name.starts_with("_zx_")) name.erase(0, 1);
      bool plain = std::ranges::all_of(
          name, [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; });
      if (!name.starts_with("zx_") || name.size() == room || !plain) continue;
      if (symbol.st_value < code_offset_ || symbol.st_value >= code_end_)
        return fmt::format("it is no vDSO: {} lies outside of its code", name);
      exports_.emplace(name, symbol.st_value);
      entries_.insert(symbol.st_value);
    }
    if (exports_.empty()) return "it is no vDSO: it exports no call of Zircon";
    return {};
  }

  /// Traps in the order in which code that is followed from `entry` comes to them.
  std::vector<kernel::ReturnSite> traps_from(uint64_t entry) {
    struct Place {
      uint64_t address;
      std::optional<uint64_t> number;
    };
    std::vector<kernel::ReturnSite> traps;
    std::set<uint64_t> seen;
    std::vector<Place> places{{entry, std::nullopt}};
    while (!places.empty()) {
      Place place = places.back();
      places.pop_back();
      while (place.address >= code_offset_ && place.address < code_end_ && seen.insert(place.address).second &&
             followed_++ < kMostInstructions) {
        auto code = file_.subspan(place.address, std::min<uint64_t>(code_end_ - place.address, 16));
        emu::CallStep step =
            emu::call_step(arch_, {reinterpret_cast<const uint8_t*>(code.data()), code.size()}, place.address);
        using Kind = emu::CallStep::Kind;
        if (step.kind == Kind::kEnd) break;
        uint64_t next = place.address + step.size;
        if (step.kind == Kind::kNumber) place.number = step.value;
        if (step.kind == Kind::kTrap && place.number && *place.number < kMostNumbers)
          traps.push_back(
              {.offset = static_cast<uint32_t>(next), .number = static_cast<uint16_t>(*place.number), .call = 0});
        if (step.kind == Kind::kTrap && arch_ == Arch::kX86_64) place.number.reset();
        if (step.kind == Kind::kBranch) places.push_back({step.value, place.number});
        if (step.kind == Kind::kCall) {
          // First what is called.
          places.push_back({next, std::nullopt});
          next = step.value;
          place.number.reset();
        }
        if (step.kind == Kind::kJump) next = step.value;
        // Behind a call that does not come back lies another one.
        if (step.kind == Kind::kTrap && entries_.contains(next)) break;
        place.address = next;
      }
    }
    return traps;
  }

  /// How the kernel calls what `name` makes; itself, when it makes one of that name.
  static std::vector<std::string_view> calls_of(std::string_view name) {
    auto steps = std::ranges::find(kSteps, name, &Steps::name);
    if (steps == kSteps.end()) return {name};
    std::vector<std::string_view> calls;
    for (std::string_view call : steps->calls)
      if (!call.empty()) calls.push_back(call);
    return calls;
  }

  uint16_t call_named(std::string_view name) {
    if (name == "zx_socket_shutdown") return GivenVdso::kSocketShutdown;
    const abi::SyscallInfo* info = abi::syscall_by_name(name);
    if (info != nullptr && info->number >= 0) return static_cast<uint16_t>(info->number);
    auto known = std::ranges::find(unknown_, name);
    if (known == unknown_.end()) known = unknown_.emplace(unknown_.end(), name);
    return static_cast<uint16_t>(GivenVdso::kFirstUnknown + (known - unknown_.begin()));
  }

  /// Which call each number is, by the names of those that make it.
  std::string find_calls() {
    std::map<uint16_t, std::pair<uint16_t, std::string>> calls;  // By the image's number: ours, and by which name.
    std::map<uint32_t, uint16_t> sites;
    // A vDSO may make another call of what the kernel had a call for once, or will have: such names come last.
    auto passed_on = [](std::string_view name) {
      const abi::SyscallInfo* info = abi::syscall_by_name(name);
      return info != nullptr && info->vdso_only;
    };
    std::vector<std::pair<std::string, uint64_t>> exports(exports_.begin(), exports_.end());
    std::ranges::stable_partition(exports, [&](const auto& one) { return !passed_on(one.first); });
    for (const auto& [name, entry] : exports) {
      std::vector<std::string_view> steps = calls_of(name);
      size_t step = 0;
      std::set<uint16_t> of_this;
      for (const kernel::ReturnSite& trap : traps_from(entry)) {
        sites[trap.offset] = trap.number;
        // Calls that are asked again trap a second time.
        if (!of_this.insert(trap.number).second || step == steps.size()) continue;
        std::string call(steps[step++]);
        auto known = calls.find(trap.number);
        if (known == calls.end()) {
          calls[trap.number] = {call_named(call), call};
        } else if (known->second.second != call && !passed_on(name)) {
          return fmt::format("its call {} is both {} and {}", trap.number, known->second.second, call);
        }
      }
    }
    if (followed_ > kMostInstructions) return "it is no vDSO: its calls have far more code than those of one";
    if (sites.empty()) return "it makes no system call: it is a stub to link with, without code";
    for (const auto& [offset, number] : sites)
      if (auto call = calls.find(number); call != calls.end())
        return_sites_.push_back({.offset = offset, .number = number, .call = call->second.first});
    return {};
  }

  std::shared_ptr<const GivenVdso> finish() {
    auto vdso = std::make_shared<GivenVdso>();
    uint64_t size = (code_end_ + kPageSize - 1) & ~kPageMask;
    // What is behind the segments stays out, and with it the section headers.
    vdso->elf.assign(file_.begin(), file_.begin() + static_cast<std::ptrdiff_t>(code_end_));
    vdso->elf.resize(size);
    header_.e_shoff = 0;
    header_.e_shnum = header_.e_shentsize = header_.e_shstrndx = 0;
    std::memcpy(vdso->elf.data(), &header_, sizeof header_);
    vdso->return_sites = std::move(return_sites_);
    vdso->unknown = std::move(unknown_);
    vdso->image = {.elf = vdso->elf,
                   .code_offset = code_offset_,
                   .code_size = size - code_offset_,
                   .constants_offset = constants_,
                   .of_2020 = true,
                   .return_sites = vdso->return_sites};
    return vdso;
  }

  Arch arch_;
  Bytes file_;
  Elf64_Ehdr header_ = {};
  Elf64_Phdr dynamic_ = {};
  uint64_t read_only_size_ = 0;
  uint64_t code_offset_ = 0;
  uint64_t code_end_ = 0;
  uint64_t constants_ = 0;
  std::map<std::string, uint64_t> exports_;
  std::set<uint64_t> entries_;
  uint64_t followed_ = 0;  // Instructions.
  std::vector<std::string> unknown_;
  std::vector<kernel::ReturnSite> return_sites_;
};

}  // namespace

std::expected<std::shared_ptr<const GivenVdso>, std::string> read_vdso(Arch arch, Bytes file) {
  return VdsoReader(arch, file).read();
}

}  // namespace jacinth::cli
