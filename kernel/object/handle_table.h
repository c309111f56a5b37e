// Handles: a process's names for objects, with rights.
//
//   process secret --xor--> value <--> arena slot (index + generation) --> HandleEntry{object, rights}
//
// One arena serves the whole kernel, as Zircon's does (kernel/object/handle.cc): a slot's generation changes each time
// it is reused, so an old value stays bad for a long time. A guest sees ((generation, index) << 2 ^ secret) | 3: both
// low bits set, the rest masked with the owner's secret. A handle in a message belongs to nobody and has no value, but
// keeps its identity: waits made through it end only when the message is read or dropped.
//
// Left out: the page-by-page growth of the real arena, and its warning when seven eighths are in use.
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
  /// Identity in the whole kernel, the same whoever holds the handle; never 0, and never that of another handle.
  uint64_t id() const;
  /// Closes the handle: waits made through it end.
  void reset();
  void state(Archive& ar);

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

  explicit HandleArena(Core& core) : core_(core), slots_(1) {}
  HandleArena(const HandleArena&) = delete;
  HandleArena& operator=(const HandleArena&) = delete;

  /// A new handle that nobody holds yet; kNoMemory past kMaxHandles.
  Result<HandleOwner> make(Ref<Object> object, Rights rights);
  /// The same object under another handle.
  Result<HandleOwner> duplicate(const HandleEntry& source, Rights rights);
  uint32_t live() const { return live_; }

  /// What the handle of this identity names; null when it is gone.
  Object* object(uint64_t id) const;
  /// Keeps an observer with the handle that it watches through (Observer::handle_id()).
  void add_watcher(Observer& observer);
  void remove_watcher(Observer& observer);
  /// The observers that watch through handle `id`, newest first. `visit` may unlink the one it is given.
  template <class F>
  void for_each_watcher(uint64_t id, F&& visit) const {
    for (Observer* at = slots_[index_of(id)].watchers; at != nullptr;) {
      Observer* now = at;
      at = at->older_of_handle_;
      visit(*now);
    }
  }

  /// Lets go of every object that a handle names: the end of the kernel, or of what a snapshot replaces.
  void abandon();
  void state(Archive& ar);

 private:
  friend class HandleOwner;
  friend class HandleTable;
  // A fresh slot is preferred to a freed one until so many are free: with the 4096 generations of each, a value comes
  // back after a million handles at the earliest.
  static constexpr uint32_t kMinFree = 256;
  static constexpr uint32_t kIndexBits = 18;
  static constexpr uint32_t kGenerationMask = 0xfff;
  static_assert(kMaxHandles == 1u << kIndexBits);

  struct Slot {
    HandleEntry entry;
    uint64_t owner = 0;  ///< Koid of the process, 0 while in flight or free.
    Observer* watchers = nullptr;
    uint32_t generation = 0;
    uint32_t previous = 0;  ///< In the owner's list.
    uint32_t next = 0;      ///< In the owner's list, or the free list.
    bool live = false;
    bool claimed = false;  ///< While loading: a table or an owner in flight has it.
  };
  static uint32_t base_value(const Slot& slot, uint32_t index);
  uint64_t id_of(uint32_t index) const { return uint64_t{slots_[index].generation} << 32 | index; }
  static uint32_t index_of(uint64_t id) { return static_cast<uint32_t>(id); }
  Result<HandleOwner> allocate(Ref<Object> object, Rights rights);
  /// The handle ends: its waits, then its hold on the object.
  void close(uint32_t index);
  void cancel_waits(uint32_t index);

  Core& core_;
  std::vector<Slot> slots_;  // Slot 0 stands for "none".
  uint32_t oldest_free_ = 0;
  uint32_t newest_free_ = 0;
  uint32_t free_ = 0;
  uint32_t live_ = 0;
};

/// The handles of one process.
class HandleTable {
 public:
  /// `owner` is the process's koid, `secret` its mask (low two bits are dropped).
  HandleTable(HandleArena& arena, uint64_t owner, uint32_t secret);
  ~HandleTable();
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;

  uint64_t owner() const { return owner_; }
  /// Takes the handle in and gives it a value. Waits that others made through it end: they were somebody else's.
  Handle add(HandleOwner handle);
  /// The value that a handle in flight will have once it is taken in.
  Handle value_of(const HandleOwner& handle) const { return value_of(handle.slot_); }
  /// Null for a bad value. The pointer is good until the next change.
  const HandleEntry* find(Handle value) const;
  /// The identity of a handle value (waits are bound to it); 0 for a bad one.
  uint64_t id(Handle value) const {
    uint32_t index = slot_of(value);
    return index != 0 ? arena_.id_of(index) : 0;
  }
  /// Takes the handle out. Waits made through it go on until somebody takes it in or closes it.
  Result<HandleOwner> remove(Handle value);
  /// Closes the handle; kBadHandle for a bad value.
  Status close(Handle value);
  /// Lookup order of Zircon: bad handle, wrong type, access denied.
  template <class T>
  Result<Ref<T>> get(Handle value, Rights rights) const {
    const HandleEntry* entry = find(value);
    if (entry == nullptr) return Status::kBadHandle;
    T* object = object_cast<T>(entry->object.get());
    if (object == nullptr) return Status::kWrongType;
    if (!contains(entry->rights, rights)) return Status::kAccessDenied;
    return Ref<T>(object);
  }

  size_t size() const { return size_; }
  /// The newest first, as Zircon lists them: visit(Handle, const HandleEntry&).
  template <class F>
  void for_each(F&& visit) const {
    for (uint32_t index = last_; index != 0; index = arena_.slots_[index].previous) {
      visit(value_of(index), arena_.slots_[index].entry);
    }
  }
  /// Closes everything, the newest first.
  void clear();
  void state(Archive& ar);

 private:
  uint32_t slot_of(Handle value) const;
  Handle value_of(uint32_t index) const;
  void unlink(uint32_t index);

  HandleArena& arena_;
  uint64_t owner_;
  uint32_t secret_;
  uint32_t first_ = 0;
  uint32_t last_ = 0;
  size_t size_ = 0;
};

}  // namespace jacinth::kernel
