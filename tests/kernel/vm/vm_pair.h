// The real memory and the naive model (vm_model.h), side by side: each step is done to both, and what differs
// afterwards is thrown as a Difference.
#pragma once

#include <string>

#include "tests/kernel/vm/vm_model.h"
#include "tests/kernel/vm/vm_rig.h"
#include "tests/kernel/vm/vm_steps.h"

namespace jacinth::kernel::model {

/// A number for a page, or how many of them: mostly one that makes sense.
inline uint64_t pages_of(uint32_t operand, uint64_t limit) {
  return operand % 8 == 7 ? operand / 8 % kMost : operand / 8 % (limit + 1);
}

struct Difference {
  std::string what;
};

class Pair {
 public:
  explicit Pair(bool lends);
  ~Pair();

  void run(const Step& step);

 private:
  using RealVmo = kernel::Vmo;
  static constexpr GuestAddr kBase{0x4000'0000};
  static GuestAddr place(uint64_t page) { return kBase + page * kPageSize; }
  static std::span<std::byte> bytes(uint32_t& word) { return std::as_writable_bytes(std::span(&word, 1)); }

  template <class... Arguments>
  static void require(bool good, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (!good) throw Difference{fmt::format(text, std::forward<Arguments>(arguments)...)};
  }
  static void same(Status got, Status wanted) {
    require(got == wanted, "status {} instead of {}", abi::raw(got), abi::raw(wanted));
  }

  /// The next slot from this one on that suits, mostly.
  size_t suited(size_t slot, uint32_t chance, bool (*suits)(const Vmo&));
  struct Place {
    size_t space;
    uint64_t at;
  };
  /// A page of a space, mostly one that shows something.
  Place mapped(const Step& step);

  void act(const Step& step);
  void act_on_vmo(const Step& step, size_t slot);
  void act_as_pager(const Step& step, size_t slot);
  void make_child(const Step& step, size_t slot);
  void create(const Step& step);
  void made(size_t slot, const Result<Ref<RealVmo>>& got, ContentRef content, bool resizable, bool discardable = false);
  void adopt(size_t slot, const Result<Ref<RealVmo>>& got, std::shared_ptr<Vmo> made);
  void drop(size_t slot);
  void zero(RealVmo& real, Vmo& vmo, const Step& step);
  void unpin(size_t slot);
  void supply(RealVmo& real, Content& content, PageRange range, uint32_t tag);
  void give(RealVmo& real, Vmo& vmo, const Step& step);
  void receive(RealVmo& real, Content& content, uint64_t first, std::vector<Page> given);
  void reclaim(const Step& step);
  void scan(bool give_back);
  void map(size_t slot, const Step& step);
  void unmap(const Step& step);
  void protect(const Step& step);
  void op_range(const Step& step);
  void access(const Step& step);
  void starve(uint64_t allocations);
  void reload();

  void compare();
  void compare_vmo(size_t slot);
  void compare_dirty(CowPages& real, Content& content);
  void compare_tables(size_t number);
  void compare_frames();
  CowPages& real(const Content& content);

  struct Pin {
    size_t slot;
    uint64_t first;
    uint64_t count;
  };

  VmRig rig_;
  Model model_;
  std::array<Koid, kSlots> koids_ = {};
  std::array<Ref<AddressRegion>, kSpaces> windows_;
  std::vector<Pin> pins_;
};

}  // namespace jacinth::kernel::model
