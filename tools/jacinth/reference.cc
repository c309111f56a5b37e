#include "tools/jacinth/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "boards/board.h"
#include "kernel/object/kernel_options.h"
#include "kernel/syscalls/table.h"
#include "tools/jacinth/call_tests.h"
#include "tools/jacinth/command_line.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/units.h"
#include "tools/jacinth/version.h"

namespace jacinth::cli {
namespace {

/// A title, and where the page comes from.
std::string title(std::string_view text, std::string_view page) {
  return fmt::format("# {}\n\n<!-- Made by `jacinth reference {}`; tools/gen/reference.py writes it anew. -->\n\n",
                     text, page);
}

std::string exit_codes_page() {
  std::string text = title("Exit codes", "exit-codes");
  text +=
      "A guest that exits by itself gives its return code modulo 256. Every other end of a run has a code of its own.\n"
      "`--summary` names the reason and has the return code with all its 64 bits.\n\n"
      "| code | reason | when |\n| ---: | --- | --- |\n";
  for (const ExitCodeRow& row : exit_codes())
    fmt::format_to(std::back_inserter(text), "| {} | `{}` | {} |\n", number(row.code), row.reason, row.sentence);
  text +=
      "\nThe codes from 170 on lie between what shells make of signals (129 to 165) and what small negative return "
      "codes\n"
      "and statuses (`ZX_ERR_*`) become modulo 256 (180 to 255), so that they can be told from a guest's own.\n";
  return text;
}

std::string boards_page() {
  std::string text = title("Boards", "boards");
  text += "The board follows from the architecture of the guest's ELF file, or from `--board`.\n";
  for (const boards::Board* board : boards::boards()) {
    fmt::format_to(std::back_inserter(text),
                   "\n## {}\n\n{}.\n\n| | |\n| --- | --- |\n| architecture | {} |\n| CPU | {} |\n"
                   "| CPUs | 1 to {} |\n| RAM | {} by default, {} at most, from {:#x} |\n",
                   board->name, board->description, arch_name(board->arch), board->cpu, board->max_cpus,
                   size_text(board->default_ram), size_text(board->max_ram), board->ram_base.value);
  }
  return text;
}

std::string syscalls_page() {
  using kernel::Support;
  std::string text = title("System calls", "syscalls");
  std::map<Support, size_t> counts;
  std::map<std::string_view, std::vector<const kernel::TableEntry*>> families;
  for (const kernel::TableEntry& entry : kernel::syscall_table()) {
    ++counts[entry.row->support];
    families[entry.info->category].push_back(&entry);
  }
  fmt::format_to(std::back_inserter(text),
                 "{} calls: {} work in full, {} in part, {} are absent. An absent call, or a part that is missing, is\n"
                 "reported when a guest uses it. `jacinth syscalls` prints the same with the tests of each call.\n\n"
                 "Errors and options: how many of those that the documentation names the unit tests have seen.\n",
                 kernel::syscall_table().size(), counts[Support::kFull], counts[Support::kPartial],
                 counts[Support::kAbsent]);
  for (const auto& [family, entries] : families) {
    fmt::format_to(std::back_inserter(text),
                   "\n## {}\n\n| call | support | errors | options | |\n| --- | --- | --- | --- | --- |\n", family);
    for (const kernel::TableEntry* entry : entries) {
      CallCoverage coverage = coverage_of(entry->info->name);
      auto part = [](size_t seen, size_t all) { return all == 0 ? std::string() : fmt::format("{}/{}", seen, all); };
      fmt::format_to(std::back_inserter(text), "| `{}` | {} | {} | {} | {} |\n", entry->info->name,
                     kernel::support_name(entry->row->support), part(coverage.errors_seen, coverage.errors),
                     part(coverage.options_seen, coverage.options), entry->row->sentence);
    }
  }
  return text;
}

std::string kernel_options_page() {
  std::string text = title("Kernel options", "kernel-options");
  auto out = std::back_inserter(text);
  text +=
      "What `jacinth run --kernel-arg NAME=VALUE` takes: the options of Zircon's kernel command line, by their own "
      "names.\n";
  auto table = [&](bool modelled) {
    text += "\n| option | value | default | |\n| --- | --- | --- | --- |\n";
    for (const kernel::KernelOption& option : kernel::kernel_options()) {
      if (option.modelled != modelled) continue;
      std::string shows(option.shows());
      for (size_t at = 0; (at = shows.find('|', at)) != std::string::npos; at += 2) shows.insert(at, "\\");
      fmt::format_to(out, "| `{}` | {} | {} | {} |\n", option.name, shows, option.otherwise, option.sentence);
    }
  };
  table(true);
  text += "\nThese change nothing, which a run says when it is given one:\n";
  table(false);
  return text;
}

std::string cli_page() {
  std::string text = title("Command line", "cli");
  auto out = std::back_inserter(text);
  for (const Command& command : commands()) {
    if (command.hidden) continue;
    fmt::format_to(out, "## jacinth {}\n\n{}.\n\n```\n{}\n```\n", command.name, command.summary, usage_of(command));
    if (!command.description.empty()) fmt::format_to(out, "\n{}\n", command.description);
    text += "\n| option | |\n| --- | --- |\n";
    for (const OptionRow& row : options_of(command)) {
      std::string help = row.help;
      for (size_t at = 0; (at = help.find('|', at)) != std::string::npos; at += 2) help.insert(at, "\\");
      std::string name = row.text();
      for (size_t at = 0; (at = name.find('|', at)) != std::string::npos; at += 2) name.insert(at, "\\");
      fmt::format_to(out, "| `{}` | {} |\n", name, help);
    }
    for (const auto& [line, what] : command.examples) fmt::format_to(out, "\n`{}`: {}.\n", line, what);
    text += "\n";
  }
  text.pop_back();
  return text;
}

/// What scdoc would take as its own is escaped.
std::string scdoc(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '_' || c == '*' || c == '\\' || c == '#' || c == '<' || c == '~' || c == '`' || c == '.') {
      if (c == '`') continue;
      if (c == '.' && !result.empty() && result.back() != '\n') {
        result += c;
        continue;
      }
      result += '\\';
    }
    result += c;
  }
  return result;
}

