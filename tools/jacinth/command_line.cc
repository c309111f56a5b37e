#include "tools/jacinth/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/help.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/suggest.h"
#include "tools/jacinth/version.h"

namespace jacinth::cli {
namespace {

/// A command with its options, ready to parse once.
struct Prepared {
  CLI::App app;
  std::vector<std::string> rest;
  bool help = false;
  Action action;

  explicit Prepared(const Command& command) {
    app.set_help_flag();
    app.set_config();
    app.allow_extras(false);
    action = command.prepare(app, rest);
    app.add_flag("-h,--help", help, "Show this help and exit");
  }
};

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

/// How many words follow it.
int values_of(const CLI::Option& option) { return std::max(option.get_type_size(), 1); }

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

const CLI::Option* option_by_name(const CLI::App& app, std::string_view name) {
  for (const CLI::Option* option : app.get_options())
    for (const std::string& known : names_of(*option))
      if (known == name) return option;
  return nullptr;
}

/// Parts options with their values from the rest. Where a guest's arguments follow, the first argument that is no
/// option ends the options; `--` ends them anywhere, and is dropped.
void split(const CLI::App& app, std::span<const std::string> arguments, bool guest_follows,
           std::vector<std::string>& options, std::vector<std::string>& rest) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    bool is_end = argument == "--";
    bool is_option = argument.size() > 1 && argument[0] == '-';
    if (is_end || (!is_option && guest_follows)) {
      rest.insert(rest.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i + (is_end ? 1 : 0)), arguments.end());
      break;
    }
    if (!is_option) {
      rest.push_back(argument);
      continue;
    }
    options.push_back(argument);
    bool is_long = argument.starts_with("--");
    bool joined = is_long ? argument.find('=') != std::string::npos : argument.size() > 2;
    const CLI::Option* option = option_by_name(app, joined ? argument.substr(0, argument.find('=')) : argument);
    if (option == nullptr || !takes_value(*option)) continue;
    for (int n = values_of(*option) - (joined ? 1 : 0); n > 0 && i + 1 < arguments.size(); --n)
      options.push_back(arguments[++i]);
  }
  // Behind the guest's file as well as before it.
  if (guest_follows && rest.size() > 1 && rest[1] == "--") rest.erase(rest.begin() + 1);
}

std::string unknown_option(const Command& command, const CLI::App& app, const std::string& wrong) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : names_of(*option)) names.push_back(name);
  std::string name = wrong.substr(0, wrong.find('='));
  std::string meant = name.size() > 2 ? closest(name, names) : "";
  if (!meant.empty())
    return fmt::format("there is no option {}, did you mean {}? See jacinth {} --help", name, meant, command.name);
  return fmt::format("there is no option {}; see jacinth {} --help", name, command.name);
}

/// What CLI11 found wrong, in our words.
std::string complaint(const Command& command, const CLI::App& app, const CLI::ParseError& error,
                      std::span<const std::string> options) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    for (const std::string& argument : options) {
      std::string name = argument.substr(0, argument.find('='));
      if (argument.size() > 1 && argument[0] == '-' && argument[1] != '-') name = argument.substr(0, 2);
      if (argument.starts_with('-') && option_by_name(app, name) == nullptr)
        return unknown_option(command, app, argument);
    }
  }
  return error.what();
}

int fail_usage(std::string_view who, std::string_view text) {
  say(who, text);
  return number(ExitCode::kUsage);
}

int run_command(const Command& command, const std::vector<std::string>& arguments) {
  std::expected<Action, std::string> action = parse(command, arguments);
  if (!action) return fail_usage(fmt::format("jacinth {}", command.name), action.error());
  return (*action)();
}

