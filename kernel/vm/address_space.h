// One process's address space: the root of its regions, its page tables, and the way in for the kernel itself.
//
//   Process --Ref--> AddressSpace --Ref--> root AddressRegion --> regions, mappings --> VMOs
//                        |
//                        '--> PageTables: a cache of what the mappings say, filled by faults
//
// User memory is read and written page by page. A page that the page tables hold is copied at once (a few of them are
// remembered, so that most copies ask nobody); any other is faulted in first, as the guest's own access would be.
//
// Left out: the kernel's own address space, and guest physical ones.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "kernel/abi/info_memory.h"
#include "kernel/object/name.h"
#include "kernel/object/user_memory.h"
#include "kernel/vm/address_region.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

class AddressSpace final : public UserMemory {
 public:
  /// Of the addresses that programs may use: shared processes have two spaces (kernel/task/process.h).
  enum class Half : uint8_t { kBoth, kLower, kUpper };

  /// kNoMemory when there is no frame for the root of its page tables.
  static Result<Ref<AddressSpace>> create(Core& core, std::string_view name, Half half = Half::kBoth);
  static Ref<AddressSpace> create_for_load(Vm& vm, uint64_t id);

  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  /// Where programs may map on this architecture (USER_ASPACE_BASE and _SIZE of Zircon).
  static GuestAddr user_base() { return GuestAddr(0x100'0000); }
  static uint64_t user_size(Arch arch);
  /// Whether a root could lie there: inside what programs have.
  bool could_contain(GuestAddr base, uint64_t size) const;
  /// Where the upper half begins (process_dispatcher.cc: half of the size, in whole pages, belongs to the lower one).
  static GuestAddr split(Arch arch);

  uint64_t id() const { return id_; }
  Vm& vm() const { return vm_; }
  Core& core() const { return vm_.core(); }
  /// Null after destroy().
  const Ref<AddressRegion>& root() const { return root_; }
  /// The root of the page tables: what a thread's context names. Stays good until the space itself goes.
  PhysAddr page_table() const { return tables_->root(); }
  PageTables& tables() const { return *tables_; }

  bool contains(GuestAddr address) const;
  /// Living processes that have it: what its mappings are shared between.
  uint64_t processes() const { return processes_; }
  void begin_process() { ++processes_; }
  void end_process() { --processes_; }

  /// Ends every region and mapping; what is left answers kBadState.
  void destroy();

  /// The mapping at an address; null when there is none.
  Mapping* find_mapping(GuestAddr address) const;
  /// Makes the page tables allow the access, or says why that cannot be: kNotFound (nothing is mapped there),
  /// kAccessDenied, kOutOfRange (behind the end of the VMO), kNoMemory, how its pager failed; kParked when the thread
  /// waits for the page now (Vm::page_request()), kShouldWait when it would have to.
  Status fault(GuestAddr address, AccessKind access);

  // UserMemory
  Status read(GuestAddr from, std::span<std::byte> to) override;
  Status write(GuestAddr to, std::span<const std::byte> from) override;
  Status prepare(GuestAddr at, uint64_t size, AccessKind access) override;
  /// Why a read() or write() was kInvalidArgs: what an access of the program's own to these bytes would be. kNotFound
  /// for all addresses that no program has (zircon/kernel/vm/vm_object_paged.cc, ReadUser).
  Status explain(GuestAddr at, uint64_t size, AccessKind access);

  /// Where the vDSO's image would begin, by the mapping of its code; 0 when there is none.
  GuestAddr vdso_base() const;
  /// Where the vDSO's code is mapped, which system calls must come from; 0 when it is not.
  GuestAddr vdso_code() const { return vdso_code_size_ != 0 ? vdso_code_ : GuestAddr(); }
  /// Whether the range touches the vDSO's code, which nobody may move or change.
  bool touches_vdso_code(GuestAddr base, uint64_t size) const;

  /// What ZX_INFO_PROCESS_MAPS lists: the space, then regions and mappings, parents before children.
  std::vector<abi::InfoMaps> maps() const;
  abi::InfoTaskStats task_stats() const;
  /// Every mapping by address.
  template <class F>
  void for_each_mapping(F&& visit) const;

  // For mappings: the page tables, and what is remembered of them.
  bool map_page(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType type);
  void unmap_pages(GuestAddr page, uint64_t count);
  void protect_pages(GuestAddr page, uint64_t count, PagePermissions permissions);
  bool take_accessed(GuestAddr page);

  void add_ref() { ++refs_; }
  void release() {
    if (--refs_ == 0) delete this;
  }
  void state(Archive& ar);

 private:
  friend class AddressRegion;

  AddressSpace(Vm& vm, uint64_t id);
  ~AddressSpace() override;

  /// A page table entry as the last copy found it.
  struct Remembered {
    static constexpr uint64_t kNothing = ~uint64_t{0};
    uint64_t page = kNothing;
    PhysAddr frame;
    bool readable = false;
    bool writable = false;
  };
  Result<PhysAddr> resolve(GuestAddr page, AccessKind access);
  Remembered& slot_of(uint64_t page_number) { return remembered_[page_number % remembered_.size()]; }
  void forget(GuestAddr page, uint64_t count);

  Vm& vm_;
  uint64_t id_;
  uint32_t refs_ = 0;
  uint64_t processes_ = 0;
  Name name_;
  Ref<AddressRegion> root_;
  std::unique_ptr<PageTables> tables_;
  GuestAddr vdso_code_;
  uint64_t vdso_code_size_ = 0;
  std::array<Remembered, 64> remembered_;  // Not state: it speeds up and changes nothing.
  mutable Mapping* last_found_ = nullptr;  // Likewise.
};

template <class F>
void AddressSpace::for_each_mapping(F&& visit) const {
  if (root_)
    root_->for_each([&](unsigned, const AddressRegion*, const Mapping* mapping) {
      if (mapping != nullptr) visit(*mapping);
    });
}

}  // namespace jacinth::kernel
