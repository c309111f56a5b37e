// `jacinth reference`: the generated pages of the documentation. For the build; hidden from the help.
#include "tools/jacinth/reference.h"

#include "tools/jacinth/command.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/output.h"

namespace jacinth::cli {

Command reference_command() {
  return {
      .name = "reference",
      .summary = "Print a page of the documentation that is made from the program",
      .description = "",
      .arguments = "PAGE",
      .prepare = [](CLI::App&, const std::vector<std::string>& rest) -> Action {
        return [&rest] {
          auto page = reference_page(rest.size() == 1 ? rest[0] : "");
          if (!page) {
            say("jacinth reference", page.error());
            return number(ExitCode::kUsage);
          }
          Output::standard().write(*page);
          return number(ExitCode::kOk);
        };
      },
      .hidden = true,
  };
}

}  // namespace jacinth::cli
