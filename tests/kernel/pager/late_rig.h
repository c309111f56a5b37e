// Words for tests of calls whose arguments or results lie in memory that a pager has yet to bring.
#pragma once

#include <utility>

#include "tests/kernel/pager/pager_rig.h"

namespace jacinth::kernel {

struct LateRig : PagerRig {
  static constexpr uint64_t kPage = kPageSize;

  Handle slow{};   ///< Pages that take their time,
  GuestAddr late;  ///< where they are mapped,
  uint64_t used = 0;

  LateRig() {
    slow = vmo(32);
    late = map(slow, 32);
  }
  /// An address in a page that nobody has brought yet; and in as many behind it.
  GuestAddr absent(uint64_t pages = 1) { return late + kPage * (std::exchange(used, used + pages)); }
  /// Brings the page of the address.
  void bring(GuestAddr address) { REQUIRE(supply(slow, (address - late) / kPage, 1) == Status::kOk); }
  void refuse(GuestAddr address) { REQUIRE(fail(slow, (address - late) / kPage, 1, Status::kIo) == Status::kOk); }
  /// What bring() puts first into the page.
  uint32_t brought(GuestAddr address) const { return static_cast<uint32_t>(100 + (address - late) / kPage); }

  bool valid(Handle handle) { return process()->handles().find(handle) != nullptr; }
  size_t handles() { return process()->handles().size(); }
  /// The two ends that a call makes.
  template <class... Arguments>
  std::pair<Handle, Handle> ends(std::string_view call_name, Arguments... arguments) {
    GuestAddr out = room(8);
    REQUIRE(call(call_name, arguments..., out, out + 4) == Status::kOk);
    return {peek<Handle>(out), peek<Handle>(out, 1)};
  }
  std::pair<Handle, Handle> channel() { return ends("channel_create", 0); }
};

}  // namespace jacinth::kernel
