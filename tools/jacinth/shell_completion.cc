#include "tools/jacinth/shell_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "boards/board.h"
#include "tools/jacinth/command_line.h"

namespace jacinth::cli {
namespace {

/// What a value can be: words to choose from, a file, or anything.
struct Values {
  std::vector<std::string> words;
  bool file = false;
};

Values values_of(const OptionRow& row) {
  Values values{.file = row.value == "FILE"};
  if (row.value == "BOARD") {
    for (const boards::Board* board : boards::boards()) values.words.emplace_back(board->name);
  } else if (row.value.find('|') != std::string::npos) {
    for (size_t begin = 0; begin <= row.value.size();) {
      size_t end = std::min(row.value.find('|', begin), row.value.size());
      values.words.push_back(row.value.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return values;
}

std::vector<const Command*> shown() {
  std::vector<const Command*> list;
  for (const Command& command : commands())
    if (!command.hidden) list.push_back(&command);
  return list;
}

/// Words a command takes as arguments, if they are that: "bash|zsh|fish".
std::string argument_words(const Command& command) {
  if (command.arguments.find('|') == std::string_view::npos) return {};
  std::string words(command.arguments);
  std::ranges::replace(words, '|', ' ');
  return words;
}

bool takes_files(const Command& command) { return command.arguments.starts_with("FILE"); }

std::string bash() {
  std::string text =
      "# bash completion for jacinth; made by `jacinth completion bash`.\n"
      "_jacinth() {\n"
      "  local cur prev command='' i\n"
      "  cur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
      "  prev=\"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
      "  COMPREPLY=()\n"
      "  # \"--option=value\" comes as three words.\n"
      "  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=\"${COMP_WORDS[COMP_CWORD - 2]}\"; fi\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    if [[ ${COMP_WORDS[i]} != -* ]]; then command=\"${COMP_WORDS[i]}\"; break; fi\n"
      "  done\n"
      "  local words='' values='' files=''\n"
      "  case \"$command\" in\n";
  auto out = std::back_inserter(text);
  std::string names;
  for (const Command* command : shown()) names += fmt::format("{}{}", names.empty() ? "" : " ", command->name);
  fmt::format_to(out, "    '') words='{} help --help --version' ;;\n", names);
  fmt::format_to(out, "    help) words='{}' ;;\n", names);
  for (const Command* command : shown()) {
    fmt::format_to(out, "    {})\n      case \"$prev\" in\n", command->name);
    std::string options;
    for (const OptionRow& row : options_of(*command)) {
      for (const std::string& name : row.names) options += (options.empty() ? "" : " ") + name;
      Values values = values_of(row);
      if (row.value.empty()) continue;
      std::string names_pattern = fmt::format("{}", fmt::join(row.names, " | "));
      // A value that may be missing only stands behind "=".
      std::string guard = row.value_optional ? "[[ ${COMP_WORDS[COMP_CWORD - 1]} == '=' || "
                                               "${COMP_WORDS[COMP_CWORD]} == '=' ]] && "
                                             : "";
      if (!values.words.empty()) {
        fmt::format_to(out, "        {}) {}values='{}' ;;\n", names_pattern, guard, fmt::join(values.words, " "));
      } else if (values.file) {
        fmt::format_to(out, "        {}) {}files=yes ;;\n", names_pattern, guard);
      } else {
        fmt::format_to(out, "        {}) return ;;\n", names_pattern);
      }
    }
    fmt::format_to(out, "      esac\n      words='{}'\n", options);
    if (takes_files(*command)) text += "      [[ $cur == -* ]] || files=yes\n";
    if (std::string arguments = argument_words(*command); !arguments.empty())
      fmt::format_to(out, "      [[ $cur == -* ]] || words='{}'\n", arguments);
    text += "      ;;\n";
  }
  text +=
      "  esac\n"
      "  if [[ -n $values ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$cur\")\n"
      "  elif [[ -n $files ]]; then\n"
      "    compopt -o filenames 2>/dev/null\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
      "  fi\n"
      "}\n"
      "complete -F _jacinth jacinth\n";
  return text;
}

/// Inside single quotes, and inside the brackets and colons of _arguments.
std::string zsh_quoted(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      result += '\\';
      result += c;
    } else {
      result += c;
    }
  }
  return result;
}

std::string zsh() {
  std::string text =
      "#compdef jacinth\n"
      "# zsh completion for jacinth; made by `jacinth completion zsh`.\n"
      "_jacinth() {\n"
      "  local -a commands\n"
      "  commands=(\n";
  auto out = std::back_inserter(text);
  for (const Command* command : shown())
    fmt::format_to(out, "    '{}:{}'\n", command->name, zsh_quoted(command->summary));
  text +=
      "    'help:Show help'\n"
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    _arguments '--help[Show help]' '--version[Show the version]'\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n"
      "    help) _describe command commands ;;\n";
  for (const Command* command : shown()) {
    fmt::format_to(out, "    {})\n      _arguments -S", command->name);
    for (const OptionRow& row : options_of(*command)) {
      Values values = values_of(row);
      std::string value;
      if (!values.words.empty()) {
        value = fmt::format(":{}:({})", zsh_quoted(row.value), fmt::join(values.words, " "));
      } else if (values.file) {
        value = ":file:_files";
      } else if (!row.value.empty()) {
        value = fmt::format(":{}:", zsh_quoted(row.value));
      }
      for (const std::string& name : row.names) {
        bool is_long = name.starts_with("--");
        std::string_view equals = row.value.empty() ? "" : row.value_optional ? "=-" : is_long ? "=" : "+";
        fmt::format_to(out, " \\\n        '*{}{}[{}]{}{}'", name, equals, zsh_quoted(row.help),
                       row.value_optional ? ":" : "", value);
      }
    }
    if (takes_files(*command)) text += " \\\n        '1:file:_files' '*::argument:_files'";
    if (std::string words = argument_words(*command); !words.empty())
      fmt::format_to(out, " \\\n        '1:argument:({})'", words);
    text += "\n      ;;\n";
  }
  text +=
      "  esac\n"
      "}\n"
      "_jacinth \"$@\"\n";
  return text;
}

std::string fish_quoted(std::string_view text) {
  std::string result = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

std::string fish() {
  std::string text =
      "# fish completion for jacinth; made by `jacinth completion fish`.\n"
      "complete -c jacinth -f\n"
      "complete -c jacinth -n __fish_use_subcommand -l help -d 'Show help'\n"
      "complete -c jacinth -n __fish_use_subcommand -l version -d 'Show the version'\n"
      "complete -c jacinth -n __fish_use_subcommand -a help -d 'Show help'\n";
  auto out = std::back_inserter(text);
  for (const Command* command : shown()) {
    std::string when = fmt::format("-n '__fish_seen_subcommand_from {}'", command->name);
    fmt::format_to(out, "complete -c jacinth -n __fish_use_subcommand -a {} -d {}\n", command->name,
                   fish_quoted(command->summary));
    for (const OptionRow& row : options_of(*command)) {
      Values values = values_of(row);
      std::string value;
      if (!values.words.empty()) {
        value = fmt::format(" {}a {}", row.value_optional ? "-" : "-x -",
                            fish_quoted(fmt::to_string(fmt::join(values.words, " "))));
      } else if (values.file) {
        value = row.value_optional ? " -F" : " -r -F";
      } else if (!row.value.empty() && !row.value_optional) {
        value = " -x";
      }
      fmt::format_to(out, "complete -c jacinth {}", when);
      for (const std::string& name : row.names)
        fmt::format_to(out, " {} {}", name.starts_with("--") ? "-l" : "-s",
                       name.substr(name.starts_with("--") ? 2 : 1));
      fmt::format_to(out, "{} -d {}\n", value, fish_quoted(row.help));
    }
    if (takes_files(*command)) fmt::format_to(out, "complete -c jacinth {} -F\n", when);
    if (std::string words = argument_words(*command); !words.empty())
      fmt::format_to(out, "complete -c jacinth {} -a {}\n", when, fish_quoted(words));
  }
  return text;
}

}  // namespace

std::expected<std::string, std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return std::unexpected(fmt::format("there is no completion for '{}', only for bash, zsh and fish", shell));
}

}  // namespace jacinth::cli
