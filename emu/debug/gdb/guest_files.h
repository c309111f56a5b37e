// The files that a client may read (vFile): those that the guest's programs were loaded from, and what Linux would tell
// of a process's memory in /proc. Nothing of the host is here, whatever name the client asks for.
//
// Left out: writing, folders, links.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "emu/debug/target.h"

namespace jacinth::emu::gdb {

class GuestFiles {
 public:
  explicit GuestFiles(Target& target) : target_(target) {}

  /// The answer to what came behind "vFile:"; empty for an operation that is not there.
  std::string answer(std::string_view request);
  void close_all() { open_.clear(); }

 private:
  struct File {
    std::string name;  ///< Of the target's; else
    std::string text;
    bool made_up = false;
  };
  std::string open(std::string_view arguments);
  std::string pread(std::string_view arguments);
  std::string fstat(std::string_view arguments);
  std::string close(std::string_view arguments);
  std::optional<std::string> process_text(std::string_view name);
  std::optional<std::span<const std::byte>> contents(const File& file);

  Target& target_;
  std::map<uint64_t, File> open_;
};

}  // namespace jacinth::emu::gdb
