// Memory without a kernel around it: frames, VMOs and address spaces on a fake machine.
//
// Tests name VMOs and regions by koid and spaces by number, never by pointer across two steps, so that the rig can save
// everything and load it into a fresh kernel between any two of them: it does so in every step when the environment
// sets JACINTH_TEST_RELOAD. When it goes, it looks whether every frame came back.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "kernel/vm/address_space.h"
#include "kernel/vm/vm.h"
#include "kernel/vm/vmo.h"
#include "tests/support/fake_platform.h"
#include "tests/support/memory_check.h"
#include "tests/support/object_rig.h"

namespace jacinth::kernel {

class VmRig {
 public:
  explicit VmRig(Arch arch = Arch::kArm64, Options options = {}, uint64_t ram_size = 8 << 20)
      : platform_(arch, ram_size), options_(std::move(options)) {
    start();
  }
  ~VmRig() {
    for (const auto& fault : {page_table_fault(*vm_, platform_), frame_fault(*vm_)})
      if (fault) CATCH_FAIL_CHECK(*fault);
    spaces_.clear();
    table_->clear();
    core_->objects().drain();
    // The page of zeros is the only one that stays.
    if (vm_->pmm().total() - vm_->pmm().free_count() != 1) CATCH_FAIL_CHECK("page frames leaked");
    stop();
  }
  VmRig(const VmRig&) = delete;
  VmRig& operator=(const VmRig&) = delete;

  Core& core() {
    step();
    return *core_;
  }
  Vm& vm() {
    step();
    return *vm_;
  }
  Pmm& pmm() { return vm_->pmm(); }
  Frame pmm_zero() { return vm_->zero_frame(); }
  FakePlatform& platform() { return platform_; }

  // --- VMOs ---

  Koid vmo(uint64_t size, abi::VmoOptions options = abi::VmoOptions::kNone) {
    Result<Ref<Vmo>> made = Vmo::create(core(), size, options);
    REQUIRE(made.status() == Status::kOk);
    return hold(*made);
  }
  Koid child(Koid parent, abi::VmoChildOptions options, uint64_t offset, uint64_t size) {
    Result<Ref<Vmo>> made = at(parent).create_child(options, offset, size, false);
    REQUIRE(made.status() == Status::kOk);
    return hold(*made);
  }
  Koid snapshot(Koid parent, uint64_t offset, uint64_t size) {
    return child(parent, abi::VmoChildOptions::kSnapshot, offset, size);
  }
  Koid slice(Koid parent, uint64_t offset, uint64_t size) {
    return child(parent, abi::VmoChildOptions::kSlice, offset, size);
  }
  Vmo& at(Koid vmo) {
    step();
    return object<Vmo>(vmo);
  }
  /// Keeps an object alive by a handle.
  Koid hold(Ref<Object> object) {
    Koid koid = object->koid();
    Rights rights = abi::default_rights(object->type());
    handles_[koid] = table_->add(std::move(*core_->handles().make(std::move(object), rights)));
    return koid;
  }
  /// The last handle goes.
  void close(Koid koid) {
    REQUIRE(table_->close(handles_.at(koid)) == Status::kOk);
    handles_.erase(koid);
    core_->objects().drain();
    step();
  }

