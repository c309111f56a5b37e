// Handles: a process's names for objects, with rights.
//
//   process secret --xor--> value <--> arena slot (index + generation) --> HandleEntry{object, rights}
//
// One arena serves the whole kernel, as Zircon's does (kernel/object/handle.cc): a slot's generation changes each time
// it is reused, so an old value stays bad for a long time. A guest sees ((generation, index) << 2 ^ secret) | 3: both
// low bits set, the rest masked with the owner's secret. A handle in a message belongs to nobody and has no value, but
// keeps its identity: waits made through it end only when the message is read or dropped.
//
// Left out: the page-by-page growth of the real arena.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/abi/names.h"
#include "kernel/object/object.h"

namespace jacinth::kernel {

/// What one handle stands for.
struct HandleEntry {
  Ref<Object> object;
  Rights rights{};
};

class HandleArena;

/// A handle on its way between processes: owns the slot, closes it if nobody takes it.
class HandleOwner {
 public:
  HandleOwner() = default;
  HandleOwner(HandleOwner&& other) noexcept;
  HandleOwner& operator=(HandleOwner&& other) noexcept;
  ~HandleOwner() { reset(); }

  explicit operator bool() const { return arena_ != nullptr; }
  const Ref<Object>& object() const;
  Rights rights() const;
  void set_rights(Rights rights);
  /// Identity in the whole kernel, stable while the handle lives, whoever holds it.
  uint64_t id() const { return slot_; }
  void reset();

 private:
  friend class HandleArena;
  friend class HandleTable;
  HandleOwner(HandleArena& arena, uint32_t slot) : arena_(&arena), slot_(slot) {}
  uint32_t release();

  HandleArena* arena_ = nullptr;
  uint32_t slot_ = 0;
};

class HandleArena {
 public:
  /// Zircon's kMaxHandleCount.
  static constexpr uint32_t kMaxHandles = 256 * 1024;

  /// A new handle that nobody holds yet; kNoMemory past kMaxHandles.
  Result<HandleOwner> make(Ref<Object> object, Rights rights);
  /// The same object under another handle.
  Result<HandleOwner> duplicate(const HandleEntry& source, Rights rights);
  uint32_t live() const { return live_; }
  void state(Archive& ar);

 private:
  friend class HandleOwner;
  friend class HandleTable;
  struct Slot {
    HandleEntry entry;
    uint64_t owner = 0;  ///< Koid of the process, 0 while in flight or free.
    uint32_t generation = 0;
    uint32_t previous = 0;  ///< In the owner's list, or the free list.
    uint32_t next = 0;
    bool live = false;
  };
  std::vector<Slot> slots_;
  uint32_t free_ = 0;
  uint32_t live_ = 0;
};

/// The handles of one process.
class HandleTable {
 public:
  /// `owner` is the process's koid, `secret` its mask (low two bits are dropped).
  HandleTable(HandleArena& arena, uint64_t owner, uint32_t secret);
  ~HandleTable();

  /// Takes the handle in and gives it a value.
  Handle add(HandleOwner handle);
  /// Null for a bad value. The pointer is good until the next change.
  const HandleEntry* find(Handle value) const;
  /// The identity of a good handle value (waits are bound to it).
  uint64_t id(Handle value) const;
  /// Takes the handle out, waits made through it are told at once when `cancel_waits`.
  Result<HandleOwner> remove(Handle value);
  /// Lookup order of Zircon: bad handle, wrong type, access denied.
  template <class T>
  Result<Ref<T>> get(Handle value, Rights rights) const;

  size_t size() const { return size_; }
  /// In the order in which the handles came in: value, handle.
  template <class F>
  void for_each(F&& visit) const;
  /// Closes everything, in the order in which it came.
  void clear();
  void state(Archive& ar);

 private:
  HandleArena& arena_;
  uint64_t owner_;
  uint32_t secret_;
  uint32_t first_ = 0;
  uint32_t last_ = 0;
  size_t size_ = 0;
};

}  // namespace jacinth::kernel
