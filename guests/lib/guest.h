// The library for C++ programs: handles that close themselves, threads from lambdas, children as values.
#pragma once

#include "guests/lib/expect.h"
#include "guests/lib/memory.h"
#include "guests/lib/print.h"
#include "guests/lib/process.h"
#include "guests/lib/spawn.h"
#include "guests/lib/thread.h"

// What the compiler makes of `for (int i : {1, 2, 3})`; there is no C++ library to have it from.
namespace std {
template <class T>
class initializer_list {
 public:
  constexpr const T* begin() const { return begin_; }
  constexpr const T* end() const { return begin_ + size_; }
  constexpr size_t size() const { return size_; }

 private:
  const T* begin_ = nullptr;
  size_t size_ = 0;
};
}  // namespace std

namespace guest {

/// Owns a handle.
class Handle {
 public:
  Handle() = default;
  explicit Handle(zx_handle_t value) : value_(value) {}
  Handle(Handle&& other) : value_(other.release()) {}
  Handle& operator=(Handle&& other) {
    reset(other.release());
    return *this;
  }
  ~Handle() { reset(); }

  operator zx_handle_t() const { return value_; }

  /// Where a call puts a new handle.
  zx_handle_t* out() {
    reset();
    return &value_;
  }
  zx_handle_t release() {
    zx_handle_t value = value_;
    value_ = ZX_HANDLE_INVALID;
    return value;
  }
  void reset(zx_handle_t value = ZX_HANDLE_INVALID) {
    if (value_ != ZX_HANDLE_INVALID) zx_handle_close(value_);
    value_ = value;
  }

 private:
  zx_handle_t value_ = ZX_HANDLE_INVALID;
};

/// A handle of the first message, by its PA_ type, kept for the whole run; ZX_HANDLE_INVALID when there was none.
inline zx_handle_t given(uint32_t type) {
  static zx_handle_t handles[256];
  if (handles[type] == ZX_HANDLE_INVALID) handles[type] = zx_take_startup_handle(PA_HND(type, 0));
  return handles[type];
}
/// Whether the program was given the root resource, and the others with it.
inline bool with_root() { return given(PA_RESOURCE) != ZX_HANDLE_INVALID; }

inline Handle duplicate(zx_handle_t handle, zx_rights_t rights = ZX_RIGHT_SAME_RIGHTS) {
  Handle copy;
  require_ok(zx_handle_duplicate(handle, rights, copy.out()));
  return copy;
}

struct Channel {
  Handle a, b;
  Channel() { require_ok(zx_channel_create(0, a.out(), b.out())); }
};

/// A thread that runs a lambda (one that captures by reference, or little), joined at the end of its scope.
class Running {
 public:
  template <class Run>
  Running(const char* name, Run run) {
    static_assert(sizeof run <= sizeof run_ && __is_trivially_copyable(Run));
    memcpy(run_, &run, sizeof run);
    auto call = [](void* self) { (*reinterpret_cast<Run*>(static_cast<Running*>(self)->run_))(); };
    require_ok(thread_start(&thread_, name, call, this));
  }
  Running(const Running&) = delete;
  ~Running() { join(); }

  void join() {
    if (joined_) return;
    joined_ = true;
    expect_ok(thread_join(&thread_));
  }
  zx_handle_t handle() const { return thread_.handle; }

 private:
  alignas(16) char run_[64];
  Thread thread_ = {};
  bool joined_ = false;
};

/// VMO memory mapped into this process.
class Mapping {
 public:
  Mapping(zx_handle_t vmo, size_t size, zx_vm_option_t permissions = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE) : size_(size) {
    require_ok(zx_vmar_map(zx_vmar_root_self(), permissions, 0, vmo, 0, size, &address_));
  }
  Mapping(const Mapping&) = delete;
  ~Mapping() { zx_vmar_unmap(zx_vmar_root_self(), address_, size_); }

  zx_vaddr_t address() const { return address_; }
  template <class T = uint8_t>
  T* as() const {
    return reinterpret_cast<T*>(address_);
  }

 private:
  zx_vaddr_t address_ = 0;
  size_t size_;
};

inline Handle make_vmo(uint64_t size, uint32_t options = 0) {
  Handle vmo;
  require_ok(zx_vmo_create(size, options, vmo.out()));
  return vmo;
}

/// All signals active on an object now.
inline zx_signals_t signals_of(zx_handle_t handle) {
  zx_signals_t observed = 0;
  zx_object_wait_one(handle, 0, 0, &observed);
  return observed;
}

constexpr zx_duration_t kMicrosecond = 1000;
constexpr zx_duration_t kMillisecond = 1000 * kMicrosecond;
constexpr zx_duration_t kSecond = 1000 * kMillisecond;

}  // namespace guest
