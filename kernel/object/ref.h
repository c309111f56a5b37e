// Ref<T>: shared ownership of a kernel object, counted inside it.
//
// What keeps an object alive: handles, mappings, messages in flight, parked calls, and other objects. When the last
// reference goes, the object is not destroyed on the spot but put on the table's list of the dead (kernel/object/
// object_table.h), which is emptied in a loop: a chain of 100 000 channels dies without deep stacks.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace jacinth::kernel {

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): "no object" reads as nullptr.
  explicit Ref(T* object) : object_(object) {
    if (object_ != nullptr) object_->add_ref();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(const Ref<U>& other) : Ref(other.get()) {}  // NOLINT(google-explicit-constructor): as pointers convert.
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(Ref<U>&& other) noexcept : object_(other.leak()) {}  // NOLINT(google-explicit-constructor)
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  template <class U>
  bool operator==(const Ref<U>& other) const {
    return object_ == other.get();
  }
  bool operator==(const T* other) const { return object_ == other; }

  /// Gives the reference away without releasing it.
  T* leak() { return std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

}  // namespace jacinth::kernel
