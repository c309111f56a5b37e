// The syscall debugger without its prompt: takes commands, moves the run, and answers in words and in data.
//
//   prompt, script, gdb's `monitor` --line--> Debugger --row of the table--> command --> Timeline, Target, Kernel
//                                                                               '--> Answer: text, JSON
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/debug/symbols.h"
#include "emu/debug/timeline.h"
#include "kernel/inspect/guest_code.h"
#include "kernel/syscalls/kernel.h"
#include "tools/jacinth/guest_code.h"

namespace jacinth::cli {

/// What a command has to say. The text ends with a newline or is empty.
struct Answer {
  std::string text;
  nlohmann::ordered_json data = nlohmann::ordered_json::object();
  bool failed = false;
  bool quit = false;

  static Answer failure(std::string text);
};

class Debugger;
using Words = std::vector<std::string>;

struct DebugCommand {
  std::string_view name;
  std::string_view aliases;    ///< Parted by spaces.
  std::string_view arguments;  ///< For the help.
  std::string_view summary;
  size_t least = 0;  ///< Arguments.
  size_t most = 0;
  Answer (*run)(Debugger& debugger, const Words& arguments);
};

/// In the order of the help.
std::span<const DebugCommand> debug_commands();
// One table per file.
std::span<const DebugCommand> run_commands();
std::span<const DebugCommand> point_commands();
std::span<const DebugCommand> look_commands();
std::span<const DebugCommand> object_commands();

class Debugger {
 public:
  /// Who says where the run goes: these commands, or somebody else, such as gdb, who only wants answers from them.
  enum class Role : uint8_t { kLeads, kAnswers };

  /// All of it outlives the debugger.
  Debugger(emu::Timeline& timeline, kernel::Kernel& kernel, kernel::GuestCode& code,
           const volatile std::sig_atomic_t* interrupt, Role role = Role::kLeads);

  /// In place of the words for where the run ends that was ended from outside.
  void set_end_words(std::string words) { end_words_ = std::move(words); }
  /// Files of the host's to look for symbols in first.
  void set_symbols(SymbolFiles files) { from_host_ = std::move(files); }

  /// Does one command line; an empty one, and a comment, do nothing.
  Answer execute(std::string_view line);
  /// Commands and their like that begin so.
  static std::vector<std::string> completions(std::string_view begun);

  // For commands.
  emu::Timeline& timeline() { return timeline_; }
  emu::Target& target() { return timeline_.target(); }
  kernel::Kernel& kernel() { return kernel_; }
  kernel::GuestCode& code() { return code_; }

  /// Who commands are about: the one that made the run stop, or was chosen since.
  emu::TaskId selected();
  void select(emu::TaskId task) { selected_ = task; }
  kernel::Thread* thread(uint64_t koid);
  kernel::Process* process(uint64_t koid);
  kernel::Object* object(uint64_t koid);
  /// The call that a thread is about to make with its next instruction; null when that is none.
  const abi::SyscallInfo* call_ahead(uint64_t thread);

  /// A number, $register or symbol with an optional +offset, in the selected thread's process.
  std::expected<uint64_t, std::string> value(std::string_view word);
  std::optional<uint64_t> symbol(std::string_view name);

  /// Lets the run go, and tells of the stop.
  Answer go(emu::Resume resume);
  Answer tell(const emu::DebugStop& stop);

  /// What is to be stopped at: kept here, since the timeline takes all catches at once.
  struct Catch {
    std::string text;
    std::optional<uint32_t> point;
    std::optional<emu::CallCatch> call;
    std::optional<emu::MomentCatch> moment;
    bool exceptions = false;
  };
  Answer add(Catch what);
  bool remove(uint32_t number);
  const std::map<uint32_t, Catch>& catches() const { return catches_; }
  std::vector<emu::MomentCatch> moments() const;
  /// Tells the timeline, with one more for a single movement, or without any of them.
  void apply(const Catch* extra = nullptr, bool others = true);

  /// Places to come back to.
  std::map<uint32_t, emu::Position>& bookmarks() { return bookmarks_; }

 private:
  std::string place_text(emu::TaskId who);

  emu::Timeline& timeline_;
  kernel::Kernel& kernel_;
  kernel::GuestCode& code_;
  const volatile std::sig_atomic_t* interrupt_;
  Role role_;
  std::optional<emu::TaskId> selected_;
  std::map<uint32_t, Catch> catches_;
  uint32_t last_catch_ = 0;
  std::map<uint32_t, emu::Position> bookmarks_;
  std::map<std::string, std::unique_ptr<emu::SymbolFile>> symbols_;  // By module.
  SymbolFiles from_host_;
  std::string end_words_ = "here the recorded run was ended";
};

/// The call that a thread's registers make when its next instruction is a trap.
kernel::Trap trap_of(Arch arch, const Registers& registers);
/// Where such a call has its arguments.
uint64_t& argument_register(Arch arch, Registers& registers, size_t index);

}  // namespace jacinth::cli
