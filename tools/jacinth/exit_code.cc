#include "tools/jacinth/exit_code.h"

#include <array>

namespace jacinth::cli {
namespace {

constexpr auto kExitCodes = std::to_array<ExitCodeRow>({
    {ExitCode::kOk, "exited", "The guest exited by itself with a return code of 0, or a multiple of 256."},
    {ExitCode::kUsage, "usage", "The command line is wrong; nothing ran."},
    {ExitCode::kTimeLimit, "time-limit", "A time limit passed: --time-limit (virtual) or --wall-limit (real)."},
    {ExitCode::kInternal, "internal-error", "Jacinth itself failed. That is a mistake of ours."},
    {ExitCode::kNotLoadable, "not-loadable", "The guest's file exists but cannot be loaded."},
    {ExitCode::kNotFound, "not-found", "The guest's file does not exist."},
    {ExitCode::kInterrupted, "interrupted", "Ctrl-C (SIGINT) ended the run."},
    {ExitCode::kClosedPipe, "closed-pipe", "Whoever read standard output went away."},
    {ExitCode::kTerminated, "terminated", "SIGTERM or SIGHUP ended the run."},
    {ExitCode::kException, "exception", "The guest's process died of an exception that nobody handled."},
    {ExitCode::kDeadlock, "deadlock", "Every thread waits for something that can no longer happen."},
    {ExitCode::kUnsupported, "unsupported",
     "The guest used something that Jacinth lacks, and --on-unsupported=stop was given."},
    {ExitCode::kKilled, "killed",
     "The guest's process was killed: by a program, its job, a policy, a debugger or for want of memory."},
    {ExitCode::kOutOfMemory, "out-of-memory",
     "The machine ran out of memory, and rebooted for it as a real one does: see the options kernel.oom.*."},
    {ExitCode::kDiverged, "diverged", "A replay was not the run that was recorded: the first difference is printed."},
    {ExitCode::kNotRecorded, "not-recorded",
     "The recording could not be written on, and --on-record-error=stop was given; or a snapshot of --save-at could "
     "not "
     "be written."},
    {ExitCode::kCommandFailed, "command-failed", "A command given to jacinth debug could not be done."},
});

}  // namespace

std::span<const ExitCodeRow> exit_codes() { return kExitCodes; }

std::string_view exit_reason(ExitCode code) {
  for (const ExitCodeRow& row : kExitCodes)
    if (row.code == code) return row.reason;
  return "exited";
}

}  // namespace jacinth::cli
