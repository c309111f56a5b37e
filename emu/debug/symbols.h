// What an ELF file tells about its code: function names, source lines, and how to find the caller of a frame.
//
// Symbols come from .symtab, or .dynsym when that is all there is; lines and inlined calls from DWARF (libdw);
// call frame rules from .eh_frame or .debug_frame. A file may be damaged or hostile, since a guest may have brought it:
// whatever cannot be read is as if it were not there.
//
// Left out: separate debug files (.gnu_debuglink, debuginfod), split DWARF, variables and types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/base/address.h"
#include "emu/debug/frame.h"

namespace jacinth::emu {

/// A function by symbol: what lies at an address.
struct FunctionAt {
  std::string name;     // demangled
  uint64_t offset = 0;  // of the address in it
};

/// A place in the source. `line` is 0 when only the function is known.
struct SourceAt {
  std::string function;
  std::string file;
  unsigned line = 0;
};

class SymbolFile {
 public:
  /// The file at `path`, or why it cannot be used ("no such file").
  static std::expected<std::unique_ptr<SymbolFile>, std::string> open(const std::string& path);
  /// A file that is in memory already.
  static std::expected<std::unique_ptr<SymbolFile>, std::string> from_bytes(std::vector<char> image);
  ~SymbolFile();
  SymbolFile(const SymbolFile&) = delete;
  SymbolFile& operator=(const SymbolFile&) = delete;

  // Addresses are as the file has them, without the bias of where it is loaded.

  std::optional<FunctionAt> function_at(uint64_t address) const;
  /// The line of the instruction, and when its function was inlined, the calls that led there: innermost first. Empty
  /// when the file has no line for it.
  std::vector<SourceAt> source_at(uint64_t address) const;
  /// Where a function begins.
  std::optional<uint64_t> address_of(std::string_view name) const;

  /// Turns `frame`, which stands at an instruction of this file loaded at `bias`, into its caller's. False when there
  /// are no rules for the place, or they lead nowhere; the frame is unchanged then.
  bool unwind(Frame& frame, uint64_t bias, const ReadMemory& read) const;

  /// The file itself.
  std::span<const char> image() const { return image_; }
  /// Where its first loaded byte lies, and the end of its last.
  std::pair<uint64_t, uint64_t> extent() const;
  /// visit(begin, size, name) for each function, by address; a size of 0 is not known.
  template <class F>
  void for_each_function(F&& visit) const {
    for (const Function& function : functions_) visit(function.begin, function.size, function.name);
  }

  /// The bytes of the build id; empty when the file has none.
  std::span<const std::byte> build_id() const { return build_id_; }
  /// The address of what the loader puts there from this place in the file: where that lies in memory, less this, is
  /// the bias. Nothing for what is not loaded.
  std::optional<uint64_t> address_of_offset(uint64_t offset) const;

 private:
  struct DebugInfo;
  struct Function {
    uint64_t begin = 0;
    uint64_t size = 0;
    std::string name;
    uint8_t rank = 0;  // The better of two names for one address has the smaller rank.
  };

  struct Segment {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint64_t address = 0;
  };

  explicit SymbolFile(std::vector<char> image);
  bool read();
  void read_functions();
  void read_headers();

  std::vector<char> image_;
  std::vector<Function> functions_;  // By address.
  std::vector<Function> aliases_;    // Other names of theirs.
  std::vector<std::byte> build_id_;
  std::vector<Segment> segments_;
  std::unique_ptr<DebugInfo> dwarf_;
};

}  // namespace jacinth::emu
