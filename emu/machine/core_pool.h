// Which core runs which address space. A core costs megabytes and milliseconds to make, and holds nothing that cannot
// be rebuilt, so there are a few, each kept with the address space it ran last; switching between two processes that
// both have one flushes nothing.
//
// Changing threads on a core means changing all registers, which takes most of a microsecond. An address space whose
// threads did that often gets another core or two, where they can stay.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "emu/cpu/cpu.h"
#include "emu/state/thread_context.h"

namespace jacinth::emu {

class CorePool {
 public:
  using Factory = std::function<std::unique_ptr<Cpu>()>;

  /// At most `limit` cores, at least one, made when first needed.
  CorePool(size_t limit, Factory factory);
  ~CorePool();

  /// The core of `context`'s address space, with the context's registers in it and its pending result applied.
  Cpu& core_for(ThreadContext& context);

  /// Brings context.registers up to date and leaves them the only copy.
  void fetch(ThreadContext& context);
  /// Takes a fetch() back for a context that `cpu` of this pool is running right now and that nobody changed.
  void reattach(ThreadContext& context, const Cpu& cpu);
  /// The context is going away.
  void forget(ThreadContext& context);
  /// Address space `root` has changed: forget its translations.
  void invalidate(PhysAddr root);
  /// Address space `root` is going away.
  void release(PhysAddr root);
  /// All that guests are is about to change: knows no thread any more, and no translation of addresses. Registers were
  /// fetched before.
  void forget_all();
  /// Everything that allows a write without asking is gone.
  void flush_all();
  /// Calls visit(Cpu&) for each core that there is.
  template <class Visitor>
  void for_each(Visitor&& visit) {
    for (auto& core : cores_) visit(*core->cpu);
  }
  /// Takes all registers back; cores stay warm.
  void fetch_all();

  size_t size() const { return cores_.size(); }

  /// So often do threads take turns on the cores of an address space before it gets one more, and so many at most.
  static constexpr uint64_t kTurnsPerCore = 4096;
  static constexpr size_t kCoresPerSpace = 4;

 private:
  struct Core {
    std::unique_ptr<Cpu> cpu;
    ThreadContext* resident = nullptr;
    const ThreadContext* last = nullptr;  // Whose registers it had, only to know it again.
    PhysAddr root;
    bool assigned = false;
    uint64_t last_used = 0;
    uint64_t turns = 0;  // From one thread to another.
  };
  Core& find(const ThreadContext& context);
  Core& make_ready(Core& core, PhysAddr root);
  static void take_back(Core& core);

  size_t limit_;
  Factory factory_;
  std::vector<std::unique_ptr<Core>> cores_;
  uint64_t clock_ = 0;
};

}  // namespace jacinth::emu
