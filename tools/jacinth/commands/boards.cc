// `jacinth boards`: which machines there are.
#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "boards/board.h"
#include "tools/jacinth/command.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {
namespace {

std::string as_table() {
  std::string text = fmt::format("{:<14}{:<8}{:<8}{:<18}{}\n", "board", "arch", "CPUs", "RAM", "description");
  for (const boards::Board* board : boards::boards()) {
    fmt::format_to(std::back_inserter(text), "{:<14}{:<8}{:<8}{:<18}{}\n", board->name, arch_name(board->arch),
                   fmt::format("1-{}", board->max_cpus),
                   fmt::format("{}, <= {}", size_text(board->default_ram), size_text(board->max_ram)),
                   board->description);
  }
  return text;
}

std::string as_json() {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const boards::Board* board : boards::boards()) {
    rows.push_back({{"name", board->name},
                    {"arch", arch_name(board->arch)},
                    {"description", board->description},
                    {"cpu", board->cpu},
                    {"max_cpus", board->max_cpus},
                    {"ram_base", board->ram_base.value},
                    {"default_ram", board->default_ram},
                    {"max_ram", board->max_ram},
                    {"default", board == &boards::default_board(board->arch)}});
  }
  return rows.dump(2) + "\n";
}

}  // namespace

Command boards_command() {
  return {
      .name = "boards",
      .summary = "List the machines that a guest can run on",
      .description = "",
      .arguments = "",
      .examples = {{"jacinth boards --json", "the same for programs"}},
      .prepare = [](CLI::App& app, const std::vector<std::string>&) -> Action {
        auto json = std::make_shared<bool>(false);
        app.add_flag("--json", *json, "Print an array of objects");
        return [json] {
          Output::standard().write(*json ? as_json() : as_table());
          return number(Output::standard().closed() ? ExitCode::kClosedPipe : ExitCode::kOk);
        };
      },
  };
}

}  // namespace jacinth::cli
