// A queue in one block that grows by doubling: nothing is allocated while it is empty from the start, and nothing while
// it goes up and down below its size (a std::deque takes 576 bytes before its first element).
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "emu/state/archive.h"

namespace jacinth::kernel {

template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  T& front() { return slots_[first_]; }
  const T& front() const { return slots_[first_]; }
  T& back() { return (*this)[size_ - 1]; }
  T& operator[](size_t index) { return slots_[(first_ + index) & (slots_.size() - 1)]; }

  void push_back(T value) {
    if (size_ == slots_.size()) grow();
    slots_[(first_ + size_++) & (slots_.size() - 1)] = std::move(value);
  }
  void pop_front() {
    slots_[first_] = T();
    first_ = (first_ + 1) & (slots_.size() - 1);
    // A burst is over: give its room back.
    if (--size_ == 0 && slots_.size() > kKept) clear();
  }
  void clear() {
    slots_ = std::vector<T>();
    first_ = size_ = 0;
  }

  void state(Archive& ar) {
    size_t count = ar.count(size_);
    if (ar.loading()) {
      clear();
      for (size_t i = 0; i < count && ar.ok(); ++i) {
        T value;
        ar(value);
        push_back(std::move(value));
      }
    } else {
      for (size_t i = 0; i < count; ++i) ar((*this)[i]);
    }
  }

 private:
  static constexpr size_t kKept = 64;

  void grow() {
    std::vector<T> larger(slots_.empty() ? 4 : slots_.size() * 2);
    for (size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> slots_;  // A power of two of them.
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace jacinth::kernel
