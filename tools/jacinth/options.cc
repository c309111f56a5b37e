#include "tools/jacinth/options.h"

#include <fmt/format.h>

#include <algorithm>

namespace jacinth::cli {
namespace {

std::string last_name(const std::string& name) { return name.substr(name.rfind(',') + 1); }

std::vector<std::string> words_of(const std::string& shows) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= shows.size();) {
    size_t bar = std::min(shows.find('|', begin), shows.size());
    words.push_back(shows.substr(begin, bar - begin));
    begin = bar + 1;
  }
  return words;
}

}  // namespace

CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& target, const std::string& shows,
                        const std::string& help) {
  std::string last = last_name(name);
  return app
      .add_option_function<std::string>(
          name,
          [&target, last, words = words_of(shows)](const std::string& text) {
            if (std::ranges::find(words, text) == words.end())
              throw CLI::ValidationError(last, fmt::format("'{}' is none of {}", text, fmt::join(words, ", ")));
            target = text;
          },
          help)
      ->type_name(shows)
      ->take_last();
}

CLI::Option* add_assignments(CLI::App& app, const std::string& name,
                             std::vector<std::pair<std::string, std::string>>& target, const std::string& help) {
  return app
      .add_option_function<std::vector<std::string>>(
          name,
          [&target, name](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              auto value = parse_assignment(text);
              if (!value) throw CLI::ValidationError(name, value.error());
              target.push_back(std::move(*value));
            }
          },
          help)
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->expected(1)
      ->take_all();
}

CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& target, const std::string& shows,
                      const std::string& help) {
  return app.add_option(name, target, help)->type_name(shows)->take_last();
}

}  // namespace jacinth::cli
