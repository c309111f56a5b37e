#include "tools/jacinth/call_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "kernel/abi/syscall_info.h"

namespace jacinth::cli {

std::expected<std::vector<bool>, std::string> chosen_calls(const std::string& list) {
  auto matches = [](auto&& self, std::string_view pattern, std::string_view name) -> bool {
    if (pattern.empty()) return name.empty();
    if (pattern[0] == '*')
      return self(self, pattern.substr(1), name) || (!name.empty() && self(self, pattern, name.substr(1)));
    return !name.empty() && pattern[0] == name[0] && self(self, pattern.substr(1), name.substr(1));
  };
  std::vector<bool> chosen;
  for (const abi::SyscallInfo& info : abi::syscalls())
    if (info.number >= 0 && static_cast<size_t>(info.number) >= chosen.size())
      chosen.resize(static_cast<size_t>(info.number) + 1);
  chosen.assign(chosen.size(), list.starts_with('!'));
  for (size_t begin = 0; begin <= list.size();) {
    size_t end = std::min(list.find(',', begin), list.size());
    std::string_view word = std::string_view(list).substr(begin, end - begin);
    begin = end + 1;
    bool wanted = !word.starts_with('!');
    if (!wanted) word.remove_prefix(1);
    bool found = false;
    for (const abi::SyscallInfo& info : abi::syscalls()) {
      if (info.number < 0) continue;
      if (!matches(matches, word, info.name) && !matches(matches, word, info.name.substr(3)) && word != info.category)
        continue;
      chosen[static_cast<size_t>(info.number)] = wanted;
      found = true;
    }
    if (!found) return std::unexpected(fmt::format("no system call is like '{}'", word));
  }
  return chosen;
}

}  // namespace jacinth::cli
