// What jobs, processes and threads share: the scheduler, the ends that are still to be met, and who watches.
//
// Ends are not met on the spot. A kill marks; settle() then finishes one thread after another, in the order of the
// marks, with everything that follows (handles closed, objects destroyed, processes and jobs dead) before any guest
// runs on. So a kill never destroys what the running system call still uses, and its order never depends on the stack.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "kernel/object/core.h"
#include "kernel/object/ref.h"
#include "kernel/task/observer.h"
#include "kernel/task/scheduler.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Process;
class Thread;

class Tasks {
 public:
  explicit Tasks(Core& core);
  ~Tasks();
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;

  Scheduler& scheduler() { return scheduler_; }
  const Scheduler& scheduler() const { return scheduler_; }

  void add_dying(Thread& thread);
  void add_dead(Process& process);
  /// Meets all ends.
  void settle() {
    core_.objects().drain();
    if (!dying_.empty() || !dead_.empty()) settle_all();
  }

  /// No thread runs, none is dying: before everything is loaded anew or ends.
  void forget_all();

  /// What jobs, processes and threads promise each other holds in what was loaded; makes the archive fail otherwise.
  void check_loaded(Archive& ar);

  /// Delivers an exception to whoever handles it; when nobody does, that kills the process.
  void deliver(Thread& thread, const Exception& exception);

  /// Observers are told in the order in which they came.
  void add_observer(KernelObserver& observer, Hears hears = Hears::kEverything) {
    observers_.push_back(&observer);
    if (hears != Hears::kAllButTraffic) result_observers_.push_back(&observer);
    if (hears == Hears::kEverything) traffic_observers_.push_back(&observer);
  }
  void remove_observer(KernelObserver& observer) {
    std::erase(observers_, &observer);
    std::erase(traffic_observers_, &observer);
    std::erase(result_observers_, &observer);
  }
  template <class F>
  void tell(F&& event) {
    for (KernelObserver* observer : observers_) event(*observer);
  }
  template <class F>
  void tell_traffic(F&& event) {
    if (traffic_observers_.empty()) [[likely]]
      return;
    for (KernelObserver* observer : traffic_observers_) event(*observer);
  }
  template <class F>
  void tell_results(F&& event) {
    if (result_observers_.empty()) [[likely]]
      return;
    for (KernelObserver* observer : result_observers_) event(*observer);
  }

 private:
  void settle_all();

  Core& core_;
  Scheduler scheduler_;
  std::deque<Ref<Thread>> dying_;
  std::deque<Ref<Process>> dead_;
  std::vector<KernelObserver*> observers_;
  std::vector<KernelObserver*> traffic_observers_;
  std::vector<KernelObserver*> result_observers_;
};

}  // namespace jacinth::kernel
