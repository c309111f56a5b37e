// The program `jacinth`: what it can do is in commands/, one file each.
#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "tools/jacinth/command_line.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/output.h"

int main(int argc, char** argv) {
  // A closed pipe shows when we write to it.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return jacinth::cli::run_program(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    jacinth::cli::say("jacinth", std::string("internal error: ") + error.what());
    return jacinth::cli::number(jacinth::cli::ExitCode::kInternal);
  }
}
