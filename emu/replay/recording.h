// What a recording says of a run as a whole: what it depends on, the files it read, how it ended. With these alone a
// run can be made again; the events between only show that it is the same.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "emu/replay/event_codec.h"
#include "emu/replay/payload.h"
#include "emu/replay/saved_state.h"
#include "emu/state/archive.h"
#include "emu/time/time.h"
#include "emu/trace/trace_reader.h"

namespace jacinth::emu {

/// A file that the run read.
struct RecordedFile {
  std::string path;
  Digest digest;
  bool embedded = false;
  std::vector<std::byte> bytes;  ///< When embedded.

  void state(Archive& ar);
};

/// All that the run depends on, and nothing else.
struct RunDescription {
  std::string version;  ///< Of the jacinth that made it.
  std::string board;
  uint32_t cpus = 0;
  uint64_t ram = 0;  ///< Bytes; 0: the board's default.
  uint64_t seed = 0;
  std::vector<std::pair<std::string, std::string>> kernel_options;
  std::string program;  ///< As it was named on the command line.
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string console_input;  ///< What came in at the serial console.
  bool root = false;
  bool stop_at_unsupported = false;
  std::optional<int64_t> time_limit;  ///< Virtual nanoseconds.
  RecordLevel level = RecordLevel::kDigests;
  int64_t digest_period = 0;  ///< Virtual nanoseconds between two digests of the machine; 0: none.
  /// Calls that have their results put in, in the words of whoever speaks of calls.
  std::vector<std::string> injections;
  /// What processes have for a vDSO; nothing: what a jacinth makes itself.
  std::optional<RecordedFile> vdso;

  void state(Archive& ar);
};

/// What a program was given beside itself. A recording without one: nothing.
struct LaunchDescription {
  bool has_libraries = false;
  bool sockets = false;      ///< For standard streams.
  bool input_ready = false;  ///< Standard input was all there when the run began.
  struct Folder {
    std::string guest;
    bool writable = false;
    void state(Archive& ar) { ar(guest, writable); }
  };
  std::vector<Folder> folders;

  void state(Archive& ar);
};

/// An answer from outside. The same question has the same answer in all of a run.
struct RecordedInput {
  std::string question;  ///< "library libfdio.so", "input 0".
  bool present = false;
  Digest digest;
  bool embedded = false;
  std::vector<std::byte> bytes;  ///< When embedded.

  void state(Archive& ar);
};

struct RunConclusion {
  enum class Cause : uint8_t {
    kItself,   ///< The run came to an end that every run of it comes to.
    kOutside,  ///< Somebody ended it: a signal, a limit of real time, a reader who went away.
  };
  Cause cause = Cause::kItself;
  uint8_t exit_code = 0;
  std::string reason;
  int64_t time = 0;  ///< Virtual nanoseconds.
  uint64_t events = 0;
  uint64_t chain = 0;
  Digest machine;
  uint64_t dropped_frames = 0;  ///< A cap or a ring kept them out of the file.

  void state(Archive& ar);
};

Digest digest_of_bytes(std::span<const std::byte> bytes);

/// A recording's file, read as far as a replay needs it before it begins.
struct Recording {
  /// `trace` outlives the result.
  static std::expected<Recording, std::string> open(const TraceReader& trace);

  RunDescription run;
  std::vector<RecordedFile> files;
  std::optional<LaunchDescription> launch;
  std::map<std::string, RecordedInput> inputs;  ///< By their questions.
  std::optional<RunConclusion> conclusion;      ///< Nothing: it was cut off.
  std::optional<SavedState> begin;              ///< Where it begins; nothing: at the start of the program.
  /// Whether its events go on to the end of the run.
  bool complete() const { return conclusion && conclusion->dropped_frames == 0; }
};

}  // namespace jacinth::emu
