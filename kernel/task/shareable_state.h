// What several processes can have in common: handles, futexes, memory, and how many of them live.
//
//   process --Ref--.
//   process --Ref--+--> ShareableState { handles, futexes, address space }
//   process --Ref--'
//
// Every process has one, mostly for itself alone (zircon/kernel/object/include/object/shareable_process_state.h). With
// the last living process the handles go, then the memory.
//
// In saved state the oldest of the processes that hold it has it; the others name that one.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernel/object/handle_table.h"
#include "kernel/task/futex.h"
#include "kernel/vm/address_space.h"

namespace jacinth::kernel {

class Process;

class ShareableState {
 public:
  /// `owner` stands for the processes among the handles, `secret` is their mask.
  ShareableState(HandleArena& arena, uint64_t owner, uint32_t secret, Ref<AddressSpace> space)
      : handles_(arena, owner, secret), space_(std::move(space)) {}
  ShareableState(const ShareableState&) = delete;
  ShareableState& operator=(const ShareableState&) = delete;

  HandleTable& handles() { return handles_; }
  FutexTable& futexes() { return futexes_; }
  /// Null when all are dead.
  const Ref<AddressSpace>& space() const { return space_; }

  /// A process holds it from its making to its destruction, and lives for a part of that.
  void add(Process& process) { holders_.push_back(&process); }
  void remove(Process& process) { std::erase(holders_, &process); }
  const std::vector<Process*>& holders() const { return holders_; }

  uint32_t living() const { return living_; }
  void begin() { ++living_; }
  /// A process died: the last one takes the handles along.
  void end();
  /// Everything that its handles held is gone: the last one takes the memory along.
  void finish();

  void add_ref() { ++refs_; }
  void release() {
    if (--refs_ == 0) delete this;
  }
  void state(Archive& ar);

 private:
  ~ShareableState() = default;

  HandleTable handles_;
  FutexTable futexes_;
  Ref<AddressSpace> space_;
  uint32_t living_ = 0;
  std::vector<Process*> holders_;  // The oldest first.
  uint32_t refs_ = 0;
};

}  // namespace jacinth::kernel
