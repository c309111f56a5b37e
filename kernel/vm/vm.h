// The virtual memory system of one kernel: page frames, page containers, address spaces.
//
// Kernel objects reach it through Core::vm(). Containers and address spaces are not objects that a handle could name,
// so they have numbers of their own here, by which saved state refers to them.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "kernel/object/core.h"
#include "kernel/vm/cow_pages.h"
#include "kernel/vm/kernel_page_frames.h"
#include "kernel/vm/pmm.h"
#include "kernel/vm/scanner.h"

namespace jacinth::kernel {

struct VdsoImage;
class AddressSpace;

/// A recorder. It looks, and changes nothing.
class CopyWatcher {
 public:
  virtual ~CopyWatcher() = default;
  virtual void copied_in(GuestAddr from, std::span<const std::byte> bytes) = 0;
  virtual void copied_out(GuestAddr to, std::span<const std::byte> bytes) = 0;
};

/// What the kernel lets programs do with the vDSO: its code may be mapped executable once per address space, and only
/// as exactly this range of the VMO.
struct VdsoRules {
  Koid vmo = Koid::kInvalid;
  uint64_t code_offset = 0;
  uint64_t code_size = 0;

  void state(Archive& ar) { ar(vmo, code_offset, code_size); }
};

/// Where programs land that ask for no place: kernel options aslr.disable, aslr.entropy_bits and
/// aslr.compact_entropy_bits.
struct Aslr {
  bool enabled = true;
  unsigned entropy_bits = 30;
  unsigned compact_entropy_bits = 8;
};

class Vm {
 public:
  /// Objects hold on to it, so it must outlive the core that has them.
  explicit Vm(Platform& platform);
  ~Vm();
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  /// Makes itself and the objects of this folder known to the core.
  void attach(Core& core);

  Core& core() const { return *core_; }
  Platform& platform() const { return platform_; }
  Pmm& pmm() { return pmm_; }
  /// What the kernel has for itself.
  const KernelPageFrames& kernel_pages() const { return kernel_pages_; }
  /// The frame of zeros that reads of untouched pages show. Never written.
  Frame zero_frame() const { return zero_frame_; }

  const Aslr& aslr() const { return aslr_; }
  /// The thread that runs now, where it would wait for pages; null when nobody could.
  PageRequest* page_request() const { return page_request_; }
  void set_page_request(PageRequest* request) { page_request_ = request; }
  /// Who is told of bytes that go between programs and the kernel, into it and out of it; null: nobody.
  CopyWatcher* copy_in_watcher() const { return copy_in_watcher_; }
  CopyWatcher* copy_out_watcher() const { return copy_out_watcher_; }
  void set_copy_watchers(CopyWatcher* in, CopyWatcher* out) {
    copy_in_watcher_ = in;
    copy_out_watcher_ = out;
  }
  /// When a thread that begins to wait for a pager now gives up (kernel.userpager.overtime_timeout_seconds).
  Time pager_patience() const;

  /// kernel.ppb.loan: decommitting pages of contiguous VMOs lends their frames.
  bool lends() const { return lends_; }
  /// For tests of what happens when lent pages cannot come back, as on a real kernel without room for its notes.
  bool fails_reclaims() const { return fails_reclaims_; }
  void set_fails_reclaims(bool fails) { fails_reclaims_ = fails; }
  /// kernel.ppb.borrow-in-supplypages: what pagers supply goes into lent frames.
  bool borrows() const { return borrows_; }
  /// Takes frames of clean pages from their pagers, and what nobody has locked from discardable VMOs, until `target`
  /// are free that were not: those that programs said they do not need first, then by age. How many it were. Pages that
  /// are always needed go only if `all`.
  uint64_t reclaim(uint64_t target, bool all = false);
  /// What the real kernel's evictor does: frees at least `min_pages`, and until `free_target` are free.
  uint64_t evict(uint64_t min_pages, uint64_t free_target, EvictionLevel level, unsigned discardable_percent);
  /// Finds out which pages of pagers were accessed, by the page tables of all address spaces.
  void harvest_accessed();
  /// kernel.ppb.borrow-on-mru: what came back to the newest queue of pages goes into lent frames.
  void move_used_to_lent();
  /// Looks at anonymous pages, each once in its life, and gives back those that are zeros. How many.
  uint64_t dedup_zero_forks(uint64_t limit);
  Scanner& scanner() { return scanner_; }
  /// Pages of anonymous memory that hold nothing but zeros, whose frames are given back if `give_back`. How many.
  uint64_t scan_zero_pages(bool give_back);
  /// Counts the times that a discardable VMO was let go of.
  uint64_t next_unlock() { return ++unlocks_; }
  /// While loading: whether the frame has a pin that nobody else has claimed.
  bool claim_pin(Frame frame) { return ++claimed_pins_[frame] <= pmm_.record(frame).pins; }
  /// Null when there is none.
  CowPages* find_pages(PagesId id) const;

