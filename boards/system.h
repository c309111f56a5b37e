// A board with a kernel on it: everything that runs a guest, put together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "boards/board.h"
#include "emu/debug/history.h"
#include "emu/machine/machine.h"
#include "emu/state/archive.h"
#include "kernel/platform/on_machine.h"
#include "kernel/services/services.h"
#include "kernel/syscalls/kernel.h"

namespace jacinth::boards {

struct SystemOptions {
  unsigned cpus = 2;
  /// Bytes, a multiple of the page size; 0: the board's default.
  uint64_t ram = 0;
  /// All the chance there is.
  uint64_t seed = 0;
  /// One instruction at a time; the same run.
  bool stepping = false;
  /// Told of all code that runs; null: nobody. Outlives the system.
  emu::BlockListener* blocks = nullptr;
  kernel::KernelOptions kernel;
  kernel::OnMachine::Console console = [](std::string_view) {};
  /// Where the services have from what comes from outside; it outlives the system. Null: nothing does.
  kernel::ServiceHost* host = nullptr;
};

class System final : public emu::Rewindable {
 public:
  /// The options fit the board (the caller checked: see fits()).
  System(const Board& board, const SystemOptions& options);
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  const Board& board() const { return board_; }
  emu::Machine& machine() override { return machine_; }
  kernel::Kernel& kernel() { return kernel_; }

  kernel::Services& services() { return services_; }

  emu::RunEnd run(const emu::RunLimits& limits = {}) { return machine_.run(limits); }

  /// Everything that the run's future depends on. Load into a fresh system of the same board and options only.
  void state(Archive& ar);
  void state_without_memory(Archive& ar) override;
  void forget() override { kernel_.forget(); }
  Digest digest();
  /// Of all but what RAM holds: its cost grows with the kernel's objects, not with memory.
  Digest digest_without_memory();

 private:
  const Board& board_;
  emu::Machine machine_;
  kernel::OnMachine platform_;
  kernel::Kernel kernel_;
  kernel::Services services_;
};

/// Empty when the options fit the board, else one line that says what does not.
std::string unfit(const Board& board, const SystemOptions& options);

}  // namespace jacinth::boards
