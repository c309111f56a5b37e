// A guest program run to its end in this process, on a system of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boards/system.h"
#include "kernel/boot/boot.h"

namespace jacinth::boards {

/// The bytes of build/guests/<architecture>/<name>.
std::vector<std::byte> guest_file(Arch arch, std::string_view name);

struct GuestOptions {
  Arch arch = Arch::kArm64;
  std::string name;
  unsigned cpus = 2;
  uint64_t seed = 1;
  bool stepping = false;
  /// It has a dynamic linker: guests/linked's, which finds its libraries among the guests. With streams, a namespace,
  /// and these pieces of input, which somebody has to wait for.
  bool linked = false;
  std::vector<std::string> input = {};
  /// Results to put in the place of calls.
  std::vector<kernel::Injection> injections = {};
  uint64_t ram = uint64_t{64} << 20;
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
  void add_launch(kernel::BootOptions& boot);

  /// What the services have from outside.
  class Host final : public kernel::ServiceHost {
   public:
    explicit Host(GuestRun& run) : run_(run) {}
    const std::vector<std::byte>* library(std::string_view name) override;
    void output(unsigned, std::string_view text) override { run_.console_ += text; }
    std::string_view input(uint64_t index) override;
    bool has_input_ready() override { return false; }
    const std::vector<kernel::HostEntry>& folder(unsigned) override { return none_; }
    const std::vector<std::byte>* file(unsigned, std::string_view) override { return nullptr; }

   private:
    GuestRun& run_;
    std::vector<std::byte> library_;
    std::vector<kernel::HostEntry> none_;
  };

  GuestOptions options_;
  std::string console_;
  Host host_{*this};
  std::unique_ptr<System> system_;
};

}  // namespace jacinth::boards
