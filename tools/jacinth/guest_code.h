// Symbols, lines, call stacks and instructions of guests, for reports: joins the kernel's view of a process with the
// readers of ELF files and of instructions.
//
// A program lies in memory as mappings of a VMO that holds its file, so symbols come from that VMO: whatever a guest
// maps and starts can be named, also what it carried in its own image. The vDSO's image is the kernel's own.
//
// Files that only the host has tell of programs with the same build ID: separate debug files, and programs before their
// symbols were stripped.
//
// Left out: code that was copied into memory instead of mapped.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "emu/debug/backtrace.h"
#include "emu/debug/symbols.h"
#include "kernel/inspect/guest_code.h"

namespace jacinth::kernel {
class Vmo;
struct VdsoImage;
}  // namespace jacinth::kernel

namespace jacinth::cli {

/// Of the host's.
using SymbolFiles = std::vector<std::shared_ptr<const emu::SymbolFile>>;

/// What tells most of a file's symbols and lines: itself, or one of the host's with the same build ID.
const emu::SymbolFile& best_symbols(const emu::SymbolFile& file, const SymbolFiles& from_host);

class SymbolizedCode final : public kernel::GuestCode {
 public:
  SymbolizedCode() = default;
  /// Looks for symbols and lines there first.
  explicit SymbolizedCode(SymbolFiles from_host) : from_host_(std::move(from_host)) {}
  std::vector<kernel::CodePlace> places(kernel::Process& process, GuestAddr address) override;
  std::vector<Frame> backtrace(kernel::Thread& thread) override;
  std::vector<Instruction> instructions(kernel::Process& process, GuestAddr pc) override;

  /// A file as it lies in a process's memory.
  struct Module {
    const emu::SymbolFile* symbols = nullptr;  ///< Lives as long as this.
    uint64_t bias = 0;
    std::string name;
  };
  /// What is mapped at an address, when it is a file of code.
  std::optional<Module> module_at(kernel::Process& process, GuestAddr address);

 private:
  std::optional<emu::LoadedFile> file_at(kernel::Process& process, GuestAddr address);
  const emu::SymbolFile* vdso(const kernel::VdsoImage& image);
  const emu::SymbolFile* file_in(const kernel::Vmo& vmo);

  std::map<uint64_t, std::unique_ptr<emu::SymbolFile>> files_;  // By the VMO's koid; null: holds no ELF file.
  std::unique_ptr<emu::SymbolFile> vdso_;
  SymbolFiles from_host_;
};

}  // namespace jacinth::cli
