// From a command line to an action: which command, its options, the arguments that are the guest's.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "tools/jacinth/command.h"

namespace jacinth::cli {

/// An option as help, manuals and completions show it.
struct OptionRow {
  std::vector<std::string> names;  // "-o", "--output"
  std::string value;               // "FILE"; empty for a switch
  bool value_optional = false;     // "--strace[=FILE]"
  std::string help;

  /// "-o, --output FILE".
  std::string text() const;
};

/// A command's options in the order of its help, --help included.
std::vector<OptionRow> options_of(const Command& command);

/// "jacinth run [OPTION...] FILE [ARGUMENT...]".
std::string usage_of(const Command& command);

/// What to do, or what is wrong with the command line in one sentence.
std::expected<Action, std::string> parse(const Command& command, const std::vector<std::string>& arguments);

/// The whole program: `arguments` without its own name. Returns the exit code.
int run_program(const std::vector<std::string>& arguments);

}  // namespace jacinth::cli
