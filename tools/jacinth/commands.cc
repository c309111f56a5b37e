// The list of commands: a new one is a file in commands/ and a name here.
#include <algorithm>

#include "tools/jacinth/command.h"

namespace jacinth::cli {

std::span<const Command> commands() {
  static const std::vector<Command> kCommands = {
      run_command(),    record_command(),   replay_command(),     trace_command(),     debug_command(),
      boards_command(), syscalls_command(), completion_command(), reference_command(),
  };
  return kCommands;
}

const Command* find_command(std::string_view name) {
  auto found = std::ranges::find(commands(), name, &Command::name);
  return found == commands().end() ? nullptr : &*found;
}

}  // namespace jacinth::cli
