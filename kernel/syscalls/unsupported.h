// What guests asked for that Zircon has and we lack: named once with its arguments, counted, summed up at exit.
//
// Silence is the one wrong answer: a guest that goes astray because of us must not look like one that is wrong itself.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "emu/state/archive.h"
#include "emu/time/time.h"
#include "kernel/abi/names.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

class Thread;

/// One thing that we lack and somebody wanted.
struct UnsupportedUse {
  std::string call;    ///< "zx_bti_create"
  std::string option;  ///< What of the call; empty for all of it.
  uint64_t count = 0;
  Status status = Status::kOk;  ///< What the guest got.
  // The first time:
  Trap trap;
  GuestAddr caller;  ///< Where the guest called the vDSO; 0 when that could not be read.
  Time when;
  uint64_t process = 0;
  uint64_t thread = 0;

  void state(Archive& ar);
};

class UnsupportedLedger {
 public:
  /// Runs at the first use of each; true stops the machine (--on-unsupported=stop).
  using Hook = std::function<bool(Thread& thread, const UnsupportedUse& use)>;
  void set_hook(Hook hook) { hook_ = std::move(hook); }

  /// True when the machine is to stop.
  bool add(Thread& thread, std::string_view call, std::string_view option, Status status);

  /// By call, then option.
  const std::map<std::pair<std::string, std::string>, UnsupportedUse>& uses() const { return uses_; }

  /// Apart from the kernel's: no guest can see it.
  void state(Archive& ar) { ar(uses_); }

 private:
  Hook hook_;
  std::map<std::pair<std::string, std::string>, UnsupportedUse> uses_;
};

}  // namespace jacinth::kernel
