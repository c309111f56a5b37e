// What a replay believes of a recording that somebody made by hand.
#include <unistd.h>

#include <cstdlib>

#include "tests/support/test.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/guest_run.h"
#include "tools/jacinth/run_recording.h"

namespace jacinth::cli {
namespace {

/// The exit code of a replay of a run with this kernel option, whose program is nowhere to be found.
int replay_with(std::string name, std::string value) {
  char path[] = "/tmp/jacinth-replay-XXXXXX";
  int file = ::mkstemp(path);
  REQUIRE(file >= 0);
  ::close(file);
  emu::RunDescription run{.version = "0", .board = "virt-arm64", .cpus = 1, .program = "/nowhere/at/all"};
  run.kernel_options = {{std::move(name), std::move(value)}};
  auto recording = RunRecording::begin({.file = path, .embed = false}, run, {});
  REQUIRE(recording);
  (*recording)->finish({});
  int code = replay_run({.file = path});
  ::unlink(path);
  return code;
}

}  // namespace

TEST_CASE("replay: Kernel options that no command line would take are refused") {
  REQUIRE(replay_with("aslr.disable", "true") == number(ExitCode::kNotFound));  // Goes on to the program.
  REQUIRE(replay_with("aslr.disable", "perhaps") == number(ExitCode::kNotLoadable));
  REQUIRE(replay_with("aslr.entropy_bits", "99") == number(ExitCode::kNotLoadable));
  REQUIRE(replay_with("kernel.no-such-option", "1") == number(ExitCode::kNotLoadable));
}

}  // namespace jacinth::cli
