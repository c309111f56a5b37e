// What the services have from outside: libraries, what the folders held when the run began, standard input; and where
// output goes.
//
// The same question has the same answer in all of a run and in every run that repeats it, however often it is asked:
// whoever implements this (tools/jacinth/host_files.h) keeps what it read and writes it down in the recording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jacinth::kernel {

/// An entry of a folder as it was when the run began.
struct HostEntry {
  std::string path;  ///< From the folder on: "notes/today.txt". Parents come before what is in them.
  bool is_folder = false;
  /// Another path of the same folder that a symbolic link leads to; empty for what is no link.
  std::string same_as;
  uint64_t size = 0;  ///< Of a file.

  template <class Archive>
  void state(Archive& ar) {
    ar(path, is_folder, same_as, size);
  }
};

class ServiceHost {
 public:
  virtual ~ServiceHost() = default;

  /// The bytes of a library; null when no folder has it. `name` was found to be harmless: no empty, "." or ".." parts.
  virtual const std::vector<std::byte>* library(std::string_view name) = 0;

  /// What was written to descriptor 1 or 2.
  virtual void output(unsigned descriptor, std::string_view text) = 0;

  /// The next piece of standard input: never empty but at its end. `index` counts the pieces from 0. May wait for
  /// whoever types, unless has_input_ready().
  virtual std::string_view input(uint64_t index) = 0;
  /// Whether pieces come without waiting, so that they need not be asked for before somebody wants them.
  virtual bool has_input_ready() = 0;

  /// What the folder of that number held.
  virtual const std::vector<HostEntry>& folder(unsigned number) = 0;
  /// The bytes of a file in it; null when they cannot be had.
  virtual const std::vector<std::byte>* file(unsigned folder, std::string_view path) = 0;
};

}  // namespace jacinth::kernel
