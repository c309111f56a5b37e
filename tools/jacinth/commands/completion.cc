// `jacinth completion`: a script for the shell.
#include "tools/jacinth/command.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/shell_completion.h"

namespace jacinth::cli {

Command completion_command() {
  return {
      .name = "completion",
      .summary = "Print the completion script for a shell",
      .description = "`meson install` puts the scripts where the shells look for them; this is for everybody else.",
      .arguments = "bash|zsh|fish",
      .examples = {{"source <(jacinth completion bash)", "completion in this bash, from now on"}},
      .prepare = [](CLI::App&, const std::vector<std::string>& rest) -> Action {
        return [&rest] {
          if (rest.size() != 1) {
            say("jacinth completion", "which shell? bash, zsh or fish");
            return number(ExitCode::kUsage);
          }
          auto script = completion_script(rest[0]);
          if (!script) {
            say("jacinth completion", script.error());
            return number(ExitCode::kUsage);
          }
          Output::standard().write(*script);
          return number(Output::standard().closed() ? ExitCode::kClosedPipe : ExitCode::kOk);
        };
      },
  };
}

}  // namespace jacinth::cli
