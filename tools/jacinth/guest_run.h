// One run of a guest, from its file to the exit code: puts the machine together, watches it, tells what happened.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "boards/board.h"
#include "emu/time/time.h"
#include "kernel/syscalls/injection.h"
#include "tools/jacinth/guest_code.h"
#include "tools/jacinth/host_inputs.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/run_recording.h"
#include "tools/jacinth/run_snapshots.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {

class RunDriver;

using Assignments = std::vector<std::pair<std::string, std::string>>;

struct RunRequest {
  std::string_view who = "jacinth run";  ///< Who speaks on standard error.
  std::string file;
  std::vector<std::string> arguments;  ///< Behind the file's own name.
  Assignments environment;

  const boards::Board* board = nullptr;  ///< Null: by the file's architecture.
  unsigned cpus = 2;
  uint64_t ram = 0;  ///< 0: the board's default.
  uint64_t seed = 0;
  Assignments kernel_options;
  /// A file whose bytes come in at the serial console; "-": standard input; empty: none.
  std::string console_input;
  /// The program gets the root job and all resources.
  bool root = false;
  /// Results to put in the place of calls.
  std::vector<kernel::Injection> injections;
  /// What the program is given beside itself.
  LaunchRequest launch;
  /// A file with the vDSO that processes get; empty: ours. And what is in it, once that was read.
  std::string vdso;
  std::optional<emu::RecordedFile> vdso_file;
  std::shared_ptr<const kernel::GivenVdso> given_vdso;

  std::optional<Duration> time_limit;
  std::optional<Duration> wall_limit;
  bool stop_at_unsupported = false;

  /// Where system calls are traced to: a file, "-", "" for standard error; nothing for no trace.
  std::optional<std::string> strace;
  ViewOptions view;  ///< In which form.
  std::optional<RecordRequest> record;
  std::string summary;  ///< A file, "-", or empty.
  bool counters = false;
  bool quiet = false;  ///< Nothing is said of how the program fares.
  ColorChoice color = ColorChoice::kAuto;
  /// The host's files with the symbols and lines of what runs.
  SymbolFiles symbols;
  /// Who makes the run go; null: nobody but itself.
  RunDriver* driver = nullptr;

  /// The snapshot at which it begins; empty: it begins with the program. What the run depends on is in there then, and
  /// not here.
  std::string from;
  std::vector<SaveRequest> saves;
};

/// Runs it. What went wrong is said on standard error; the result is the exit code.
int run_guest(const RunRequest& request);

/// Takes what a run depends on from its description.
void describe(RunRequest& request, const emu::RunDescription& run);
/// Reads the vDSO that the run has, if it was given one: from the description, or from its file on the host when only
/// the digest is there. What is wrong with it; nothing when it can be used.
std::optional<FileProblem> take_vdso(RunRequest& request);
/// Why that description cannot be run by this jacinth; empty when it can.
std::string unfit_description(const emu::RunDescription& run, std::span<const std::byte> program);

/// What a replay is, beside a run.
struct ReplayRequest {
  std::string file;
  /// Where to look for a program that is not in the recording; empty: where it was.
  std::string program;
  /// The same for libraries and the folders of --dir, in their order.
  std::vector<std::string> libraries;
  std::vector<std::string> folders;
  /// The same for a vDSO.
  std::string vdso;
  /// So many times on its way the run is saved, and goes on with what is loaded in its place.
  uint64_t moves = 0;
  /// Whether what the guest prints is printed again.
  bool print_output = true;
  std::optional<std::string> strace;
  ViewOptions view;
  ColorChoice color = ColorChoice::kAuto;
  SymbolFiles symbols;
  std::string_view who = "jacinth replay";
  /// Says nothing of a run that is the same.
  bool quiet = false;
  /// Who makes the run go; nothing is held against the recording then.
  RunDriver* driver = nullptr;
};

/// Makes a recorded run again and holds it against the recording. The exit code is the run's, or kDiverged.
int replay_run(const ReplayRequest& request);
/// The same, and whether there was nothing to complain of: the run's own exit code may be any.
struct Replayed {
  bool same = false;
  int exit_code = 0;
};
Replayed replay(const ReplayRequest& request);

}  // namespace jacinth::cli
