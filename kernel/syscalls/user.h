// Pointers that a guest passes, as types: what a handler may do with each shows in its signature.
//
//   UserIn<T>     const T*         UserOut<T>     T* that is written       UserInOut<T>   both
//   UserBytesIn   const void*      UserBytesOut   void*
//
// Each is one argument of the call; lengths come as arguments of their own, as in the ABI. A pointer is looked at only
// when it is used, so a null one costs nothing. Failures are what UserMemory says: kInvalidArgs for a bad address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "emu/base/address.h"
#include "kernel/abi/names.h"
#include "kernel/object/user_memory.h"

namespace jacinth::kernel {

class UserPointer {
 public:
  UserPointer(UserMemory& memory, GuestAddr address) : memory_(&memory), address_(address) {}

  GuestAddr address() const { return address_; }
  bool null() const { return address_.value == 0; }

 protected:
  UserMemory* memory_;
  GuestAddr address_;
};

class UserBytesIn : public UserPointer {
 public:
  using UserPointer::UserPointer;

  Status read(std::span<std::byte> to, uint64_t offset = 0) const { return memory_->read(address_ + offset, to); }
  /// `size` bytes as text, NULs included. The caller bounds the size.
  Result<std::string> text(size_t size) const;
};

class UserBytesOut : public UserPointer {
 public:
  using UserPointer::UserPointer;

  Status write(std::span<const std::byte> from, uint64_t offset = 0) const {
    return memory_->write(address_ + offset, from);
  }
  Status prepare(uint64_t size) const { return memory_->prepare(address_, size, AccessKind::kWrite); }
  /// Any structure of the ABI, where the type depends on another argument (object_get_info).
  template <class T>
    requires std::is_trivially_copyable_v<T>
  Status write_value(const T& value, uint64_t offset = 0) const {
    return write(std::as_bytes(std::span(&value, 1)), offset);
  }
};

template <class T>
  requires std::is_trivially_copyable_v<T>
class UserIn : public UserPointer {
 public:
  using UserPointer::UserPointer;

  Result<T> read(uint64_t index = 0) const {
    T value = {};
    TRY_STATUS(memory_->read(address_ + index * sizeof(T), std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }
  /// UserMemory::prepare() of so many elements.
  Status prepare(uint64_t count = 1) const {
    if (count > UINT64_MAX / sizeof(T)) return Status::kInvalidArgs;
    return memory_->prepare(address_, count * sizeof(T), AccessKind::kRead);
  }
  /// The first `count` elements. The caller bounds the count.
  Result<std::vector<T>> read_array(size_t count) const {
    std::vector<T> values(count);
    if (count > 0) TRY_STATUS(memory_->read(address_, std::as_writable_bytes(std::span(values))));
    return values;
  }
  Status read_array(std::span<T> values, uint64_t index = 0) const {
    return values.empty() ? Status::kOk : memory_->read(address_ + index * sizeof(T), std::as_writable_bytes(values));
  }
};

template <class T>
  requires std::is_trivially_copyable_v<T>
class UserOut : public UserPointer {
 public:
  using UserPointer::UserPointer;

  Status write(const T& value, uint64_t index = 0) const {
    return memory_->write(address_ + index * sizeof(T), std::as_bytes(std::span(&value, 1)));
  }
  Status prepare(uint64_t count = 1) const {
    if (count > UINT64_MAX / sizeof(T)) return Status::kInvalidArgs;
    return memory_->prepare(address_, count * sizeof(T), AccessKind::kWrite);
  }
  /// For results that the caller may not want.
  Status write_unless_null(const T& value) const { return null() ? Status::kOk : write(value); }
  Status write_array(std::span<const T> values, uint64_t index = 0) const {
    return values.empty() ? Status::kOk : memory_->write(address_ + index * sizeof(T), std::as_bytes(values));
  }
};

template <class T>
class UserInOut : public UserIn<T> {
 public:
  using UserIn<T>::UserIn;

  UserOut<T> out() const { return UserOut<T>(*this->memory_, this->address_); }
  Status write(const T& value, uint64_t index = 0) const { return out().write(value, index); }
  Status write_array(std::span<const T> values) const { return out().write_array(values); }
};

}  // namespace jacinth::kernel
