// A command of the program: a name, what to say about it, its options, and what it does. `--help`, man pages, shell
// completion and the reference in docs/ are all made from these rows.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jacinth::cli {

/// What a parsed command line does; the result is the exit code.
using Action = std::function<int()>;

struct Command {
  std::string_view name;
  std::string_view summary;      // one line, no full stop
  std::string_view description;  // paragraphs, parted by empty lines
  /// What follows the options, for the usage line; empty for nothing. "FILE [ARGUMENT...]" means that everything from
  /// FILE on belongs to the guest.
  std::string_view arguments;
  /// With this option there is no FILE; empty for none.
  std::string_view instead_of_file = {};
  std::vector<std::pair<std::string_view, std::string_view>> examples;  // a command line, and what it does
  /// Adds the options to `app` and returns what to do once they are parsed. `rest` is filled by then: the arguments.
  std::function<Action(CLI::App& app, const std::vector<std::string>& rest)> prepare;
  bool hidden = false;
};

/// Every command, in the order of the help.
std::span<const Command> commands();
/// Null when there is none of that name.
const Command* find_command(std::string_view name);

// One function per file of commands/.
Command run_command();
Command record_command();
Command replay_command();
Command trace_command();
Command debug_command();
Command boards_command();
Command syscalls_command();
Command completion_command();
Command reference_command();

}  // namespace jacinth::cli
