#include "kernel/object/object_table.h"

#include <fmt/format.h>

#include "emu/base/check.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {

ObjectTable::~ObjectTable() { CHECK(objects_.empty(), "{} kernel objects outlive their kernel", objects_.size()); }

Object* ObjectTable::find(Koid koid) const {
  auto found = objects_.find(abi::raw(koid));
  if (found == objects_.end() || found->second->retired_) return nullptr;
  return found->second;
}

Object* ObjectTable::after(Koid koid) const {
  auto found = objects_.upper_bound(abi::raw(koid));
  while (found != objects_.end() && found->second->retired_) ++found;
  return found != objects_.end() ? found->second : nullptr;
}

void ObjectTable::drain_all() {
  if (draining_) return;
  draining_ = true;
  while (true) {
    if (!dead_.empty()) {
      Object* object = dead_.front();
      dead_.pop_front();
      if (object->refs_ == 0) {
        delete object;
      } else {
        object->retired_ = false;
      }
    } else if (!unnamed_.empty()) {
      Ref<Object> object = std::move(unnamed_.front());
      unnamed_.pop_front();
      object->zero_handles_pending_ = false;
      if (object->handle_count_ == 0 && !letting_go_) object->on_zero_handles();
    } else {
      break;
    }
  }
  draining_ = false;
}

void ObjectTable::register_factory(ObjectType type, Factory factory) { factories_[type] = factory; }

Koid ObjectTable::add(Object& object) {
  uint64_t koid = forced_koid_ != 0 ? forced_koid_ : next_koid_++;
  objects_.emplace_hint(objects_.end(), koid, &object);
  return Koid{koid};
}

void ObjectTable::remove(Object& object) { objects_.erase(abi::raw(object.koid())); }

void ObjectTable::state_identities(Archive& ar, Core& core, std::deque<Ref<Object>>& held) {
  ar(next_koid_);
  size_t count = ar.count(objects_.size(), sizeof(uint64_t) + sizeof(ObjectType));
  if (!ar.loading()) {
    for (auto& [koid, object] : objects_) {
      uint64_t number = koid;
      ObjectType type = object->type();
      ar(number, type);
    }
    return;
  }
  uint64_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    ObjectType type{};
    ar(forced_koid_, type);
    auto factory = factories_.find(type);
    if (!ar.ok() || forced_koid_ <= last || forced_koid_ >= next_koid_ || factory == factories_.end()) {
      ar.fail("an object of unknown type or out of order");
      break;
    }
    last = forced_koid_;
    held.push_back(factory->second(core));
    CHECK(abi::raw(held.back()->koid()) == last, "a factory made more than one object");
  }
  forced_koid_ = 0;
}

void ObjectTable::state_contents(Archive& ar) {
  for (auto& [koid, object] : objects_) object->state(ar);
  for (auto& [koid, object] : objects_) {
    if (!ar.loading() || !ar.ok()) return;
    object->on_loaded(ar);
  }
}

namespace {

/// Visits state to no purpose of its own.
class LetGo final : public Archive {
 public:
  LetGo() : Archive(Mode::kSave) {}
  void bytes(void*, size_t) override {}
};

}  // namespace

void ObjectTable::let_go(Core& core) {
  letting_go_ = true;
  drain();
  LetGo ar;
  ar.set_context(&core);
  for (auto& [koid, object] : objects_) object->state(ar);
  drain();
  letting_go_ = false;
}

bool letting_go(Archive& ar) { return Core::of(ar).objects().letting_go_; }

Object* find_object(Archive& ar, uint64_t koid) {
  if (koid == 0) return nullptr;
  Object* object = Core::of(ar).objects().find(Koid{koid});
  if (object == nullptr) ar.fail(fmt::format("a reference to object {}, which is not there", koid));
  return object;
}

}  // namespace jacinth::kernel
