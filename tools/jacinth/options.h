// Options with values of our own kinds. Each parser's complaint becomes the command line's.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "emu/time/time.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {

/// An option whose value `parse` understands. `shows` stands for the value in the help: "FILE", "auto|always|never".
template <class T, class Target>
CLI::Option* add_value(CLI::App& app, const std::string& name, Target& target,
                       std::expected<T, std::string> (*parse)(std::string_view), const std::string& shows,
                       const std::string& help) {
  std::string last = name.substr(name.rfind(',') + 1);
  return app
      .add_option_function<std::string>(
          name,
          [&target, parse, last](const std::string& text) {
            auto value = parse(text);
            if (!value) throw CLI::ValidationError(last, value.error());
            target = std::move(*value);
          },
          help)
      ->type_name(shows)
      ->take_last();
}

/// One of the words that `shows` lists ("error|stop"), as its place in the list.
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& target, const std::string& shows,
                        const std::string& help);

/// NAME=VALUE, as often as wanted.
CLI::Option* add_assignments(CLI::App& app, const std::string& name,
                             std::vector<std::pair<std::string, std::string>>& target, const std::string& help);

/// A plain text value.
CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& target, const std::string& shows,
                      const std::string& help);

}  // namespace jacinth::cli
