// `jacinth replay`: makes a recorded run again.
#include "tools/jacinth/command.h"
#include "tools/jacinth/guest_run.h"
#include "tools/jacinth/options.h"

namespace jacinth::cli {
namespace {

struct Options {
  ReplayRequest request;
  std::string color = "auto";
  bool quiet = false;
};

}  // namespace

Command replay_command() {
  return {
      .name = "replay",
      .summary = "Make a recorded run again and check that it is the same",
      .description =
          "Runs what jacinth record recorded once more, with the program and the options that lie in the recording, "
          "and "
          "holds every event against it. The run prints what it printed, and the exit code is what it was.\n\n"
          "At the first difference the replay stops, prints both sides and ends with exit code 175. A run that differs "
          "without another version of Jacinth being the reason is a mistake of ours.",
      .arguments = "FILE",
      .examples =
          {
              {"jacinth replay hello.jtrace", "the run again, each call checked"},
              {"jacinth replay --no-output run.jtrace", "only whether it is the same"},
          },
      .prepare = [](CLI::App& app, const std::vector<std::string>& rest) -> Action {
        auto options = std::make_shared<Options>();
        add_text(app, "--program", options->request.program, "FILE",
                 "Where the program is, when the recording holds only its digest");
        app.add_option("--libs", options->request.libraries,
                       "Where the libraries are, when the recording holds only their digests")
            ->type_name("DIR[:DIR...]")
            ->delimiter(':')
            ->allow_extra_args(false);
        app.add_option("--dir", options->request.folders,
                       "The same for the folders of run's --dir, in their order; can be repeated")
            ->type_name("HOST")
            ->allow_extra_args(false);
        add_text(app, "--vdso", options->request.vdso, "FILE",
                 "Where the vDSO is that run's --vdso gave, when the recording holds only its digest");
        add_value(
            app, "--save-load", options->request.moves, parse_number, "N",
            "Save the run N times on its way and go on with what is loaded on a fresh machine: a check of Jacinth "
            "itself, which must change nothing");
        app.add_flag("--no-output", options->quiet, "Do not print what the program prints");
        add_choice(app, "--color", options->color, "auto|always|never",
                   "Colours on standard error (default auto: on a terminal, unless NO_COLOR is set)");
        return [options, &rest] {
          ReplayRequest& request = options->request;
          request.file = rest.front();
          request.print_output = !options->quiet;
          request.color = options->color == "always"  ? ColorChoice::kAlways
                          : options->color == "never" ? ColorChoice::kNever
                                                      : ColorChoice::kAuto;
          return replay_run(request);
        };
      },
  };
}

}  // namespace jacinth::cli
