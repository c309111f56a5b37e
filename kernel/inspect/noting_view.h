// A view of a guest that notes every object whose name is asked for: which objects a call is about.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/inspect/guest_view.h"

namespace jacinth::kernel {

class NotingView final : public GuestView {
 public:
  /// Both outlive it. The same object may be noted more than once.
  NotingView(const GuestView& view, std::vector<uint64_t>& noted) : view_(view), noted_(noted) {}

  Arch arch() const override { return view_.arch(); }
  size_t peek(GuestAddr from, std::span<std::byte> to) const override { return view_.peek(from, to); }
  std::optional<Named> named(Handle handle) const override {
    std::optional<Named> named = view_.named(handle);
    if (named) noted_.push_back(abi::raw(named->koid));
    return named;
  }

 private:
  const GuestView& view_;
  std::vector<uint64_t>& noted_;
};

}  // namespace jacinth::kernel
