#include "tools/jacinth/call_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tools/jacinth/suggest.h"

namespace jacinth::cli {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') return matches(pattern.substr(1), name) || (!name.empty() && matches(pattern, name.substr(1)));
  return !name.empty() && pattern[0] == name[0] && matches(pattern.substr(1), name.substr(1));
}

struct Behind {
  std::string_view name;
  std::array<std::string_view, 2> calls;
  size_t count = 2;
};

// Of kernel/vdso/calls.c, what somebody would look for by the name that programs know.
constexpr auto kBehind = std::to_array<Behind>({
    {"zx_channel_call", {"zx_channel_call_noretry", "zx_channel_call_finish"}},
    {"zx_channel_call_etc", {"zx_channel_call_etc_noretry", "zx_channel_call_etc_finish"}},
    {"zx_clock_get_monotonic", {"zx_clock_get_monotonic_via_kernel"}, 1},
    {"zx_cprng_draw", {"zx_cprng_draw_once"}, 1},
    {"zx_ticks_get", {"zx_ticks_get_via_kernel"}, 1},
});

/// Why a word chooses nothing.
std::string no_such_call(std::string_view word) {
  if (const abi::SyscallInfo* info = named_call(word))
    return fmt::format("{} never reaches the kernel: the vDSO answers it or makes other calls", info->name);
  std::vector<std::string> names;
  for (const abi::SyscallInfo& info : abi::syscalls()) {
    names.emplace_back(info.name);
    names.emplace_back(info.name.substr(3));
  }
  std::string meant = closest(word, names);
  return fmt::format("no system call is like '{}'{}", word,
                     meant.empty() ? "" : fmt::format(", did you mean {}?", meant));
}

}  // namespace

const abi::SyscallInfo* named_call(std::string_view name) {
  const abi::SyscallInfo* info = abi::syscall_by_name(name);
  return info != nullptr ? info : abi::syscall_by_name(fmt::format("zx_{}", name));
}

std::span<const std::string_view> calls_behind(std::string_view name) {
  for (const Behind& row : kBehind)
    if (row.name == name) return std::span(row.calls).first(row.count);
  return {};
}

std::expected<std::vector<bool>, std::string> chosen_calls(const std::string& list) {
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
    auto choose = [&](const abi::SyscallInfo& info) {
      chosen[static_cast<size_t>(info.number)] = wanted;
      found = true;
    };
    for (const abi::SyscallInfo& info : abi::syscalls())
      if (info.number >= 0 && (matches(word, info.name) || matches(word, info.name.substr(3)) || word == info.category))
        choose(info);
    if (const abi::SyscallInfo* info = named_call(word))
      for (std::string_view call : calls_behind(info->name)) choose(*abi::syscall_by_name(call));
    if (!found) return std::unexpected(no_such_call(word));
  }
  return chosen;
}

}  // namespace jacinth::cli
