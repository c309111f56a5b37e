#include "kernel/object/handle_table.h"

#include <utility>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/object/object_table.h"
#include "kernel/object/traffic.h"

namespace jacinth::kernel {

// --- a handle in flight ---

HandleOwner::HandleOwner(HandleOwner&& other) noexcept
    : arena_(std::exchange(other.arena_, nullptr)), slot_(std::exchange(other.slot_, 0)) {}

HandleOwner& HandleOwner::operator=(HandleOwner&& other) noexcept {
  if (this != &other) {
    reset();
    arena_ = std::exchange(other.arena_, nullptr);
    slot_ = std::exchange(other.slot_, 0);
  }
  return *this;
}

const Ref<Object>& HandleOwner::object() const { return arena_->slots_[slot_].entry.object; }
Rights HandleOwner::rights() const { return arena_->slots_[slot_].entry.rights; }
uint64_t HandleOwner::id() const { return arena_->id_of(slot_); }
void HandleOwner::set_rights(Rights rights) { arena_->slots_[slot_].entry.rights = rights; }

void HandleOwner::reset() {
  if (arena_ != nullptr) std::exchange(arena_, nullptr)->close(std::exchange(slot_, 0));
}

uint32_t HandleOwner::release() {
  arena_ = nullptr;
  return std::exchange(slot_, 0);
}

void HandleOwner::state(Archive& ar) {
  uint32_t slot = slot_;
  ar(slot);
  if (letting_go(ar)) reset();
  if (!ar.loading()) return;
  reset();
  if (slot == 0) return;
  HandleArena& arena = Core::of(ar).handles();
  if (slot >= arena.slots_.size() || !arena.slots_[slot].live || arena.slots_[slot].owner != 0 ||
      arena.slots_[slot].claimed) {
    ar.fail("a handle in flight that is not there");
    return;
  }
  arena.slots_[slot].claimed = true;
  arena_ = &arena;
  slot_ = slot;
}

// --- the arena ---

uint32_t HandleArena::base_value(const Slot& slot, uint32_t index) {
  return (slot.generation & kGenerationMask) << kIndexBits | (index - 1);
}

Result<HandleOwner> HandleArena::make(Ref<Object> object, Rights rights) {
  HandleOwner owner = TRY(allocate(std::move(object), rights));
  ++core_.common_counters().handles_made;
  return owner;
}

Result<HandleOwner> HandleArena::duplicate(const HandleEntry& source, Rights rights) {
  HandleOwner owner = TRY(allocate(source.object, rights));
  ++core_.common_counters().handles_duplicated;
  return owner;
}

Result<HandleOwner> HandleArena::allocate(Ref<Object> object, Rights rights) {
  uint32_t index = 0;
  if (free_ > kMinFree || slots_.size() > kMaxHandles) {
    if (free_ == 0) return Status::kNoMemory;
    index = oldest_free_;
    oldest_free_ = slots_[index].next;
    if (oldest_free_ == 0) newest_free_ = 0;
    --free_;
  } else {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  Slot& slot = slots_[index];
  object->add_handle();
  slot.entry = {std::move(object), rights};
  slot.owner = slot.previous = slot.next = 0;
  ++slot.generation;
  slot.live = true;
  ++live_;
  ++core_.common_counters().handles_live;
  return HandleOwner(*this, index);
}

void HandleArena::close(uint32_t index) {
  cancel_waits(index);
  Slot& slot = slots_[index];
  CHECK(slot.live);
  Ref<Object> object = std::move(slot.entry.object);
  slot.owner = 0;
  slot.live = false;
  slot.next = 0;
  (newest_free_ != 0 ? slots_[newest_free_].next : oldest_free_) = index;
  newest_free_ = index;
  ++free_;
  --live_;
  --core_.common_counters().handles_live;
  if (!object) return;  // After abandon().
  if (ObjectWatcher* watcher = core_.object_watcher(); watcher != nullptr) [[unlikely]]
    watcher->handle_closed(object->koid(), object->handle_count() - 1);
  object->remove_handle();
}

Object* HandleArena::object(uint64_t id) const {
  uint32_t index = index_of(id);
  bool there = index < slots_.size() && slots_[index].live && id_of(index) == id;
  return there ? slots_[index].entry.object.get() : nullptr;
}

void HandleArena::add_watcher(Observer& observer) {
  Observer*& newest = slots_[index_of(observer.handle_id_)].watchers;
  observer.older_of_handle_ = newest;
  observer.newer_of_handle_ = nullptr;
  if (newest != nullptr) newest->newer_of_handle_ = &observer;
  newest = &observer;
}

void HandleArena::remove_watcher(Observer& observer) {
  Observer*& newest = slots_[index_of(observer.handle_id_)].watchers;
  (observer.newer_of_handle_ != nullptr ? observer.newer_of_handle_->older_of_handle_ : newest) =
      observer.older_of_handle_;
  if (observer.older_of_handle_ != nullptr) observer.older_of_handle_->newer_of_handle_ = observer.newer_of_handle_;
  observer.newer_of_handle_ = observer.older_of_handle_ = nullptr;
}

void HandleArena::cancel_waits(uint32_t index) {
  while (Observer* observer = slots_[index].watchers) {
    ++core_.common_counters().canceled;
    observer->on_handle_closed();
    CHECK(slots_[index].watchers != observer, "an observer stayed with a handle that went");
  }
}

void HandleArena::abandon() {
  for (uint32_t index = 1; index < slots_.size(); ++index) {
    if (!slots_[index].live) continue;
    cancel_waits(index);
    Ref<Object> object = std::move(slots_[index].entry.object);
    if (object) object->remove_handle();
  }
}

void HandleArena::state(Archive& ar) {
  if (ar.loading()) {
    abandon();
    slots_.clear();
  }
  // A Slot without its pointers takes 33 bytes.
  slots_.resize(ar.count(slots_.size(), 33));
  if (slots_.empty()) slots_.emplace_back();  // Damaged: ar says so.
  ar(oldest_free_, newest_free_, free_, live_);
  uint32_t live = 0;
  uint32_t free = 0;
  for (size_t index = 1; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    state_ref(ar, slot.entry.object);
    ar(slot.entry.rights, slot.owner, slot.generation, slot.previous, slot.next, slot.live);
    ++(slot.live ? live : free);
    if (!ar.loading()) continue;
    if (slot.previous >= slots_.size() || slot.next >= slots_.size() || slot.live != bool(slot.entry.object)) {
      ar.fail("a handle that hangs in the air");
    }
    if (slot.entry.object) ++slot.entry.object->handle_count_;
  }
  if (ar.loading() && (live != live_ || free != free_ || oldest_free_ >= slots_.size() ||
                       newest_free_ >= slots_.size() || (oldest_free_ == 0) != (free_ == 0))) {
    ar.fail("handles that do not add up");
  }
  if (!ar.ok()) {  // Nothing may hang from what is half loaded.
    for (Slot& slot : slots_) {
      if (slot.entry.object) --std::exchange(slot.entry.object, nullptr)->handle_count_;
    }
    slots_.assign(1, {});
    oldest_free_ = newest_free_ = free_ = live_ = 0;
  }
}

// --- one process's handles ---

HandleTable::HandleTable(HandleArena& arena, uint64_t owner, uint32_t secret)
    : arena_(arena), owner_(owner), secret_(secret & ~abi::kHandleFixedBits) {}

HandleTable::~HandleTable() { clear(); }

uint32_t HandleTable::slot_of(Handle value) const {
  if (!has_fixed_bits(value)) return 0;
  uint32_t base = (abi::raw(value) ^ secret_) >> 2;
  uint32_t index = (base & (HandleArena::kMaxHandles - 1)) + 1;
  if (index >= arena_.slots_.size()) return 0;
  const HandleArena::Slot& slot = arena_.slots_[index];
  return slot.live && slot.owner == owner_ && HandleArena::base_value(slot, index) == base ? index : 0;
}

Handle HandleTable::value_of(uint32_t index) const {
  return Handle{(HandleArena::base_value(arena_.slots_[index], index) << 2 ^ secret_) | abi::kHandleFixedBits};
}

Handle HandleTable::add(HandleOwner handle) {
  CHECK(handle);
  uint32_t index = handle.release();
  arena_.cancel_waits(index);
  HandleArena::Slot& slot = arena_.slots_[index];
  slot.owner = owner_;
  slot.previous = last_;
  slot.next = 0;
  (last_ != 0 ? arena_.slots_[last_].next : first_) = index;
  last_ = index;
  ++size_;
  slot.entry.object->on_handle_owner(Koid{owner_});
  return value_of(index);
}

const HandleEntry* HandleTable::find(Handle value) const {
  uint32_t index = slot_of(value);
  return index != 0 ? &arena_.slots_[index].entry : nullptr;
}

void HandleTable::unlink(uint32_t index) {
  HandleArena::Slot& slot = arena_.slots_[index];
  (slot.previous != 0 ? arena_.slots_[slot.previous].next : first_) = slot.next;
  (slot.next != 0 ? arena_.slots_[slot.next].previous : last_) = slot.previous;
  slot.owner = slot.previous = slot.next = 0;
  --size_;
}

Result<HandleOwner> HandleTable::remove(Handle value) {
  uint32_t index = slot_of(value);
  if (index == 0) return Status::kBadHandle;
  unlink(index);
  return HandleOwner(arena_, index);
}

Status HandleTable::close(Handle value) { return remove(value).status(); }

void HandleTable::clear() {
  while (last_ != 0) {
    uint32_t index = last_;
    unlink(index);
    arena_.close(index);
  }
}

void HandleTable::state(Archive& ar) {
  if (ar.loading()) clear();
  ar(owner_, secret_, first_, last_, size_);
  if (!ar.loading()) return;
  size_t counted = 0;
  uint32_t previous = 0;
  for (uint32_t index = first_; index != 0; index = arena_.slots_[index].next) {
    HandleArena::Slot* slot = index < arena_.slots_.size() ? &arena_.slots_[index] : nullptr;
    if (slot == nullptr || !slot->live || slot->owner != owner_ || slot->previous != previous || slot->claimed) {
      ar.fail("a handle table that does not add up");
      break;
    }
    slot->claimed = true;
    ++counted;
    previous = index;
  }
  if (counted != size_ || previous != last_) ar.fail("a handle table that does not add up");
  if (!ar.ok()) {
    first_ = last_ = 0;
    size_ = 0;
  }
}

}  // namespace jacinth::kernel