  /// Whether the programs are of July 2020, and find the rules of that time where they changed until 2022: what the
  /// content of a VMO is, which ranges are cut to fit, which status says that a place is taken. The rows of the calls
  /// (kernel/syscalls/) name each.
  bool july_2020() const { return july_2020_; }
  void set_july_2020() { july_2020_ = true; }

  const VdsoRules& vdso() const { return vdso_; }
  void set_vdso(const VdsoRules& rules) { vdso_ = rules; }
  /// Its file (kernel/vdso/image.h). Set before there are processes.
  const VdsoImage& vdso_image() const { return *vdso_image_; }
  void set_vdso_image(const VdsoImage& image) { vdso_image_ = &image; }

  size_t pages_count() const { return pages_.size(); }
  /// Every page container, family by family, oldest first.
  template <class F>
  void for_each_pages(F&& visit) const {
    for (const auto& [key, pages] : pages_) visit(*pages);
  }
  /// Whether a container is the only one of its family.
  bool alone_in_family(PagesId family) const;
  /// Every address space, oldest first.
  template <class F>
  void for_each_space(F&& visit) const {
    for (const auto& [id, space] : spaces_) visit(*space);
  }
  template <class F>
  void for_each_of_family(PagesId family, F&& visit) const {
    auto at = pages_.lower_bound({family, PagesId::kNone});
    for (; at != pages_.end() && at->first.first == family; ++at) visit(*at->second);
  }

  /// Frames, containers, spaces. Comes before Core::state() in a snapshot: VMOs and regions find theirs by number. What
  /// is loaded lives without them until settle_loaded().
  void state(Archive& ar);
  /// All objects are loaded, and whatever needed a container or a space has taken it.
  void settle_loaded();
  /// Null when no such one was loaded.
  Ref<CowPages> loaded_pages(PagesId id) const;
  Ref<AddressSpace> loaded_space(uint64_t id) const;
  /// How many processes have this space; a space without any counts for one.
  uint64_t processes_in(uint64_t space) const;

 private:
  friend class AddressSpace;
  friend class CowPages;
  PagesId next_pages_id() { return PagesId{++last_pages_id_}; }
  uint64_t next_space_id() { return ++last_space_id_; }
  void enlist(CowPages& pages, PagesId family);
  void delist(CowPages& pages, PagesId family);
  /// The last reference went. What it held on to ends after it, not within it: chains may be long.
  void end(CowPages& pages);
  uint64_t evict_paged(uint64_t target, unsigned age, bool all);
  uint64_t evict_discardable(uint64_t target, Time unlocked_by);

  void state_pages(Archive& ar);
  void state_spaces(Archive& ar);

  Platform& platform_;
  Core* core_ = nullptr;
  Pmm pmm_;
  KernelPageFrames kernel_pages_{pmm_};
  Frame zero_frame_ = Frame::kNone;
  Aslr aslr_;
  VdsoRules vdso_;
  const VdsoImage* vdso_image_ = nullptr;
  Scanner scanner_{*this};
  Duration pager_patience_{};
  bool lends_ = false;
  bool borrows_ = false;
  bool borrows_on_use_ = false;
  bool fails_reclaims_ = false;
  CopyWatcher* copy_in_watcher_ = nullptr;  // Not state: whoever looks on.
  CopyWatcher* copy_out_watcher_ = nullptr;
  PageRequest* page_request_ = nullptr;  // Not state: set while a thread's call or fault is at work.
  std::vector<CowPages*> ending_;
  bool ending_now_ = false;
  uint64_t last_pages_id_ = 0;
  uint64_t last_space_id_ = 0;
  uint64_t unlocks_ = 0;
  bool july_2020_ = false;
  std::map<std::pair<PagesId, PagesId>, CowPages*> pages_;  // By family, then number: by age in both.
  std::map<PagesId, CowPages*> pages_by_id_;
  std::map<uint64_t, AddressSpace*> spaces_;
  std::map<PagesId, Ref<CowPages>> loaded_pages_;
  std::map<Frame, uint64_t> claimed_pins_;
  std::map<uint64_t, Ref<AddressSpace>> loaded_spaces_;
};

/// References among the saved state: by number, 0 for null.
void state_ref(Archive& ar, Vm& vm, Ref<CowPages>& pages);
void state_ref(Archive& ar, Vm& vm, Ref<AddressSpace>& space);

}  // namespace jacinth::kernel
