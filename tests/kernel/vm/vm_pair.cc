#include "tests/kernel/vm/vm_pair.h"

#include <utility>

namespace jacinth::kernel::model {
namespace {

using abi::VmOptions;
using enum abi::VmOptions;

constexpr VmOptions kPermissions[] = {kPermRead, kPermRead | kPermWrite, kNone, kPermRead | kPermWrite};

}  // namespace

Pair::Pair(bool lends)
    : rig_(Arch::kArm64,
           lends ? Options{{"kernel.ppb.loan", "true"}, {"kernel.ppb.borrow-in-supplypages", "true"}} : Options{}) {
  rig_.pin();
  for (size_t i = 0; i < kSpaces; ++i) {
    rig_.space();
    AddressRegion& root = rig_.root(i);
    windows_[i] = *root.allocate(kBase - root.base(), kWindow * kPageSize, kCanMapMask | kCanMapSpecific | kSpecific);
  }
}

Pair::~Pair() {
  rig_.pmm().never_fail();
  for (size_t slot = 0; slot < kSlots; ++slot) unpin(slot);
  for (Ref<AddressRegion>& window : windows_) window = nullptr;
}

void Pair::run(const Step& step) {
  act(step);
  rig_.core().objects().drain();
  compare();
}

CowPages& Pair::real(const Content& content) {
  CowPages* found = nullptr;
  rig_.vm().for_each_pages([&](CowPages& pages) {
    if (pages.id() == content.id) found = &pages;
  });
  require(found != nullptr, "the pages with number {} are gone", static_cast<uint64_t>(content.id));
  return *found;
}

size_t Pair::suited(size_t slot, uint32_t chance, bool (*suits)(const Vmo&)) {
  for (size_t i = 0; i < kSlots && chance % 8 != 7; ++i) {
    const std::shared_ptr<Vmo>& vmo = model_.slots[(slot + i) % kSlots];
    if (vmo && suits(*vmo)) return (slot + i) % kSlots;
  }
  return slot;
}

Pair::Place Pair::mapped(const Step& step) {
  Place found = {.space = step.operands[1] % kSpaces, .at = step.operands[1] / kSpaces % kWindow};
  for (uint64_t i = 0; i < kWindow && step.operands[4] % 8 != 7; ++i) {
    uint64_t at = (found.at + i) % kWindow;
    const Shown& shown = model_.windows[found.space][at];
    if (shown.vmo && shown.page < shown.vmo->pages()) return {.space = found.space, .at = at};
  }
  return found;
}

// --- making and ending ---

void Pair::adopt(size_t slot, const Result<Ref<RealVmo>>& got, std::shared_ptr<Vmo> made) {
  made->content->id = (*got)->pages()->id();
  drop(slot);
  koids_[slot] = rig_.hold(*got);
  model_.slots[slot] = std::move(made);
}

void Pair::made(size_t slot, const Result<Ref<RealVmo>>& got, ContentRef content, bool resizable, bool discardable) {
  same(got.status(), Status::kOk);
  adopt(slot, got,
        std::make_shared<Vmo>(Vmo{.content = std::move(content), .resizable = resizable, .discardable = discardable}));
}

void Pair::unpin(size_t slot) {
  std::erase_if(pins_, [&](const Pin& pin) {
    if (pin.slot != slot) return false;
    rig_.at(koids_[slot]).unpin(pin.first * kPageSize, pin.count * kPageSize);
    Model::unpin(*model_.slots[slot]->content, {model_.slots[slot]->first + pin.first, pin.count});
    return true;
  });
}

void Pair::drop(size_t slot) {
  if (!model_.slots[slot]) return;
  unpin(slot);
  rig_.close(koids_[slot]);
  model_.slots[slot] = nullptr;
}

void Pair::create(const Step& step) {
  size_t slot = step.operands[0] % kSlots;
  uint64_t pages = 6 - step.operands[1] % 20 % kMost;
  uint64_t size = pages * kPageSize;
  bool resizable = step.operands[2] % 2 == 0;
  abi::VmoOptions options = resizable ? abi::VmoOptions::kResizable : abi::VmoOptions::kNone;
  if (step.kind == Kind::kCreate) {
    bool discardable = !resizable && step.operands[3] % 3 == 0;
    if (discardable) options |= abi::VmoOptions::kDiscardable;
    return made(slot, RealVmo::create(rig_.core(), size, options), model_.create(PagesKind::kAnonymous, pages),
                resizable, discardable);
  }
  if (step.kind == Kind::kPaged) {
    ContentRef content = model_.create(PagesKind::kPaged, pages);
    content->traps = step.operands[3] % 3 == 0;
    if (content->traps) options |= abi::VmoOptions::kTrapDirty;
    return made(slot, RealVmo::create_paged(rig_.core(), size, options, Koid::kInvalid), content, resizable);
  }
  Result<Ref<RealVmo>> got = RealVmo::create_contiguous(rig_.core(), size, kPageSize);
  if (pages == 0) return same(got.status(), Status::kInvalidArgs);
  if (!model_.allocate()) return same(got.status(), Status::kNoMemory);
  made(slot, got, model_.create_contiguous(pages), false);
}

void Pair::make_child(const Step& step, size_t slot) {
  std::shared_ptr<Vmo> parent = model_.slots[slot];
  RealVmo& real = rig_.at(koids_[slot]);
  Content& content = *parent->content;
  size_t target = step.operands[1] % kSlots;
  uint64_t first = pages_of(step.operands[2], parent->pages() / 2);
  uint64_t count = pages_of(step.operands[3], parent->pages() - std::min(first, parent->pages()));
  auto make = [&](abi::VmoChildOptions options) {
    return real.create_child(options, first * kPageSize, count * kPageSize, false);
  };
  if (step.kind == Kind::kSlice) {
    Result<Ref<RealVmo>> got = make(abi::VmoChildOptions::kSlice);
    if (first + count > parent->pages()) return same(got.status(), Status::kInvalidArgs);
    if (parent->resizable || parent->discardable) return same(got.status(), Status::kNotSupported);
    same(got.status(), Status::kOk);
    return adopt(
        target, got,
        std::make_shared<Vmo>(Vmo{.content = parent->content, .first = parent->first + first, .slice = count}));
  }
  bool resizable = step.operands[4] % 2 == 0;
  abi::VmoChildOptions type =
      step.kind == Kind::kCopy ? abi::VmoChildOptions::kSnapshotAtLeastOnWrite : abi::VmoChildOptions::kSnapshot;
  Result<Ref<RealVmo>> got = make(resizable ? type | abi::VmoChildOptions::kResizable : type);
  bool copies = step.kind == Kind::kCopy && content.rests_on_pager();
  if (parent->slice || (!copies && (content.kind != PagesKind::kAnonymous || parent->discardable)))
    return same(got.status(), Status::kNotSupported);
  if (copies) return made(target, got, model_.copy(parent->content, first, count), resizable);
  if (Model::pinned(content)) return same(got.status(), Status::kBadState);
  made(target, got, model_.snapshot(content, first, count), resizable);
}

// --- steps ---

void Pair::act(const Step& step) {
  size_t slot = step.operands[0] % kSlots;
  switch (step.kind) {
    case Kind::kCreate:
    case Kind::kContiguous:
    case Kind::kPaged: return create(step);
    case Kind::kClose: return drop(slot);
    case Kind::kReload: return reload();
    case Kind::kStarve: return starve(step.operands[1] % 4);
    case Kind::kFeed: return starve(std::numeric_limits<uint64_t>::max());
    case Kind::kReclaim: return reclaim(step);
    case Kind::kScan: return scan(step.operands[0] % 2 == 0);
    case Kind::kUnmap: return unmap(step);
    case Kind::kProtect: return protect(step);
    case Kind::kRange: return op_range(step);
    case Kind::kPoke:
    case Kind::kPeek: return access(step);
    default: break;
  }
  switch (step.kind) {
    case Kind::kSupply:
    case Kind::kGive:
    case Kind::kDirty:
    case Kind::kBegin:
    case Kind::kEnd:
    case Kind::kDetach:
    case Kind::kModified:
    case Kind::kEvict: slot = suited(slot, 0, [](const Vmo& vmo) { return vmo.content->paged(); }); break;
    case Kind::kLock:
    case Kind::kUnlock: slot = suited(slot, step.operands[4], [](const Vmo& vmo) { return vmo.discardable; }); break;
    default: slot = suited(slot, 0, [](const Vmo&) { return true; });
  }
  if (!model_.slots[slot]) return;
  switch (step.kind) {
    case Kind::kSnapshot:
    case Kind::kCopy:
    case Kind::kSlice: return make_child(step, slot);
    case Kind::kMap: return map(slot, step);
    case Kind::kSupply:
    case Kind::kGive:
    case Kind::kDirty:
    case Kind::kBegin:
    case Kind::kEnd:
    case Kind::kDetach:
    case Kind::kModified:
    case Kind::kEvict:
      if (model_.slots[slot]->content->paged()) act_as_pager(step, slot);
      return;
    default: return act_on_vmo(step, slot);
  }
}

void Pair::act_on_vmo(const Step& step, size_t slot) {
  RealVmo& real = rig_.at(koids_[slot]);
  Vmo& vmo = *model_.slots[slot];
  Content& content = *vmo.content;
  uint64_t first = pages_of(step.operands[1], vmo.pages());
  uint64_t count = pages_of(step.operands[2], vmo.pages() - std::min(first, vmo.pages()));
  uint64_t offset = first * kPageSize;
  uint64_t length = count * kPageSize;
  bool inside = first + count <= vmo.pages();
  PageRange range = {vmo.first + first, count};
  switch (step.kind) {
    case Kind::kResize: {
      Status wanted = vmo.resizable ? model_.resize(vmo.content, first) : Status::kUnavailable;
      return same(real.set_size(offset), wanted);
    }
    case Kind::kRead:
    case Kind::kWrite: {
      uint64_t cell = step.operands[2] % kCells;
      uint32_t value = step.operands[3] | 1;
      if (step.kind == Kind::kRead) {
        Status got = real.read(offset + cell * kCellStride, bytes(value));
        if (first >= vmo.pages()) return same(got, Status::kOutOfRange);
        Seen seen = look(content, vmo.first + first);
        if (seen.absent()) return same(got, seen.missing());
        same(got, Status::kOk);
        return require(value == seen.at().cells[cell], "read {} instead of {}", value, seen.at().cells[cell]);
      }
      Status wanted = first < vmo.pages() ? model_.write(content, vmo.first + first, cell, value) : Status::kOutOfRange;
      return same(real.write(offset + cell * kCellStride, bytes(value)), wanted);
    }
    case Kind::kZero: return zero(real, vmo, step);
    case Kind::kCommit:
      return same(real.commit(offset, length), inside ? model_.commit(content, range) : Status::kOutOfRange);
    case Kind::kDecommit: {
      bool can = content.kind == PagesKind::kAnonymous || (content.kind == PagesKind::kContiguous && rig_.vm().lends());
      if (!can || model_.family_size(content) > 1) return same(real.decommit(offset, length), Status::kNotSupported);
      return same(real.decommit(offset, length), inside ? model_.decommit(content, range) : Status::kOutOfRange);
    }
    case Kind::kPin: {
      Status wanted = count == 0 ? Status::kInvalidArgs : inside ? model_.pin(content, range) : Status::kOutOfRange;
      same(real.pin(offset, length), wanted);
      if (wanted == Status::kOk) pins_.push_back({slot, first, count});
      return;
    }
    case Kind::kUnpin: return unpin(pins_.empty() ? slot : pins_[step.operands[1] % pins_.size()].slot);
    case Kind::kLock: {
      abi::VmoLockState state;
      bool tries = step.operands[1] % 2 == 0;
      Status got = real.lock(0, vmo.pages() * kPageSize, tries ? nullptr : &state);
      if (!vmo.discardable) return same(got, Status::kNotSupported);
      if (tries && content.discarded) return same(got, Status::kUnavailable);
      same(got, Status::kOk);
      if (!tries) {
        uint64_t lost = content.discarded ? vmo.pages() * kPageSize : 0;
        require(state.discarded_size == lost, "{} bytes are said to be lost", state.discarded_size);
        content.discarded = false;
      }
      ++content.locks;
      content.unlocked_since = 0;
      return;
    }
    case Kind::kUnlock: {
      Status got = real.unlock(0, vmo.pages() * kPageSize);
      if (!vmo.discardable) return same(got, Status::kNotSupported);
      if (content.locks == 0) return same(got, Status::kBadState);
      if (--content.locks == 0) content.unlocked_since = 1;
      return same(got, Status::kOk);
    }
    case Kind::kNeed:
    case Kind::kDontNeed: {
      bool need = step.kind == Kind::kNeed;
      uint64_t done = 0;
      Status got = real.hint(need ? abi::VmoOp::kAlwaysNeed : abi::VmoOp::kDontNeed, offset, length, done);
      if (!content.rests_on_pager()) return same(got, Status::kOk);
      if (inside && need) model_.always_need(content, range);
      return same(got, inside ? Status::kOk : Status::kOutOfRange);
    }
    default: return;
  }
}

void Pair::zero(RealVmo& real, Vmo& vmo, const Step& step) {
  // In cells, so that ends in the middle of pages come as well.
  uint64_t end = vmo.pages() * kCells;
  uint64_t first = step.operands[1] % (end + 1);
  uint64_t from = first * kCellStride;
  uint64_t to = from + step.operands[2] % (end - first + 1 + (step.operands[3] % 8 == 7 ? kMost : 0)) * kCellStride;
  Status wanted = to <= vmo.pages() * kPageSize ? model_.zero(vmo, from, to) : Status::kOutOfRange;
  same(real.zero(from, to - from), wanted);
}

// --- address spaces ---

void Pair::map(size_t slot, const Step& step) {
  size_t space = step.operands[1] % kSpaces;
  uint64_t at = step.operands[1] / kSpaces % kWindow;
  uint64_t count = 1 + step.operands[2] % 6;
  uint64_t page = pages_of(step.operands[3], model_.slots[slot]->pages() / 2);
  bool overwrite = step.operands[4] % 2 == 0;
  bool map_range = !overwrite && step.operands[4] % 3 == 0;
  VmOptions permissions = kPermissions[step.operands[4] / 2 % 4];
  VmOptions options =
      permissions | kCanMapRead | kCanMapWrite | kAllowFaults | (overwrite ? kSpecificOverwrite : kSpecific);
  if (map_range) options |= kMapRange;
  Status got =
      rig_.map(*windows_[space], koids_[slot], page * kPageSize, count * kPageSize, options, at * kPageSize).status();
  if (at + count > kWindow) return same(got, Status::kInvalidArgs);
  auto& window = model_.windows[space];
  for (uint64_t i = at; i < at + count && !overwrite; ++i) {
    if (window[i].vmo) return same(got, Status::kAlreadyExists);
  }
  same(got, Status::kOk);
  for (uint64_t i = 0; i < count; ++i)
    window[at + i] = {.vmo = model_.slots[slot], .page = page + i, .permissions = permissions};
}

void Pair::unmap(const Step& step) {
  size_t space = step.operands[1] % kSpaces;
  uint64_t at = step.operands[1] / kSpaces % kWindow;
  uint64_t count = 1 + step.operands[2] % 6;
  Status got = windows_[space]->unmap(place(at), count * kPageSize);
  if (at + count > kWindow) return same(got, Status::kInvalidArgs);
  for (uint64_t i = at; i < at + count; ++i) model_.windows[space][i] = {};
  same(got, Status::kOk);
}

void Pair::protect(const Step& step) {
  auto [space, at] = mapped(step);
  uint64_t count = 1 + step.operands[2] / 2 % (step.operands[2] % 2 == 0 ? 6 : 1);
  VmOptions permissions = kPermissions[step.operands[3] % 4];
  Status got = windows_[space]->protect(place(at), count * kPageSize, permissions);
  if (at + count > kWindow) return same(got, Status::kInvalidArgs);
  auto& window = model_.windows[space];
  for (uint64_t i = at; i < at + count; ++i) {
    if (!window[i].vmo) return same(got, Status::kNotFound);
  }
  for (uint64_t i = at; i < at + count; ++i) window[i].permissions = permissions;
  same(got, Status::kOk);
}

void Pair::op_range(const Step& step) {
  // On one page, so that who fails first is no question.
  auto [space, at] = mapped(step);
  bool commits = step.operands[2] % 2 == 0;
  uint64_t done = 0;
  Status got =
      windows_[space]->op_range(commits ? abi::VmarOp::kCommit : abi::VmarOp::kDecommit, place(at), kPageSize, done);
  Shown& shown = model_.windows[space][at];
  if (!shown.vmo) return same(got, Status::kBadState);
  Content& content = *shown.vmo->content;
  PageRange range = {shown.vmo->first + shown.page, 1};
  bool inside = shown.page < shown.vmo->pages();
  if (commits) return same(got, inside ? model_.commit(content, range) : Status::kOutOfRange);
  bool can = content.kind == PagesKind::kAnonymous || (content.kind == PagesKind::kContiguous && rig_.vm().lends());
  if (!can || model_.family_size(content) > 1) return same(got, Status::kNotSupported);
  same(got, inside ? model_.decommit(content, range) : Status::kOutOfRange);
}

void Pair::access(const Step& step) {
  auto [space, at] = mapped(step);
  uint64_t cell = step.operands[2] % kCells;
  bool write = step.kind == Kind::kPoke;
  uint32_t value = step.operands[3] | 1;
  GuestAddr address = place(at) + cell * kCellStride;
  Status got = write ? rig_.space(space).write(address, bytes(value)) : rig_.space(space).read(address, bytes(value));
  Shown& shown = model_.windows[space][at];
  Status wanted = Status::kInvalidArgs;
  bool mapped = shown.vmo && contains(shown.permissions, write ? kPermWrite : kPermRead);
  if (mapped && shown.page < shown.vmo->pages()) {
    Content& content = *shown.vmo->content;
    uint64_t page = shown.vmo->first + shown.page;
    if (write) {
      wanted = model_.write(content, page, cell, value);
    } else if (Seen seen = look(content, page); !seen.absent()) {
      wanted = Status::kOk;
      require(value == seen.at().cells[cell], "a mapping shows {} instead of {}", value, seen.at().cells[cell]);
    }
  }
  // A copy that cannot get its page reports a bad pointer, as the real kernel does.
  same(got, wanted == Status::kOk ? Status::kOk : Status::kInvalidArgs);
}

// --- the machine ---

void Pair::starve(uint64_t allocations) {
  model_.allocations_left = allocations;
  rig_.pmm().fail_after(allocations);
}

void Pair::reload() {
  std::array<Koid, kSpaces> koids;
  for (size_t i = 0; i < kSpaces; ++i) {
    koids[i] = rig_.hold(windows_[i]);
    windows_[i] = nullptr;
  }
  rig_.reload();
  rig_.pmm().fail_after(model_.allocations_left);
  for (size_t i = 0; i < kSpaces; ++i) {
    windows_[i] = Ref<AddressRegion>(&rig_.region(koids[i]));
    rig_.close(koids[i]);
  }
}

}  // namespace jacinth::kernel::model
