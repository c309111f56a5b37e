// A process as the printers see one: a piece of memory, and handles that name something.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <map>
#include <string_view>

#include "kernel/inspect/guest_view.h"

namespace jacinth::kernel {

class FakeView final : public GuestView {
 public:
  static constexpr uint64_t kBase = 0x7000;
  static constexpr size_t kSize = 0x1000;

  explicit FakeView(Arch arch = Arch::kArm64) : arch_(arch) {}

  Arch arch() const override { return arch_; }
  size_t peek(GuestAddr from, std::span<std::byte> to) const override {
    if (from.value < kBase || from.value >= kBase + kSize) return 0;
    size_t size = std::min<size_t>(to.size(), kBase + kSize - from.value);
    std::memcpy(to.data(), memory_.data() + (from.value - kBase), size);
    return size;
  }
  std::optional<Named> named(Handle handle) const override {
    auto found = handles_.find(abi::raw(handle));
    if (found == handles_.end()) return std::nullopt;
    return found->second;
  }

  void name(uint32_t handle, ObjectType type, uint64_t koid) {
    handles_[handle] = {.type = type, .koid = static_cast<Koid>(koid)};
  }
  void forget(uint32_t handle) { handles_.erase(handle); }
  /// Puts a value there and returns the address.
  template <class T>
  uint64_t put(uint64_t at, const T& value) {
    std::memcpy(memory_.data() + (at - kBase), &value, sizeof value);
    return at;
  }
  uint64_t put(uint64_t at, std::string_view text) {
    std::memcpy(memory_.data() + (at - kBase), text.data(), text.size());
    return at;
  }

 private:
  Arch arch_;
  std::array<std::byte, kSize> memory_ = {};
  std::map<uint32_t, Named> handles_;
};

}  // namespace jacinth::kernel
