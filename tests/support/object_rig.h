// Kernel objects without a kernel around them: a core on a fake machine, one handle table, threads that only park.
//
// Tests name objects by handle, never by pointer across two steps, so that the rig can save everything and load it into
// a fresh core between any two of them: it does so in every step when the environment sets JACINTH_TEST_RELOAD.
#pragma once

#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "kernel/ipc/message_waiter.h"
#include "kernel/object/core.h"
#include "kernel/object/object.h"
#include "kernel/object/wait_observer.h"
#include "kernel/object/wait_queue.h"
#include "tests/support/fake_platform.h"
#include "tests/support/test.h"

namespace jacinth::kernel {

/// Whether the suite runs with a save and load between any two steps.
inline bool reload_between_steps() {
  static const bool reload = std::getenv("JACINTH_TEST_RELOAD") != nullptr;
  return reload;
}

/// A thread that can park and nothing else.
class FakeThread final : public Object, public Waiter {
 public:
  static constexpr ObjectType kType = ObjectType::kThread;
  explicit FakeThread(Core& core, uint8_t priority = 16) : Object(core, kType), priority_(priority) {}
  ~FakeThread() override { core().cancel(deadline_); }

  Koid waiter_koid() const override { return koid(); }
  uint8_t priority() const override { return priority_; }
  Waiter* as_waiter() override { return this; }
  void set_priority(uint8_t priority) {
    priority_ = priority;
    if (queue() != nullptr) queue()->reprioritize(*this);
  }
  void park(WaitQueue* queue, Time deadline = Time::never()) {
    park_on(queue, BlockReason::kPort, deadline);
    deadline_ = core().arm(deadline, *this);
  }
  void on_deadline() override { wake(Status::kTimedOut); }
  void state(Archive& ar) override {
    Object::state(ar);
    wait_state(ar);
    ar(priority_, deadline_, waits, call);
  }

  WaitObservers waits{*this};
  MessageWaiter call{*this};

 private:
  void on_woken() override { core().cancel(deadline_); }
  uint8_t priority_;
  uint64_t deadline_ = 0;
};

class ObjectRig {
 public:
  static constexpr uint64_t kProcess = 1;  // Any koid: no process object stands behind the table.

  explicit ObjectRig(Options options = {}) : options_(std::move(options)) { start(); }

  /// From now on the test holds pointers across steps: nothing is reloaded behind its back.
  void pin() { pinned_ = true; }
  void unpin() { pinned_ = false; }

  Core& core() {
    step();
    return *core_;
  }
  HandleTable& table() {
    step();
    return *table_;
  }
  FakePlatform& platform() { return platform_; }

  /// Knows how to load objects of type T.
  template <class T>
  void knows() {
    registrations_.push_back([](Core& core) { core.objects().register_type<T>(); });
    registrations_.back()(*core_);
  }

  /// A handle to a new T.
  template <class T, class... Arguments>
  Handle make(Arguments&&... arguments) {
    return handle(make_object<T>(core(), std::forward<Arguments>(arguments)...));
  }
  Handle handle(Ref<Object> object, Rights rights = Rights::kSameRights) {
    if (rights == Rights::kSameRights) rights = abi::default_rights(object->type());
    Result<HandleOwner> made = core_->handles().make(std::move(object), rights);
    REQUIRE(made.has_value());
    return table_->add(std::move(*made));
  }
  Handle duplicate(Handle handle) {
    Result<HandleOwner> made = core_->handles().duplicate(*table_->find(handle), table_->find(handle)->rights);
    REQUIRE(made.has_value());
    return table_->add(std::move(*made));
  }
  /// The object behind a handle, for this step.
  template <class T>
  T& object(Handle handle) {
    const HandleEntry* entry = table().find(handle);
    REQUIRE(entry != nullptr);
    T* object = object_cast<T>(entry->object.get());
    REQUIRE(object != nullptr);
    return *object;
  }
  /// Out of the table, as a message would carry it.
  HandleOwner take(Handle handle) {
    Result<HandleOwner> taken = table_->remove(handle);
    REQUIRE(taken.has_value());
    return std::move(*taken);
  }
  void close(Handle handle) {
    REQUIRE(table().close(handle) == Status::kOk);
    core_->objects().drain();
  }
  void drain() { core().objects().drain(); }
  void advance_to(Time when) {
    step();
    platform_.advance_to(when);
    core_->fire_deadlines();
    core_->objects().drain();
  }

  /// Saves everything, loads it into a fresh core, and goes on with that one.
  void reload() {
    Writer saved;
    state(saved);
    Digest before = digest();
    table_->clear();
    table_.reset();
    core_.reset();
    start();
    Reader loaded(saved.data());
    state(loaded);
    INFO(loaded.error());
    REQUIRE(loaded.ok());
    REQUIRE(loaded.at_end());
    REQUIRE(digest() == before);
  }
  Digest digest() {
    Hasher hasher;
    state(hasher);
    return hasher.digest();
  }

 protected:
  bool pinned_ = false;

 private:
  void step() {
    if (reload_between_steps() && !pinned_) reload();
  }
  void start() {
    core_ = std::make_unique<Core>(platform_, options_);
    for (auto registration : registrations_) registration(*core_);
    table_ = std::make_unique<HandleTable>(core_->handles(), kProcess, 0x5eed'5eec);
  }
  void state(Archive& ar) {
    core_->state(ar);
    table_->state(ar);
  }

  FakePlatform platform_;
  Options options_;

  std::vector<void (*)(Core&)> registrations_{[](Core& core) { core.objects().register_type<FakeThread>(); }};
  std::unique_ptr<Core> core_;
  std::unique_ptr<HandleTable> table_;
};

}  // namespace jacinth::kernel