std::string unknown_command(const std::string& wrong) {
  std::vector<std::string> names;
  for (const Command& command : commands())
    if (!command.hidden) names.emplace_back(command.name);
  names.emplace_back("help");
  std::string meant = closest(wrong, names);
  if (wrong.starts_with('-')) return fmt::format("there is no option {}; see jacinth --help", wrong);
  if (!meant.empty()) return fmt::format("there is no command {}, did you mean {}? See jacinth --help", wrong, meant);
  return fmt::format("there is no command {}; see jacinth --help, or jacinth run FILE to run a program", wrong);
}

}  // namespace

std::string OptionRow::text() const {
  std::string all = fmt::format("{}", fmt::join(names, ", "));
  if (value.empty()) return all;
  bool is_long = names.back().starts_with("--");
  if (value_optional) return all + fmt::format("[={}]", value);
  return all + (is_long && value.find(' ') == value.npos ? "=" : " ") + value;
}

std::vector<OptionRow> options_of(const Command& command) {
  Prepared prepared(command);
  std::vector<OptionRow> rows;
  for (const CLI::Option* option : prepared.app.get_options()) {
    OptionRow row{.names = names_of(*option), .help = option->get_description()};
    if (row.names.empty()) continue;
    // A switch that may have a value is a flag with a type.
    row.value_optional = !takes_value(*option) && !option->get_type_name().empty();
    if (takes_value(*option) || row.value_optional) row.value = option->get_type_name();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string usage_of(const Command& command) {
  return fmt::format("jacinth {} [OPTION...]{}{}", command.name, command.arguments.empty() ? "" : " ",
                     command.arguments);
}

std::expected<Action, std::string> parse(const Command& command, const std::vector<std::string>& arguments) {
  auto prepared = std::make_shared<Prepared>(command);
  bool guest_follows = command.arguments.find("[ARGUMENT...]") != std::string_view::npos;
  std::vector<std::string> options;
  split(prepared->app, arguments, guest_follows, options, prepared->rest);
  try {
    std::vector<std::string> reversed(options.rbegin(), options.rend());
    prepared->app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return std::unexpected(complaint(command, prepared->app, error, options));
  }
  if (prepared->help) {
    return [&command] {
      Output::standard().write(help_text(command, Style::choose(ColorChoice::kAuto, Output::standard())));
      return number(Output::standard().closed() ? ExitCode::kClosedPipe : ExitCode::kOk);
    };
  }
  bool file_given =
      !command.instead_of_file.empty() && prepared->app.get_option(std::string(command.instead_of_file))->count() > 0;
  if (prepared->rest.empty() && command.arguments.starts_with("FILE") && !file_given)
    return std::unexpected(fmt::format("which file? Usage: {}", usage_of(command)));
  if (command.arguments.empty() && !prepared->rest.empty())
    return std::unexpected(
        fmt::format("there is nothing to do with '{}'; see jacinth {} --help", prepared->rest.front(), command.name));
  return [prepared] { return prepared->action(); };
}

int run_program(const std::vector<std::string>& arguments) {
  Output& out = Output::standard();
  auto finish = [&] { return number(out.closed() ? ExitCode::kClosedPipe : ExitCode::kOk); };
  if (arguments.empty()) {
    Output::error().write(overview(Style::choose(ColorChoice::kAuto, Output::error())));
    return number(ExitCode::kUsage);
  }
  const std::string& first = arguments.front();
  if (first == "-h" || first == "--help" || (first == "help" && arguments.size() == 1)) {
    out.write(overview(Style::choose(ColorChoice::kAuto, out)));
    return finish();
  }
  if (first == "-V" || first == "--version") {
    out.write(version_text());
    return finish();
  }
  if (first == "help") {
    const Command* command = find_command(arguments[1]);
    if (command == nullptr) return fail_usage("jacinth", unknown_command(arguments[1]));
    return run_command(*command, {"--help"});
  }
  const Command* command = find_command(first);
  if (command == nullptr) return fail_usage("jacinth", unknown_command(first));
  return run_command(*command, {arguments.begin() + 1, arguments.end()});
}

}  // namespace jacinth::cli
