// The prompt of `jacinth debug`: lines from the command line, a script, a terminal or a pipe; answers in words or JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/jacinth/debug_session.h"

namespace jacinth::cli {

struct PromptOptions {
  std::string_view who;
  std::vector<std::string> commands;  ///< Done first.
  std::string script;                 ///< A file of them, done next; empty: none.
  bool json = false;                  ///< Each answer is a line of JSON.
  bool batch = false;                 ///< Leave then, even when somebody sits at a terminal.
};

class PromptSession final : public DebugSession {
 public:
  explicit PromptSession(PromptOptions options) : options_(std::move(options)) {}
  /// Whether a command was not understood or could not be done.
  bool failed() const { return failed_; }

 private:
  End talk(const DebuggedRun& run) override;

  PromptOptions options_;
  bool failed_ = false;
};

}  // namespace jacinth::cli
