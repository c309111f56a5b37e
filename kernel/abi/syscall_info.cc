// Lookups by name. The tables themselves are generated (tools/gen/syscalls.py), sorted by name.
#include "kernel/abi/syscall_info.h"

#include <algorithm>

namespace jacinth::abi {

const SyscallInfo* syscall_by_name(std::string_view name) {
  const auto calls = syscalls();
  const auto found = std::ranges::lower_bound(calls, name, {}, &SyscallInfo::name);
  return found != calls.end() && found->name == name ? &*found : nullptr;
}

const FlagSet* flag_set(std::string_view name) {
  const auto sets = flag_sets();
  const auto found = std::ranges::lower_bound(sets, name, {}, [](const FlagSet* set) { return set->name; });
  return found != sets.end() && (*found)->name == name ? *found : nullptr;
}

const StructInfo* struct_by_name(std::string_view name) {
  const auto all = structs();
  const auto found = std::ranges::lower_bound(all, name, {}, [](const StructInfo* record) { return record->name; });
  return found != all.end() && (*found)->name == name ? *found : nullptr;
}

}  // namespace jacinth::abi
