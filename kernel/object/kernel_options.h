// The options of Zircon's kernel command line: their names, what values they take, and which of them mean something
// here (zircon/kernel/lib/boot-options: options.inc, x86.inc, arm64.inc, of 2022).
//
// Left out: names that a kernel hands on to programs without looking at them ("driver.eth.disable").
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace jacinth::kernel {

/// Options that were given, by name.
using Options = std::map<std::string, std::string, std::less<>>;

struct KernelOption {
  enum class Kind : uint8_t {
    kSwitch,  ///< "true" or "false", and other words for the same.
    kNumber,  ///< Decimal, or hexadecimal behind 0x.
    kWord,    ///< One of `words`.
    kText,
  };

  std::string_view name;
  Kind kind = Kind::kSwitch;
  /// What holds when nobody says otherwise.
  std::string_view otherwise;
  /// Whether it changes anything here.
  bool modelled = false;
  /// What it does, or why it does nothing here.
  std::string_view sentence;
  /// For kWord: "a|b|c". For kNumber: the largest one, if there is a limit below 64 bits.
  std::string_view words = {};

  /// "true|false", "NUMBER": what a value looks like.
  std::string_view shows() const;
  /// Whether the option takes this value.
  bool takes(std::string_view value) const;
};

/// All of them, by name.
std::span<const KernelOption> kernel_options();
/// Null for a name that the kernel does not know.
const KernelOption* find_kernel_option(std::string_view name);

}  // namespace jacinth::kernel
