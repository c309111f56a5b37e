// A run in the hands of a debugger: the timeline on the system, and whoever talks to the user about it.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "emu/debug/time_travel.h"
#include "kernel/inspect/debug_target.h"
#include "tools/jacinth/gdb_server.h"
#include "tools/jacinth/run_driver.h"

namespace jacinth::cli {

/// What a debugger's user interface has to work with.
struct DebuggedRun {
  boards::System& system;
  HostEvents& host;
  emu::TimeTravel& timeline;
  kernel::DebugTarget& target;
  bool recorded = false;
  SymbolFiles symbols;
  std::string end_words;
};

/// Makes the timeline; what happens on it is up to who derives from this.
class DebugSession : public RunDriver {
 public:
  End drive(const StartedRun& run) final;
  bool again() final { return timeline_ != nullptr && timeline_->was_here(); }
  std::optional<Time> parted() final { return timeline_ != nullptr ? timeline_->parted() : parted_; }

 private:
  virtual End talk(const DebuggedRun& run) = 0;

  emu::TimeTravel* timeline_ = nullptr;
  std::optional<Time> parted_;  // When there is no timeline any more.
};

/// With debuggers that speak the GDB remote protocol.
class GdbDebugSession final : public DebugSession {
 public:
  /// Listens at once, so that a bad address is said before anything runs; or what stands against it. `wait`: the run
  /// begins when a debugger says so.
  static std::expected<std::unique_ptr<GdbDebugSession>, std::string> open(std::string_view who,
                                                                           std::string_view address, bool wait);

 private:
  GdbDebugSession(std::string_view who, std::unique_ptr<GdbServer> server, bool wait)
      : who_(who), server_(std::move(server)), wait_(wait) {}
  End talk(const DebuggedRun& run) override;

  std::string_view who_;
  std::unique_ptr<GdbServer> server_;
  bool wait_;
};

}  // namespace jacinth::cli
