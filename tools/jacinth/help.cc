#include "tools/jacinth/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "tools/jacinth/command_line.h"

namespace jacinth::cli {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kOptionColumn = 30;

/// Words of `text` in lines of at most kWidth, each after the first begun by `indent` spaces. Empty lines stay.
std::string wrapped(std::string_view text, size_t indent) {
  std::string result;
  size_t column = indent;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\n') {
      result += '\n';
      result.append(at + 1 < text.size() && text[at + 1] != '\n' ? indent : 0, ' ');
      column = indent;
      ++at;
      continue;
    }
    size_t end = std::min({text.find(' ', at), text.find('\n', at), text.size()});
    std::string_view word = text.substr(at, end - at);
    if (column + word.size() > kWidth && column > indent) {
      result.erase(result.find_last_not_of(' ') + 1);
      result += '\n';
      result.append(indent, ' ');
      column = indent;
    }
    result += word;
    column += word.size();
    at = end;
    if (at < text.size() && text[at] == ' ') {
      result += ' ';
      ++column;
      ++at;
    }
  }
  return result;
}

}  // namespace

std::string overview(const Style& style) {
  std::string text =
      "Runs Zircon programs for arm64 and x86-64 on an emulated machine.\n\n"
      "usage: jacinth COMMAND [OPTION...]\n\n" +
      style.strong("commands") + "\n";
  auto out = std::back_inserter(text);
  for (const Command& command : commands())
    if (!command.hidden) fmt::format_to(out, "  {:<12}{}\n", command.name, command.summary);
  text += "\n" + style.strong("options") +
          "\n  -h, --help  Show this help; `jacinth COMMAND --help` is about a command\n"
          "  -V, --version  Show the version and what it was built with\n\n"
          "example: jacinth run build/guests/arm64/hello\n";
  return text;
}

std::string help_text(const Command& command, const Style& style) {
  std::string text = fmt::format("{}.\n\nusage: {}\n\n", command.summary, usage_of(command));
  if (!command.description.empty()) text += wrapped(command.description, 0) + "\n\n";
  text += style.strong("options") + "\n";
  for (const OptionRow& row : options_of(command)) {
    std::string left = "  " + row.text();
    left.resize(std::max(left.size() + 2, kOptionColumn), ' ');
    if (left.size() > kOptionColumn) left = left.substr(0, left.size() - 2) + "\n" + std::string(kOptionColumn, ' ');
    text += left + wrapped(row.help, kOptionColumn) + "\n";
  }
  if (!command.examples.empty()) {
    text += "\n" + style.strong("examples") + "\n";
    for (const auto& [line, what] : command.examples)
      fmt::format_to(std::back_inserter(text), "  {}\n      {}\n", line, wrapped(what, 6));
  }
  return text;
}

}  // namespace jacinth::cli
