// The command line: where options end, what is said about wrong ones, and what is made from the table of options.
#include "tools/jacinth/command_line.h"

#include <set>

#include "tests/support/test.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/help.h"
#include "tools/jacinth/options.h"
#include "tools/jacinth/reference.h"
#include "tools/jacinth/shell_completion.h"
#include "tools/jacinth/suggest.h"

namespace jacinth::cli {
namespace {

/// What the command of these tests was given.
struct Given {
  bool loud = false;
  uint64_t cpus = 0;
  std::string mode, text, trace = "none";
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> rest;
};

Command command_into(Given& given, std::string_view arguments) {
  return {.name = "test",
          .summary = "Test",
          .arguments = arguments,
          .prepare = [&given](CLI::App& app, const std::vector<std::string>& rest) -> Action {
            app.add_flag("-l,--loud", given.loud, "Be loud");
            add_value(app, "-n,--cpus", given.cpus, parse_number, "N", "How many");
            add_choice(app, "--mode", given.mode, "one|two", "Which");
            add_text(app, "--text", given.text, "FILE", "What");
            add_assignments(app, "--set", given.set, "Set");
            app.add_flag("--trace{}", given.trace, "Trace")->type_name("FILE");
            return [&given, &rest] {
              given.rest = rest;
              return 42;
            };
          }};
}

Given parsed(const std::vector<std::string>& line, std::string_view arguments = "FILE [ARGUMENT...]") {
  Given given;
  Command command = command_into(given, arguments);
  auto action = parse(command, line);
  INFO((action ? "" : action.error()));
  REQUIRE(action.has_value());
  REQUIRE((*action)() == 42);
  return given;
}

std::string refused(const std::vector<std::string>& line, std::string_view arguments = "FILE [ARGUMENT...]") {
  Given given;
  Command command = command_into(given, arguments);
  auto action = parse(command, line);
  REQUIRE_FALSE(action.has_value());
  return action.error();
}

using Words = std::vector<std::string>;

TEST_CASE("options end where the guest's file begins") {
  Given given = parsed({"--loud", "--cpus=3", "--mode", "two", "prog", "--loud", "-x", "--cpus=9"});
  REQUIRE(given.loud);
  REQUIRE(given.cpus == 3);
  REQUIRE(given.mode == "two");
  REQUIRE(given.rest == Words{"prog", "--loud", "-x", "--cpus=9"});
}

TEST_CASE("two dashes may stand before the guest's file or behind it") {
  REQUIRE(parsed({"--", "prog", "-a"}).rest == Words{"prog", "-a"});
  REQUIRE(parsed({"prog", "--", "-a"}).rest == Words{"prog", "-a"});
  REQUIRE(parsed({"prog", "-a", "--", "-b"}).rest == Words{"prog", "-a", "--", "-b"});
  REQUIRE(parsed({"--", "-prog"}).rest == Words{"-prog"});
  REQUIRE(parsed({"-n", "4", "--", "prog"}).cpus == 4);
}

TEST_CASE("a value that may be missing is never taken from the next word") {
  Given given = parsed({"--trace", "prog"});
  REQUIRE(given.trace.empty());
  REQUIRE(given.rest == Words{"prog"});
  REQUIRE(parsed({"--trace=file", "prog"}).trace == "file");
  REQUIRE(parsed({"--trace=-", "prog"}).trace == "-");
  REQUIRE(parsed({"prog"}).trace == "none");
}

TEST_CASE("values keep what they are made of") {
  REQUIRE(parsed({"--text=[a,b]", "prog"}).text == "[a,b]");
  REQUIRE(parsed({"--text", "-", "prog"}).text == "-");
  REQUIRE(parsed({"--text=a=b", "prog"}).text == "a=b");
  REQUIRE(parsed({"--text", "a b", "prog", ""}).rest == Words{"prog", ""});
  Given given = parsed({"--set", "A=[1,2]", "--set=B=x=y", "--set", "C=", "prog"});
  REQUIRE(given.set == std::vector<std::pair<std::string, std::string>>{{"A", "[1,2]"}, {"B", "x=y"}, {"C", ""}});
}

TEST_CASE("the last of several equal options counts") {
  REQUIRE(parsed({"--cpus=1", "-n2", "-n", "5", "prog"}).cpus == 5);
}

TEST_CASE("an unknown option is named with the one that was probably meant") {
  REQUIRE(refused({"--lod", "prog"}) == "there is no option --lod, did you mean --loud? See jacinth test --help");
  REQUIRE(refused({"--cups=3", "prog"}) == "there is no option --cups, did you mean --cpus? See jacinth test --help");
  REQUIRE(refused({"--entirely-different", "prog"}) ==
          "there is no option --entirely-different; see jacinth test --help");
  REQUIRE(refused({"-q", "prog"}) == "there is no option -q; see jacinth test --help");
}

TEST_CASE("a wrong value is named with its option") {
  REQUIRE(refused({"--cpus=many", "prog"}) == "--cpus: 'many' is no number from 0 to 2^64 - 1");
  REQUIRE(refused({"--mode=three", "prog"}) == "--mode: 'three' is none of one, two");
  REQUIRE(refused({"--set", "A", "prog"}) == "--set: 'A' is no NAME=VALUE");
  REQUIRE_FALSE(refused({"--cpus"}).empty());
}

TEST_CASE("a missing file is asked for with the usage") {
  REQUIRE(refused({}) == "which file? Usage: jacinth test [OPTION...] FILE [ARGUMENT...]");
  REQUIRE(refused({"--loud"}) == "which file? Usage: jacinth test [OPTION...] FILE [ARGUMENT...]");
}

TEST_CASE("commands without a guest take options anywhere and nothing else") {
  REQUIRE(parsed({"name", "--loud"}, "[NAME...]").loud);
  REQUIRE(parsed({"name", "--cpus", "3", "other"}, "[NAME...]").rest == Words{"name", "other"});
  REQUIRE(refused({"word"}, "") == "there is nothing to do with 'word'; see jacinth test --help");
}

TEST_CASE("every command says what each of its options does") {
  for (const Command& command : commands()) {
    INFO(command.name);
    REQUIRE_FALSE(command.summary.empty());
    REQUIRE_FALSE(command.summary.ends_with('.'));
    std::set<std::string> names;
    for (const OptionRow& row : options_of(command)) {
      INFO(row.text());
      REQUIRE_FALSE(row.help.empty());
      REQUIRE_FALSE(row.help.ends_with('.'));
      for (const std::string& name : row.names) REQUIRE(names.insert(name).second);
    }
    REQUIRE(names.count("--help") == 1);
    REQUIRE_FALSE(help_text(command, Style(false)).empty());
  }
}

TEST_CASE("help fits the screen") {
  for (const Command& command : commands()) {
    std::string text = help_text(command, Style(false));
    for (size_t begin = 0; begin < text.size();) {
      size_t end = text.find('\n', begin);
      INFO(text.substr(begin, end - begin));
      REQUIRE(end - begin <= 100);
      begin = end + 1;
    }
  }
}

TEST_CASE("every option can be completed in every shell") {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    std::string script = completion_script(shell).value();
    for (const Command& command : commands()) {
      if (command.hidden) continue;
      REQUIRE(script.find(command.name) != std::string::npos);
      for (const OptionRow& row : options_of(command)) {
        INFO(shell << " " << row.text());
        std::string name = row.names.back();
        if (shell == std::string_view("fish")) name = name.substr(name.find_first_not_of('-'));
        REQUIRE(script.find(name) != std::string::npos);
      }
    }
  }
  REQUIRE_FALSE(completion_script("tcsh").has_value());
}

TEST_CASE("every page of the reference can be made") {
  for (const std::string& name : reference_pages()) {
    INFO(name);
    REQUIRE(reference_page(name).value().size() > 100);
  }
  REQUIRE_FALSE(reference_page("nothing").has_value());
}

TEST_CASE("exit codes stay apart from a guest's usual ones") {
  std::set<int> seen;
  for (const ExitCodeRow& row : exit_codes()) {
    INFO(row.reason);
    REQUIRE(seen.insert(number(row.code)).second);
    REQUIRE(exit_reason(row.code) == row.reason);
    // Neither a small code, nor 128 + a signal, nor a small negative number modulo 256.
    bool ours = number(row.code) >= 166 && number(row.code) <= 178;
    bool customary = number(row.code) <= 2 || (number(row.code) >= 124 && number(row.code) <= 143);
    REQUIRE((ours || customary));
  }
}

TEST_CASE("a word close to a name is taken for it, another word is not") {
  Words names = {"run", "boards", "syscalls", "completion"};
  REQUIRE(edit_distance("run", "run") == 0);
  REQUIRE(edit_distance("rnu", "run") == 1);
  REQUIRE(edit_distance("", "run") == 3);
  REQUIRE(edit_distance("kitten", "sitting") == 3);
  REQUIRE(closest("rnu", names) == "run");
  REQUIRE(closest("board", names) == "boards");
  REQUIRE(closest("sycalls", names) == "syscalls");
  REQUIRE(closest("comp", names) == "completion");
  REQUIRE(closest("destroy", names).empty());
  REQUIRE(closest("nxt", std::vector<std::string>{"x", "to"}).empty());
  REQUIRE(closest("nxt", std::vector<std::string>{"x", "next"}) == "next");
}

}  // namespace
}  // namespace jacinth::cli
