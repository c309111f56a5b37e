// Memory that devices reach by themselves: IOMMUs, initiators of bus transactions (BTIs), and pinned memory tokens.
//
//   Iommu <--Ref-- Bti <--Ref-- PinnedMemory --Ref--> Vmo (its pages stay where they are)
//                   |                ^
//                   '-- quarantine --'  tokens whose last handle was closed without zx_pmt_unpin
//
// A device may still write to what its driver pinned and forgot: such a token keeps its pages until somebody who knows
// the device says that it is quiet. If the BTI goes first, it keeps them for good, as it does there. This ring ends
// with the kernel.
//
// zircon/kernel/object/{iommu,bus_transaction_initiator,pinned_memory_token}_dispatcher.cc, dev/iommu/dummy settle it.
//
// Left out: IOMMUs that translate. The dummy gives devices the physical addresses.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "kernel/abi/bti.h"
#include "kernel/abi/info_handle.h"
#include "kernel/object/name.h"
#include "kernel/object/object.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

class PinnedMemory;

/// The dummy.
class Iommu final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kIommu;
  explicit Iommu(Core& core) : Object(core, kType) {}
  bool waitable() const override { return false; }
};

class Bti final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kBti;

  /// Any `id` is good for a dummy.
  Bti(Ref<Iommu> iommu, uint64_t id);
  /// For loading.
  explicit Bti(Core& core) : Object(core, kType) {}

  uint64_t id() const { return id_; }

  /// Holds the pages of a range, which the caller has checked to be whole pages, in place for a device. What Vmo::pin()
  /// says; kInvalidArgs without a permission; kBadState when no handle names the BTI any more.
  Result<Ref<PinnedMemory>> pin(const Ref<Vmo>& vmo, uint64_t offset, uint64_t size, abi::BtiPinOptions permissions);
  /// The devices are quiet: lets go of what was forgotten.
  void release_quarantine() { quarantine_.clear(); }
  abi::InfoBti info() const;

  bool waitable() const override { return false; }
  std::string_view name() const override { return name_.text(); }
  Status set_name(std::string_view name) override;
  void state(Archive& ar) override;

 private:
  friend class PinnedMemory;
  void on_zero_handles() override;
  void warn();

  Ref<Iommu> iommu_;
  uint64_t id_ = 0;
  bool closed_ = false;
  Name name_;
  uint64_t tokens_ = 0;  // Counted anew when they are loaded.
  std::deque<Ref<PinnedMemory>> quarantine_;
};

/// zx_pmt: the pages of one zx_bti_pin.
class PinnedMemory final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kPmt;

  /// For loading.
  explicit PinnedMemory(Core& core) : Object(core, kType) {}

  /// Where a device finds each page.
  std::vector<uint64_t> addresses() const;
  /// zx_pmt_unpin. After it, closing the token is nothing special.
  void unpin();

  bool waitable() const override { return false; }
  void state(Archive& ar) override;

 private:
  friend class Bti;
  PinnedMemory(Ref<Bti> bti, Ref<Vmo> vmo, uint64_t offset, uint64_t size);
  ~PinnedMemory() override;
  template <class T, class... Arguments>
  friend Ref<T> make_object(Arguments&&... arguments);
  void on_zero_handles() override;

  Ref<Bti> bti_;
  Ref<Vmo> vmo_;  // Null once unpinned.
  uint64_t offset_ = 0;
  uint64_t size_ = 0;
};

}  // namespace jacinth::kernel
