// A guest program run to its end in this process, on a system of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boards/system.h"

namespace jacinth::boards {

/// The bytes of build/guests/<architecture>/<name>.
std::vector<std::byte> guest_file(Arch arch, std::string_view name);

struct GuestOptions {
  Arch arch = Arch::kArm64;
  std::string name;
  unsigned cpus = 2;
  uint64_t seed = 1;
  bool stepping = false;
};

/// A system with the program started in it; its console collects what the program prints.
class GuestRun {
 public:
  explicit GuestRun(const GuestOptions& options);

  System& system() { return *system_; }
  const std::string& console() const { return console_; }
  /// Runs to the end of the program, or for `limits`.
  emu::RunEnd run(const emu::RunLimits& limits = {}) { return system_->run(limits); }
  /// The initial process's return code; meaningless before the end.
  int64_t return_code() { return system_->kernel().outcome()->return_code; }

  /// Saves everything, makes a fresh system, loads it there, and goes on with that one. The reason when loading fails.
  std::string move_to_fresh_system();

 private:
  void make();

  GuestOptions options_;
  std::string console_;
  std::unique_ptr<System> system_;
};

}  // namespace jacinth::boards