std::string manual_of(const Command& command) {
  std::string page = fmt::format("jacinth-{}", command.name);
  std::string text = fmt::format("{}(1)\n\n# NAME\n\n{} - {}\n\n# SYNOPSIS\n\n*jacinth {}* [OPTION...] {}\n\n", page,
                                 page, scdoc(command.summary), command.name, scdoc(command.arguments));
  auto out = std::back_inserter(text);
  if (!command.description.empty()) fmt::format_to(out, "# DESCRIPTION\n\n{}\n\n", scdoc(command.description));
  text += "# OPTIONS\n\n";
  for (const OptionRow& row : options_of(command))
    fmt::format_to(out, "*{}*\n\t{}\n\n", scdoc(row.text()), scdoc(row.help));
  if (!command.examples.empty()) text += "# EXAMPLES\n\n";
  for (const auto& [line, what] : command.examples) fmt::format_to(out, "*{}*\n\t{}\n\n", scdoc(line), scdoc(what));
  if (command.name == "run") {
    text += "# EXIT STATUS\n\nThe guest's return code modulo 256 when it exits by itself, or:\n\n";
    for (const ExitCodeRow& row : exit_codes())
      fmt::format_to(out, "*{}*\n\t{}\n\n", number(row.code), scdoc(row.sentence));
  }
  text += "# SEE ALSO\n\n*jacinth*(1)\n";
  return text;
}

std::string manual() {
  std::string text =
      "jacinth(1)\n\n# NAME\n\njacinth - run Zircon programs on an emulated machine\n\n# SYNOPSIS\n\n"
      "*jacinth* COMMAND [OPTION...]\n\n# DESCRIPTION\n\n"
      "Jacinth runs Zircon programs for arm64 and x86-64: the processor and its memory are emulated, and the kernel "
      "is "
      "a model of Zircon inside the emulator. A run depends on nothing but the program, its options and its inputs.\n\n"
      "# COMMANDS\n\n";
  auto out = std::back_inserter(text);
  for (const Command& command : commands())
    if (!command.hidden)
      fmt::format_to(out, "*{}*\n\t{}: see *jacinth-{}*(1).\n\n", command.name, scdoc(command.summary), command.name);
  text +=
      "# OPTIONS\n\n*-h, --help*\n\tShow help and exit.\n\n*-V, --version*\n\tShow the version and what it was built "
      "with.\n\n# ENVIRONMENT\n\n*NO\\_COLOR*\n\tWhen set and not empty: no colours.\n\n*CLICOLOR\\_FORCE*\n\tWhen set "
      "and not 0: colours even where no terminal is.\n\n# EXIT STATUS\n\nSee *jacinth-run*(1).\n";
  return text;
}

}  // namespace

std::vector<std::string> reference_pages() {
  std::vector<std::string> pages = {"cli", "exit-codes", "boards", "syscalls", "kernel-options", "jacinth"};
  for (const Command& command : commands())
    if (!command.hidden) pages.push_back(fmt::format("jacinth-{}", command.name));
  return pages;
}

std::expected<std::string, std::string> reference_page(std::string_view name) {
  if (name == "cli") return cli_page();
  if (name == "exit-codes") return exit_codes_page();
  if (name == "boards") return boards_page();
  if (name == "syscalls") return syscalls_page();
  if (name == "kernel-options") return kernel_options_page();
  if (name == "jacinth") return manual();
  if (name.starts_with("jacinth-")) {
    const Command* command = find_command(name.substr(8));
    if (command != nullptr && !command->hidden) return manual_of(*command);
  }
  return std::unexpected(fmt::format("there is no page '{}', only {}", name, fmt::join(reference_pages(), ", ")));
}

}  // namespace jacinth::cli
