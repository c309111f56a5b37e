// A handle that the kernel itself holds: it counts like a program's, and its end is an end like theirs.
#pragma once

#include <utility>

#include "kernel/object/object_table.h"
#include "kernel/object/ref.h"

namespace jacinth::kernel {

template <class T>
class KernelHandle {
 public:
  KernelHandle() = default;
  explicit KernelHandle(Ref<T> object) : object_(std::move(object)) {
    if (object_) object_->add_handle();
  }
  KernelHandle(KernelHandle&& other) noexcept : object_(std::move(other.object_)) {}
  KernelHandle& operator=(KernelHandle&& other) noexcept {
    if (this != &other) {
      reset();
      object_ = std::move(other.object_);
    }
    return *this;
  }
  ~KernelHandle() { reset(); }

  void reset() {
    if (Ref<T> object = std::move(object_)) object->remove_handle();
  }
  T* operator->() const { return object_.get(); }
  T& operator*() const { return *object_; }
  const Ref<T>& ref() const { return object_; }
  explicit operator bool() const { return bool(object_); }

  void state(Archive& ar) {
    if (letting_go(ar) || ar.loading()) reset();
    Ref<T> object = object_;
    state_ref(ar, object);
    if (ar.loading()) *this = KernelHandle(std::move(object));
  }

 private:
  Ref<T> object_;
};

}  // namespace jacinth::kernel
