// Results put in the place of calls: "every third zx_vmo_create of a thread fails with ZX_ERR_NO_MEMORY".
//
//   trap -> handlers[number] = Injector::handle -> its turn: the result that was asked for, and nothing is done
//                                               -> else:     the call's own handler
//
// A chosen call has another handler in the kernel's table, so that nothing is asked where nothing is injected. Counted
// is as strace does: for each thread and each call by itself, from the thread's first call on. What is counted is
// state: a run that goes back, or on from a snapshot, injects where it did before. What is chosen is not: it is of what
// a run is described by, as options are.
//
// Left out: delays, signals, and writing into the program's memory.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emu/state/archive.h"
#include "kernel/syscalls/bind.h"
#include "kernel/task/observer.h"

namespace jacinth::kernel {

class Tasks;

/// For one call.
struct Injection {
  static constexpr uint64_t kForever = std::numeric_limits<uint64_t>::max();

  uint64_t number = 0;  ///< Of the call.
  int64_t result = 0;   ///< What the program finds in place of the call's own.
  // Which of a thread's calls, the first being 1.
  uint64_t first = 1;
  uint64_t last = kForever;
  uint64_t step = 1;

  /// Whether it is the turn of a thread's `nth` call.
  bool takes(uint64_t nth) const { return nth >= first && nth <= last && (nth - first) % step == 0; }
  bool operator==(const Injection&) const = default;
};

class Injector final : public KernelObserver {
 public:
  /// Takes the place of the handlers of these calls. Where two are for one call, the later one counts.
  Injector(Tasks& tasks, std::span<const Injection> injections, std::span<Handler> handlers);
  ~Injector() override;
  Injector(const Injector&) = delete;
  Injector& operator=(const Injector&) = delete;

  struct Chosen {
    Injection what;
    Handler handler = nullptr;
    uint64_t made = 0;                       ///< By all threads, injected ones among them.
    uint64_t injected = 0;                   ///< Of these.
    std::map<uint64_t, uint64_t> by_thread;  ///< Made by each that lives, by koid.
  };
  /// By number.
  const std::map<uint64_t, Chosen>& chosen() const { return chosen_; }

  void thread_exited(Thread& thread) override;
  void state(Archive& ar);

 private:
  static int64_t handle(Call& call);

  Tasks& tasks_;
  std::map<uint64_t, Chosen> chosen_;
};

}  // namespace jacinth::kernel
