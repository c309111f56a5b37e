// What every kernel object can reach: the machine, the table of objects, handles, deadlines, counters, options, chance.
//
// There is one Core per kernel. Objects hold a reference to it instead of globals, so that many machines live side by
// side in one process.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/time/time.h"
#include "kernel/abi/ktrace.h"
#include "kernel/abi/object_type.h"
#include "kernel/object/deadlines.h"
#include "kernel/object/handle_table.h"
#include "kernel/object/ipc_memory.h"
#include "kernel/object/kernel_options.h"
#include "kernel/object/log.h"
#include "kernel/object/object_table.h"
#include "kernel/object/slab.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

class ObjectWatcher;
class Tasks;
class TrafficWatcher;
class Vm;

/// Whoever writes down what happens to objects (kernel/task/ktrace.h), in the words of the real kernel's trace.
class EventTracer {
 public:
  virtual void trace(abi::KtraceEvent event, const std::array<uint32_t, 4>& words) = 0;

 protected:
  ~EventTracer() = default;
};

class Core {
 public:
  Core(Platform& platform, Options options);
  /// Ends every handle, and with them the objects; whoever else holds a reference must have let go before.
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// Ends every handle and takes from every object what it holds, with no consequence that a guest could see.
  void let_go();

  /// The core whose state the archive visits.
  static Core& of(Archive& ar);

  Platform& platform() { return platform_; }
  ObjectTable& objects() { return objects_; }
  HandleArena& handles() { return handles_; }
  Log& log() { return log_; }
  Time now() const { return platform_.now(); }

  /// Who runs and who is dying (kernel/task/tasks.h), which only threads, processes and jobs ask for.
  Tasks& tasks() const { return *tasks_; }
  void set_tasks(Tasks* tasks) { tasks_ = tasks; }
  /// Null while nothing is to be traced. Values lose their upper halves, as there.
  void set_tracer(EventTracer* tracer) { tracer_ = tracer; }
  bool traced() const { return tracer_ != nullptr; }
  template <class... Values>
  void trace(abi::KtraceEvent event, Values... values) {
    if (tracer_ != nullptr) [[unlikely]]
      tracer_->trace(event, {static_cast<uint32_t>(values)...});
  }
  /// Who follows messages and packets (kernel/object/traffic.h). Told in the order in which they came.
  void add_traffic_watcher(TrafficWatcher& watcher) { traffic_watchers_.push_back(&watcher); }
  void remove_traffic_watcher(TrafficWatcher& watcher) { std::erase(traffic_watchers_, &watcher); }
  template <class F>
  void tell_traffic(F&& event) {
    for (TrafficWatcher* watcher : traffic_watchers_) event(*watcher);
  }
  /// Who hears of every handle and signal; null: nobody. Callers have its header.
  ObjectWatcher* object_watcher() const { return object_watcher_; }
  void set_object_watcher(ObjectWatcher* watcher) { object_watcher_ = watcher; }
  /// Memory (kernel/vm/vm.h): what VMOs and regions live on.
  Vm& vm() const { return *vm_; }
  void set_vm(Vm* vm) { vm_ = vm; }

  /// The memory of packets that programs make, and of waits of ports.
  Slab& packet_slab() { return packet_slab_; }
  Slab& observer_slab() { return observer_slab_; }
  /// The memory of what waits to be received.
  IpcMemory& ipc_memory() { return ipc_memory_; }
  /// Where the kernel's own memory comes from; it must outlive the core. Without one it costs nothing.
  void set_kernel_pages(KernelPages* pages);

  /// Calls object.on_deadline() once virtual time reaches `when`; equal times fire in arming order. The id is never 0.
  /// never() is not armed, but has an id like any other. The object cancels before it dies.
  uint64_t arm(Time when, Object& object) { return arm(when, {}, {}, object); }
  /// With slack: somewhere in [when - early, when + late].
  uint64_t arm(Time when, Duration early, Duration late, Object& object);
  /// No effect when it has fired already.
  void cancel(uint64_t id);
  /// The next deadline; never() when nothing is armed.
  Time next_deadline() const { return deadlines_.next(); }
  /// The kernel itself wants to be called then, besides; never() for not at all.
  void set_kernel_deadline(Time when);
  /// Fires what is due and arms the machine's timer for the next.
  void fire_deadlines();
  /// How many came so far.
  uint64_t fired_deadlines() const { return fired_deadlines_; }

  /// A kernel counter by its real name, created at zero on first use. The reference stays good for the core's life.
  int64_t& counter(std::string_view name);
  const std::map<std::string, int64_t, std::less<>>& counters() const { return counters_; }

  /// Those that every object and handle touches.
  struct CommonCounters {
    int64_t& created;
    int64_t& destroyed;
    int64_t& observed;
    int64_t& canceled;
    int64_t& handles_made;
    int64_t& handles_duplicated;
    int64_t& handles_live;
    int64_t& channel_messages;
    std::array<int64_t*, 7> channel_bytes;  // By the size of the message.
  };
  CommonCounters& common_counters() { return common_counters_; }

  /// Counts an object that was made or destroyed, by its type too ("dispatcher.port.create").
  void count_created(ObjectType type);
  void count_destroyed(ObjectType type);

  /// A modelled option of the kernel's (kernel_options.h) as a number, or `otherwise` when it is absent; a malformed
  /// one was reported at start.
  uint64_t option(std::string_view name, uint64_t otherwise) const;
  /// Whether a modelled option was given as just this word.
  bool option_is(std::string_view name, std::string_view word) const;

  /// The next bytes of the run's only source of chance, drawn from the seed.
  void random(std::span<std::byte> out);
  uint64_t random64();

  /// Objects, handles, deadlines, counters. Afterwards the archive's context is this core, for whatever the kernel
  /// adds. Loading replaces everything: whoever holds references lets go before, and takes them up again by koid. What
  /// only the caller refers to lives on in `held` until then.
  void state(Archive& ar, std::deque<Ref<Object>>* held = nullptr);

 private:
  void set_alarm();

  Platform& platform_;
  Options options_;
  Tasks* tasks_ = nullptr;
  EventTracer* tracer_ = nullptr;
  std::vector<TrafficWatcher*> traffic_watchers_;
  ObjectWatcher* object_watcher_ = nullptr;
  Vm* vm_ = nullptr;
  std::map<std::string, int64_t, std::less<>> counters_;
  CommonCounters common_counters_;
  /// By type; null until one is made, and where a class of objects counts for itself.
  struct TypeCounters {
    int64_t* created = nullptr;
    int64_t* destroyed = nullptr;
  };
  std::array<TypeCounters, abi::kObjectTypeUpperBound> type_counters_ = {};
  KernelPages* kernel_pages_ = nullptr;
  Slab packet_slab_;
  Slab observer_slab_;
  IpcMemory ipc_memory_;
  ObjectTable objects_;
  HandleArena handles_;
  Log log_;
  Deadlines deadlines_;
  Time alarm_ = Time::never();  // What the machine was asked for last.
  Time kernel_deadline_ = Time::never();
  uint64_t fired_deadlines_ = 0;
  uint64_t random_position_ = 0;
};

}  // namespace jacinth::kernel
