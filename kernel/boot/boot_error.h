// Why a program cannot be started.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>

#include "kernel/abi/names.h"

namespace jacinth::kernel {

struct BootError {
  /// What shells return for it: 126, found and not executable.
  int exit_code = 126;
  /// One line, without the file's name.
  std::string line;
  /// What a launcher in the system would have said.
  Status status = Status::kInvalidArgs;
};

inline std::unexpected<BootError> boot_failure(std::string line, Status status = Status::kInvalidArgs) {
  return std::unexpected(BootError{.line = std::move(line), .status = status});
}

/// Steps that fail only when guest RAM has no room left.
template <class T>
std::expected<T, BootError> boot_needs(Result<T> result, std::string_view what) {
  if (result) return std::move(*result);
  return boot_failure(fmt::format("cannot {}: {}", what, abi::status_name(result.status())), result.status());
}

}  // namespace jacinth::kernel