  void put(Koid vmo, uint64_t offset, uint32_t value) {
    REQUIRE(at(vmo).write(offset, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  }
  uint32_t get(Koid vmo, uint64_t offset) {
    uint32_t value = 0;
    REQUIRE(at(vmo).read(offset, std::as_writable_bytes(std::span(&value, 1))) == Status::kOk);
    return value;
  }
  /// Page n begins with n + 1.
  Koid tagged(uint64_t pages, abi::VmoOptions options = abi::VmoOptions::kNone) {
    Koid made = vmo(pages * kPageSize, options);
    for (uint64_t page = 0; page < pages; ++page) put(made, page * kPageSize, static_cast<uint32_t>(page + 1));
    return made;
  }
  uint64_t committed(Koid vmo) { return at(vmo).info().committed_bytes / kPageSize; }
  /// Frames that hold pages of VMOs.
  uint64_t object_frames() { return pmm().count(FrameState::kObject); }

  // --- address spaces ---

  /// The first one is space 0.
  size_t space() {
    Result<Ref<AddressSpace>> made = AddressSpace::create(core(), "proc:test");
    REQUIRE(made.status() == Status::kOk);
    spaces_.push_back(*made);
    hold((*made)->root());
    return spaces_.size() - 1;
  }
  AddressSpace& space(size_t number) {
    step();
    return *spaces_.at(number);
  }
  AddressRegion& root(size_t number = 0) { return *space(number).root(); }
  AddressRegion& region(Koid koid) {
    step();
    return object<AddressRegion>(koid);
  }
  void end_space(size_t number) {
    spaces_.at(number) = nullptr;
    core_->objects().drain();
  }
  Result<GuestAddr> map(AddressRegion& region, Koid vmo, uint64_t vmo_offset, uint64_t length, abi::VmOptions options,
                        uint64_t offset = 0) {
    return region.map({.offset = offset,
                       .vmo = Ref<Vmo>(&object<Vmo>(vmo)),
                       .vmo_offset = vmo_offset,
                       .length = length,
                       .options = options});
  }
  /// All of a VMO, readable and writable, anywhere in space 0.
  GuestAddr map_all(Koid vmo, size_t number = 0) {
    uint64_t size = at(vmo).size();
    Result<GuestAddr> base = map(root(number), vmo, 0, size, abi::VmOptions::kPermRead | abi::VmOptions::kPermWrite);
    REQUIRE(base.status() == Status::kOk);
    return *base;
  }
  /// What a program at that address would do.
  void poke(GuestAddr address, uint32_t value, size_t number = 0) {
    REQUIRE(space(number).write(address, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  }
  uint32_t peek(GuestAddr address, size_t number = 0) {
    uint32_t value = 0;
    REQUIRE(space(number).read(address, std::as_writable_bytes(std::span(&value, 1))) == Status::kOk);
    return value;
  }

  /// Saves everything, loads it into a fresh kernel, and goes on with that one.
  void reload() {
    core_->objects().drain();
    if (std::optional<std::string> fault = frame_fault(*vm_)) FAIL(*fault);
    Writer saved;
    state(saved);
    Digest before = digest();
    stop();
    start();
    Reader loaded(saved.data());
    state(loaded);
    INFO(loaded.error());
    REQUIRE(loaded.ok());
    REQUIRE(loaded.at_end());
    REQUIRE(digest() == before);
  }
  Digest digest() {
    Hasher hasher;
    state(hasher);
    return hasher.digest();
  }
  /// From now on the test holds pointers across steps: nothing is reloaded behind its back.
  void pin() { pinned_ = true; }

 private:
  template <class T>
  T& object(Koid koid) {
    T* found = object_cast<T>(core_->objects().find(koid));
    REQUIRE(found != nullptr);
    return *found;
  }
  void step() {
    if (std::optional<std::string> fault = page_table_fault(*vm_, platform_)) FAIL(*fault);
    if (reload_between_steps() && !pinned_) reload();
  }
  void start() {
    vm_ = std::make_unique<Vm>(platform_);
    core_ = std::make_unique<Core>(platform_, options_);
    vm_->attach(*core_);
    table_ = std::make_unique<HandleTable>(core_->handles(), 1, 0x5eed'5eec);
  }
  void stop() {
    spaces_.clear();
    table_->clear();
    table_.reset();
    core_.reset();
    vm_.reset();
  }
  void state(Archive& ar) {
    platform_.state(ar);
    vm_->state(ar);
    core_->state(ar);
    table_->state(ar);
    size_t count = ar.count(spaces_.size());
    if (ar.loading()) spaces_.resize(count);
    for (Ref<AddressSpace>& space : spaces_) state_ref(ar, *vm_, space);
    if (ar.loading()) vm_->settle_loaded();
  }

  FakePlatform platform_;
  Options options_;
  bool pinned_ = false;
  std::unique_ptr<Vm> vm_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<HandleTable> table_;
  std::map<Koid, Handle> handles_;
  std::vector<Ref<AddressSpace>> spaces_;
};

}  // namespace jacinth::kernel
