#include "tools/jacinth/debug/prompt.h"

#include <fmt/format.h>
#include <histedit.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "boards/system.h"
#include "tools/jacinth/debug/debugger.h"
#include "tools/jacinth/guest_code.h"
#include "tools/jacinth/output.h"

namespace jacinth::cli {
namespace {

constexpr const char* kPrompt = "(jacinth) ";

/// Where the lines of earlier sessions are kept; empty when there is no place for it.
std::string history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state != nullptr && *state != '\0') {
    folder = state;
  } else if (home != nullptr && *home != '\0') {
    folder = std::filesystem::path(home) / ".local" / "state";
  } else {
    return {};
  }
  std::error_code problem;
  std::filesystem::create_directories(folder / "jacinth", problem);
  return problem ? std::string() : (folder / "jacinth" / "debug_history").string();
}

/// Lines from somebody at a terminal, with editing, history and completion.
class Terminal {
 public:
  Terminal() : editor_(el_init("jacinth", stdin, stdout, stderr)), history_(history_init()), file_(history_file()) {
    HistEvent event;
    history(history_, &event, H_SETSIZE, 1000);
    if (!file_.empty()) history(history_, &event, H_LOAD, file_.c_str());
    el_set(editor_, EL_PROMPT, prompt);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, ::history, history_);
    el_set(editor_, EL_SIGNAL, 1);
    el_set(editor_, EL_ADDFN, "jacinth-complete", "Complete a command or a call", complete);
    el_set(editor_, EL_BIND, "^I", "jacinth-complete", nullptr);
    el_source(editor_, nullptr);
  }
  ~Terminal() {
    HistEvent event;
    if (!file_.empty()) history(history_, &event, H_SAVE, file_.c_str());
    history_end(history_);
    el_end(editor_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::optional<std::string> line() {
    int length = 0;
    const char* text = el_gets(editor_, &length);
    if (text == nullptr || length <= 0) return std::nullopt;
    std::string line(text, static_cast<size_t>(length));
    if (line.find_first_not_of(" \t\n") != std::string::npos) {
      HistEvent event;
      history(history_, &event, H_ENTER, line.c_str());
    }
    return line;
  }

 private:
  static char* prompt(EditLine*) { return const_cast<char*>(kPrompt); }

  static unsigned char complete(EditLine* editor, int) {
    const LineInfo* info = el_line(editor);
    std::string_view begun(info->buffer, static_cast<size_t>(info->cursor - info->buffer));
    std::vector<std::string> found = Debugger::completions(begun);
    if (found.empty()) return CC_ERROR;
    std::string common = found.front();
    for (const std::string& one : found) {
      size_t same = 0;
      while (same < common.size() && same < one.size() && common[same] == one[same]) ++same;
      common.resize(same);
    }
    size_t space = begun.rfind(' ');
    size_t typed = begun.size() - (space == std::string_view::npos ? 0 : space + 1);
    std::string rest = common.substr(typed);
    if (found.size() == 1) rest += ' ';
    if (!rest.empty()) return el_insertstr(editor, rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    std::cout << '\n';
    for (const std::string& one : found) std::cout << one << "  ";
    std::cout << std::endl;
    return CC_REDISPLAY;
  }

  EditLine* editor_;
  History* history_;
  std::string file_;
};

}  // namespace

RunDriver::End PromptSession::talk(const DebuggedRun& run) {
  SymbolizedCode code(run.symbols);
  Debugger debugger(run.timeline, run.system.kernel(), code, &run.host.flag());
  debugger.set_symbols(run.symbols);
  debugger.set_end_words(run.end_words);
  Output& out = Output::standard();
  bool quit = false;
  auto execute = [&](std::string_view line) {
    Answer answer = debugger.execute(line);
    // What was asked for is done: the next command can be interrupted anew.
    run.host.forgive_interrupt();
    failed_ |= answer.failed;
    quit |= answer.quit;
    if (options_.json) {
      if (answer.data.contains("command") || answer.failed) {
        answer.data["ok"] = !answer.failed;
        out.write(answer.data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
      }
    } else if (answer.failed) {
      out.flush();
      say(options_.who, answer.text.substr(0, answer.text.size() - 1));
    } else {
      out.write(answer.text);
    }
    out.flush();
  };
  auto all_of = [&](std::istream& in) {
    for (std::string line; !quit && std::getline(in, line);) execute(line);
  };

  for (const std::string& line : options_.commands) {
    if (!quit) execute(line);
  }
  if (!options_.script.empty() && !quit) {
    std::ifstream script(options_.script);
    if (!script) {
      say(options_.who, fmt::format("{}: it cannot be read", options_.script));
      failed_ = true;
      return End::kRunOver;
    }
    all_of(script);
  }
  bool scripted = !options_.commands.empty() || !options_.script.empty();
  bool terminal = isatty(STDIN_FILENO) != 0;
  if (!quit && terminal && !options_.batch) {
    if (!scripted) out.write("The program stands before its first instruction. 'help' lists the commands.\n");
    out.flush();
    Terminal lines;
    while (!quit) {
      std::optional<std::string> line = lines.line();
      if (!line) break;
      execute(*line);
    }
  } else if (!quit && !scripted) {
    all_of(std::cin);
  }
  return End::kRunOver;
}

}  // namespace jacinth::cli
