// `jacinth syscalls`: the ledger of calls, what works and what shows it.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "kernel/syscalls/table.h"
#include "tools/jacinth/call_tests.h"
#include "tools/jacinth/command.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/options.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/suggest.h"

namespace jacinth::cli {
namespace {

struct Options {
  bool json = false;
  bool tests = false;
  bool coverage = false;
  std::string support;
  std::string family;
};

std::vector<std::string> tests_of(std::string_view call) {
  std::vector<std::string> names;
  for (const CallTest& row : call_tests())
    if (row.call == call) names.emplace_back(row.test);
  return names;
}

/// "*" stands for anything; a name may lack its "zx_".
bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') return matches(pattern.substr(1), name) || (!name.empty() && matches(pattern, name.substr(1)));
  return !name.empty() && pattern[0] == name[0] && matches(pattern.substr(1), name.substr(1));
}

bool wanted(const Options& options, const std::vector<std::string>& names, const kernel::TableEntry& entry) {
  if (!options.support.empty() && options.support != kernel::support_name(entry.row->support)) return false;
  if (!options.family.empty() && options.family != entry.info->category) return false;
  if (names.empty()) return true;
  std::string_view bare = entry.info->name;
  bare.remove_prefix(3);
  return std::ranges::any_of(
      names, [&](const std::string& name) { return matches(name, entry.info->name) || matches(name, bare); });
}

/// Name -> the test that saw it, null for none.
nlohmann::ordered_json facts_of(std::string_view call, CallFact::Kind kind) {
  nlohmann::ordered_json facts = nlohmann::ordered_json::object();
  for (const CallFact& fact : call_facts()) {
    if (fact.call != call || fact.kind != kind) continue;
    facts[std::string(fact.name)] = fact.test.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(fact.test);
  }
  return facts;
}

/// "3/4", or nothing when there are none.
std::string part(size_t seen, size_t all, std::string_view what) {
  return all == 0 ? std::string() : fmt::format("{}/{} {}", seen, all, what);
}

void add_facts(std::string& text, std::string_view call) {
  for (const CallFact& fact : call_facts()) {
    if (fact.call != call) continue;
    fmt::format_to(std::back_inserter(text), "    {:<28} {}\n", fact.name, fact.test.empty() ? "no test" : fact.test);
    if (!fact.when.empty()) fmt::format_to(std::back_inserter(text), "      when: {}\n", fact.when);
  }
}

std::string as_json(const std::vector<const kernel::TableEntry*>& entries) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const kernel::TableEntry* entry : entries) {
    nlohmann::ordered_json number;
    if (entry->info->number >= 0) number = entry->info->number;
    rows.push_back({{"name", entry->info->name},
                    {"support", kernel::support_name(entry->row->support)},
                    {"sentence", entry->row->sentence},
                    {"tests", tests_of(entry->info->name)},
                    {"errors", facts_of(entry->info->name, CallFact::Kind::kError)},
                    {"options", facts_of(entry->info->name, CallFact::Kind::kOption)},
                    {"family", entry->info->category},
                    {"number", number}});
  }
  return rows.dump(2) + "\n";
}

std::string as_table(const std::vector<const kernel::TableEntry*>& entries, const Options& options) {
  std::string text;
  auto out = std::back_inserter(text);
  size_t counts[3] = {};
  for (const kernel::TableEntry* entry : entries) {
    std::vector<std::string> tests = tests_of(entry->info->name);
    ++counts[static_cast<size_t>(entry->row->support)];
    CallCoverage coverage = coverage_of(entry->info->name);
    fmt::format_to(out, "{:<40} {:<8} {:>3} {}  {:<12} {:<13} {}\n", entry->info->name,
                   kernel::support_name(entry->row->support), tests.size(), tests.size() == 1 ? "test " : "tests",
                   part(coverage.errors_seen, coverage.errors, "errors"),
                   part(coverage.options_seen, coverage.options, "options"), entry->row->sentence);
    if (options.coverage) add_facts(text, entry->info->name);
    if (options.tests)
      for (const std::string& test : tests) fmt::format_to(out, "    {}\n", test);
  }
  fmt::format_to(out, "{} calls: {} full, {} partial, {} absent\n", entries.size(), counts[0], counts[1], counts[2]);
  return text;
}

int list(const Options& options, const std::vector<std::string>& names) {
  std::vector<const kernel::TableEntry*> entries;
  for (const kernel::TableEntry& entry : kernel::syscall_table())
    if (wanted(options, names, entry)) entries.push_back(&entry);
  if (entries.empty() && !names.empty()) {
    std::vector<std::string> known;
    for (const kernel::TableEntry& entry : kernel::syscall_table()) known.emplace_back(entry.info->name);
    std::string name = names[0].starts_with("zx_") ? names[0] : "zx_" + names[0];
    std::string meant = closest(name, known);
    say("jacinth syscalls",
        fmt::format("no call is like '{}'{}", names[0], meant.empty() ? "" : fmt::format(", did you mean {}?", meant)));
    return 1;
  }
  Output::standard().write(options.json ? as_json(entries) : as_table(entries, options));
  return number(Output::standard().closed() ? ExitCode::kClosedPipe : ExitCode::kOk);
}

}  // namespace

Command syscalls_command() {
  return {
      .name = "syscalls",
      .summary = "List the system calls of Zircon and how much of each works",
      .description =
          "Every call of the ABI has a row: full (all of it works), partial (the sentence says what is missing) or "
          "absent (the sentence says what a guest gets instead). \"3/4 errors\" says that unit tests have seen three "
          "of "
          "the four failures that the documentation names; options likewise.",
      .arguments = "[NAME...]",
      .examples = {{"jacinth syscalls 'zx_channel_*'", "the calls of channels"},
                   {"jacinth syscalls --support=absent", "what does not work at all"},
                   {"jacinth syscalls --json", "an array with name, support, sentence and tests of each call"},
                   {"jacinth syscalls --coverage zx_port_wait", "its failures and options, and tests that show them"}},
      .prepare = [](CLI::App& app, const std::vector<std::string>& rest) -> Action {
        auto options = std::make_shared<Options>();
        app.add_flag("--json", options->json, "Print an array of objects");
        app.add_flag("--tests", options->tests, "Name the tests of each call below it");
        app.add_flag("--coverage", options->coverage,
                     "Name the failures and options of each call below it, with a test that saw each");
        add_choice(app, "--support", options->support, "full|partial|absent", "Only calls with this support");
        add_text(app, "--family", options->family, "NAME", "Only calls of this family, such as channel or vmo");
        return [options, &rest] { return list(*options, rest); };
      },
  };
}

}  // namespace jacinth::cli
