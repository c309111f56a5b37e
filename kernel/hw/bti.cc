#include "kernel/hw/bti.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {

using abi::BtiPinOptions;

// --- BTIs ---

Bti::Bti(Ref<Iommu> iommu, uint64_t id) : Object(iommu->core(), kType), iommu_(std::move(iommu)), id_(id) {}

Result<Ref<PinnedMemory>> Bti::pin(const Ref<Vmo>& vmo, uint64_t offset, uint64_t size, BtiPinOptions permissions) {
  TRY_STATUS(vmo->pin(offset, size, contains(permissions, BtiPinOptions::kPermWrite)));
  Ref<PinnedMemory> pinned = make_object<PinnedMemory>(Ref<Bti>(this), vmo, offset, size);
  Status status = closed_                               ? Status::kBadState
                  : permissions == BtiPinOptions::kNone ? Status::kInvalidArgs
                                                        : Status::kOk;
  if (status == Status::kOk) return pinned;
  pinned->unpin();
  return status;
}

abi::InfoBti Bti::info() const {
  return {.minimum_contiguity = kPageSize,
          .aspace_size = std::numeric_limits<uint64_t>::max(),
          .pmo_count = tokens_,
          .quarantine_count = quarantine_.size()};
}

void Bti::warn() {
  uint64_t pages = 0;
  for (const Ref<PinnedMemory>& token : quarantine_) pages += token->size_ / kPageSize;
  core().platform().console_write(
      fmt::format("BTI {:#x} is gone: {} pages of {} VMOs that it pinned are lost\n", id_, pages, quarantine_.size()));
}

void Bti::on_zero_handles() {
  closed_ = true;
  if (!quarantine_.empty()) warn();
}

Status Bti::set_name(std::string_view name) {
  name_.set(name);
  return Status::kOk;
}

void Bti::state(Archive& ar) {
  Object::state(ar);
  state_ref(ar, iommu_);
  ar(id_, closed_, name_);
  quarantine_.resize(ar.count(quarantine_.size(), sizeof(uint64_t)));
  for (Ref<PinnedMemory>& token : quarantine_) state_ref(ar, token);
  if (letting_go(ar)) quarantine_.clear();
  if (!ar.loading()) return;
  bool whole = bool(iommu_);
  for (const Ref<PinnedMemory>& token : quarantine_) whole = whole && token;
  if (whole) return;
  quarantine_.clear();
  ar.fail("an initiator without its IOMMU, or with a token that is none");
}

// --- tokens ---

PinnedMemory::PinnedMemory(Ref<Bti> bti, Ref<Vmo> vmo, uint64_t offset, uint64_t size)
    : Object(bti->core(), kType), bti_(std::move(bti)), vmo_(std::move(vmo)), offset_(offset), size_(size) {
  ++bti_->tokens_;
}

PinnedMemory::~PinnedMemory() {
  unpin();
  if (bti_) --bti_->tokens_;
}

std::vector<uint64_t> PinnedMemory::addresses() const {
  std::vector<uint64_t> addresses;
  addresses.reserve(size_ / kPageSize);
  for (uint64_t at = offset_; at < offset_ + size_; at += kPageSize)
    addresses.push_back(vmo_->pinned_address(at).value);
  return addresses;
}

void PinnedMemory::unpin() {
  if (Ref<Vmo> vmo = std::exchange(vmo_, nullptr)) vmo->unpin(offset_, size_);
}

void PinnedMemory::on_zero_handles() {
  if (!vmo_) return;
  bti_->quarantine_.emplace_back(this);
  if (bti_->closed_) bti_->warn();
}

void PinnedMemory::state(Archive& ar) {
  Object::state(ar);
  Ref<Bti> bti = bti_;
  Ref<Vmo> vmo = vmo_;
  ar(offset_, size_);
  state_ref(ar, bti);
  state_ref(ar, vmo);
  if (letting_go(ar)) {
    unpin();
    if (bti_) --bti_->tokens_;
    bti_ = nullptr;
  }
  if (!ar.loading()) return;
  if (!bti || (vmo && !vmo->claim_pins(offset_, size_))) return ar.fail("pinned memory that nobody holds");
  bti_ = std::move(bti);
  vmo_ = std::move(vmo);
  ++bti_->tokens_;
}

}  // namespace jacinth::kernel
