// Long random sequences of memory operations, beside a naive model (vm_model.h). After each step: all contents, who is
// charged for how many pages, how many frames are in use, and what the page tables hold. A sequence that fails is cut
// down to the operations that matter before it is shown.

#include <cstdlib>
#include <random>

#include "tests/kernel/vm/vm_model.h"
#include "tests/kernel/vm/vm_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmOptions;
using enum abi::VmOptions;
using model::kCells;
using model::kCellStride;
using model::kSlots;
using model::kSpaces;
using model::kWindow;

enum class Kind : uint8_t {
  kCreate,
  kSnapshot,
  kSlice,
  kClose,
  kResize,
  kWrite,
  kZero,
  kDecommit,
  kCommit,
  kMap,
  kUnmap,
  kProtect,
  kPoke,
  kPeek,
  kReload,
  kStarve,
  kFeed,
};
constexpr unsigned kKinds = 17;

/// One operation; what the numbers mean depends on the kind. Any list of them makes sense.
struct Step {
  Kind kind{};
  uint32_t a = 0, b = 0, c = 0, d = 0, e = 0;

  std::string text() const {
    static constexpr const char* kNames[] = {"create", "snapshot", "slice",  "close",  "resize", "write",
                                             "zero",   "decommit", "commit", "map",    "unmap",  "protect",
                                             "poke",   "peek",     "reload", "starve", "feed"};
    return fmt::format("{}({}, {}, {}, {}, {})", kNames[static_cast<unsigned>(kind)], a, b, c, d, e);
  }
};

constexpr VmOptions kPermissions[] = {kPermRead, kPermRead | kPermWrite, kNone, kPermRead | kPermWrite};

/// The real thing and the model, side by side.
class Pair {
 public:
  Pair() {
    rig_.pin();
    for (size_t i = 0; i < kSpaces; ++i) {
      rig_.space();
      AddressRegion& root = rig_.root(i);
      windows_[i] = *root.allocate(kBase - root.base(), kWindow * kPageSize, kCanMapMask | kCanMapSpecific | kSpecific);
    }
  }
  ~Pair() {
    rig_.pmm().never_fail();
    for (Ref<AddressRegion>& window : windows_) window = nullptr;
  }

  /// What differs after the step; nothing when all is well.
  std::optional<std::string> run(const Step& step) {
    if (std::optional<std::string> wrong = act(step)) return wrong;
    rig_.core().objects().drain();
    return compare();
  }

 private:
  static constexpr GuestAddr kBase{0x4000'0000};
  static GuestAddr place(uint64_t page) { return kBase + page * kPageSize; }

  std::optional<std::string> expect(Status got, Status wanted) {
    if (got == wanted) return std::nullopt;
    return fmt::format("status {} instead of {}", abi::raw(got), abi::raw(wanted));
  }
  std::optional<std::string> made(size_t slot, const Result<Ref<Vmo>>& got, std::shared_ptr<model::Vmo> expected,
                                  Status wanted = Status::kOk) {
    if (auto wrong = expect(got.status(), wanted)) return wrong;
    if (!got) return std::nullopt;
    drop(slot);
    koids_[slot] = rig_.hold(*got);
    model_.slots[slot] = std::move(expected);
    return std::nullopt;
  }
  void drop(size_t slot) {
    if (!model_.slots[slot]) return;
    rig_.close(koids_[slot]);
    model_.slots[slot] = nullptr;
  }

  std::optional<std::string> act(const Step& step) {
    size_t slot = step.a % kSlots;
    std::shared_ptr<model::Vmo> vmo = model_.slots[slot];
    switch (step.kind) {
      case Kind::kCreate: {
        bool resizable = step.c % 2 == 0;
        uint64_t pages = step.b % 7;
        abi::VmoOptions options = resizable ? abi::VmoOptions::kResizable : abi::VmoOptions::kNone;
        return made(slot, Vmo::create(rig_.core(), pages * kPageSize, options), model_.create(pages, resizable));
      }
      case Kind::kClose: drop(slot); return std::nullopt;
      case Kind::kReload: reload(); return std::nullopt;
      case Kind::kStarve: starve(step.b % 4); return std::nullopt;
      case Kind::kFeed: starve(std::numeric_limits<uint64_t>::max()); return std::nullopt;
      case Kind::kUnmap: return unmap(step);
      case Kind::kProtect: return protect(step);
      case Kind::kPoke:
      case Kind::kPeek: return access(step);
      default: break;
    }
    if (!vmo) return std::nullopt;
    Vmo& real = rig_.at(koids_[slot]);
    uint64_t pages = vmo->pages();
    switch (step.kind) {
      case Kind::kSnapshot: {
        uint64_t first = step.c % 7;
        uint64_t count = step.d % 7;
        bool resizable = step.e % 2 == 0;
        abi::VmoChildOptions options = abi::VmoChildOptions::kSnapshot;
        if (resizable) options |= abi::VmoChildOptions::kResizable;
        Result<Ref<Vmo>> got = real.create_child(options, first * kPageSize, count * kPageSize, false);
        if (vmo->slice) return expect(got.status(), Status::kNotSupported);
        return made(step.b % kSlots, got, model_.snapshot(*vmo, first, count, resizable));
      }
      case Kind::kSlice: {
        uint64_t first = step.c % 7;
        uint64_t count = step.d % 7;
        Status wanted = first + count > pages ? Status::kInvalidArgs
                        : vmo->resizable      ? Status::kNotSupported
                                              : Status::kOk;
        Result<Ref<Vmo>> got =
            real.create_child(abi::VmoChildOptions::kSlice, first * kPageSize, count * kPageSize, false);
        return made(step.b % kSlots, got, model::Model::slice(*vmo, first, count), wanted);
      }
      case Kind::kResize: {
        uint64_t size = step.b % 7;
        if (auto wrong = expect(real.set_size(size * kPageSize), vmo->resizable ? Status::kOk : Status::kUnavailable))
          return wrong;
        if (vmo->resizable) vmo->content->pages.resize(size);
        return std::nullopt;
      }
      case Kind::kWrite: {
        uint64_t page = step.b % 7;
        uint64_t cell = step.c % kCells;
        uint32_t value = step.d | 1;
        Status got = real.write(page * kPageSize + cell * kCellStride, std::as_bytes(std::span(&value, 1)));
        if (page >= pages) return expect(got, Status::kOutOfRange);
        model::Page& target = vmo->content->pages[vmo->first + page];
        bool possible = model_.own(target);
        if (possible) target.cells[cell] = value;
        return expect(got, possible ? Status::kOk : Status::kNoMemory);
      }
      case Kind::kZero: return zero(real, *vmo, step);
      case Kind::kDecommit: {
        uint64_t first = step.b % 7;
        uint64_t count = step.c % 7;
        Status wanted = model_.family_size(*vmo) > 1 ? Status::kNotSupported
                        : first + count > pages      ? Status::kOutOfRange
                                                     : Status::kOk;
        Status got = real.decommit(first * kPageSize, count * kPageSize);
        if (wanted == Status::kOk) model::Model::zero(*vmo, first * kPageSize, (first + count) * kPageSize);
        return expect(got, wanted);
      }
      case Kind::kCommit: {
        uint64_t first = step.b % 7;
        uint64_t count = step.c % 7;
        Status wanted = first + count > pages ? Status::kOutOfRange : Status::kOk;
        Status got = real.commit(first * kPageSize, count * kPageSize);
        for (uint64_t i = first; wanted == Status::kOk && i < first + count; ++i) {
          if (!model_.own(vmo->content->pages[vmo->first + i])) wanted = Status::kNoMemory;
        }
        return expect(got, wanted);
      }
      case Kind::kMap: return map(koids_[slot], vmo, step);
      default: return std::nullopt;
    }
  }

  std::optional<std::string> zero(Vmo& real, model::Vmo& vmo, const Step& step) {
    uint64_t from = step.b % (7 * kCells) * kCellStride;
    uint64_t to = from + step.c % (7 * kCells) * kCellStride;
    if (to > vmo.pages() * kPageSize) return expect(real.zero(from, to - from), Status::kOutOfRange);
    // Pages at the ends are written, if they have a frame; in the order in which the range runs.
    Status wanted = Status::kOk;
    uint64_t done = from;
    while (done < to && wanted == Status::kOk) {
      uint64_t page_end = round_down_to_page(done) + kPageSize;
      uint64_t end = std::min(to, page_end);
      bool whole = done % kPageSize == 0 && end == page_end;
      model::Page& page = vmo.content->pages[vmo.first + done / kPageSize];
      if (!whole && page.frame && !model_.own(page)) {
        wanted = Status::kNoMemory;
        break;
      }
      model::Model::zero(vmo, done, end);
      done = end;
    }
    return expect(real.zero(from, to - from), wanted);
  }

  std::optional<std::string> map(Koid koid, const std::shared_ptr<model::Vmo>& vmo, const Step& step) {
    size_t space = step.b % kSpaces;
    uint64_t at = step.b / kSpaces % kWindow;
    uint64_t count = 1 + step.c % 6;
    uint64_t page = step.d % 6;
    bool overwrite = step.e % 2 == 0;
    VmOptions permissions = kPermissions[step.e / 2 % 4];
    Status got = rig_.map(*windows_[space], koid, page * kPageSize, count * kPageSize,
                          permissions | kCanMapRead | kCanMapWrite | (overwrite ? kSpecificOverwrite : kSpecific),
                          at * kPageSize)
                     .status();
    if (at + count > kWindow) return expect(got, Status::kInvalidArgs);
    auto& window = model_.windows[space];
    for (uint64_t i = at; i < at + count && !overwrite; ++i) {
      if (window[i].vmo) return expect(got, Status::kAlreadyExists);
    }
    for (uint64_t i = 0; i < count; ++i) window[at + i] = {.vmo = vmo, .page = page + i, .permissions = permissions};
    return expect(got, Status::kOk);
  }

  std::optional<std::string> unmap(const Step& step) {
    size_t space = step.b % kSpaces;
    uint64_t at = step.b / kSpaces % kWindow;
    uint64_t count = 1 + step.c % 6;
    Status got = windows_[space]->unmap(place(at), count * kPageSize);
    if (at + count > kWindow) return expect(got, Status::kInvalidArgs);
    for (uint64_t i = at; i < at + count; ++i) model_.windows[space][i] = {};
    return expect(got, Status::kOk);
  }

  std::optional<std::string> protect(const Step& step) {
    size_t space = step.b % kSpaces;
    uint64_t at = step.b / kSpaces % kWindow;
    uint64_t count = 1 + step.c % 6;
    VmOptions permissions = kPermissions[step.d % 4];
    Status got = windows_[space]->protect(place(at), count * kPageSize, permissions);
    if (at + count > kWindow) return expect(got, Status::kInvalidArgs);
    auto& window = model_.windows[space];
    for (uint64_t i = at; i < at + count; ++i) {
      if (!window[i].vmo) return expect(got, Status::kNotFound);
    }
    for (uint64_t i = at; i < at + count; ++i) window[i].permissions = permissions;
    return expect(got, Status::kOk);
  }

  std::optional<std::string> access(const Step& step) {
    size_t space = step.b % kSpaces;
    uint64_t at = step.b / kSpaces % kWindow;
    uint64_t cell = step.c % kCells;
    bool write = step.kind == Kind::kPoke;
    uint32_t value = step.d | 1;
    GuestAddr address = place(at) + cell * kCellStride;
    Status got = write ? rig_.space(space).write(address, std::as_bytes(std::span(&value, 1)))
                       : rig_.space(space).read(address, std::as_writable_bytes(std::span(&value, 1)));
    model::Shown& shown = model_.windows[space][at];
    bool possible =
        shown.vmo && contains(shown.permissions, write ? kPermWrite : kPermRead) && shown.page < shown.vmo->pages();
    if (possible) {
      model::Page& page = shown.vmo->content->pages[shown.vmo->first + shown.page];
      if (write) {
        possible = model_.own(page);
        if (possible) page.cells[cell] = value;
      } else if (value != page.cells[cell]) {
        return fmt::format("a mapping shows {} instead of {}", value, page.cells[cell]);
      }
    }
    return expect(got, possible ? Status::kOk : Status::kInvalidArgs);
  }

  void starve(uint64_t allocations) {
    model_.allocations_left = allocations;
    rig_.pmm().fail_after(allocations);
  }

  void reload() {
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

  std::optional<std::string> compare() {
    for (size_t slot = 0; slot < kSlots; ++slot) {
      if (!model_.slots[slot]) continue;
      model::Vmo& vmo = *model_.slots[slot];
      Vmo& real = rig_.at(koids_[slot]);
      if (real.page_count() != vmo.pages()) return fmt::format("VMO {} has {} pages", slot, real.page_count());
      for (uint64_t page = 0; page < vmo.pages(); ++page) {
        for (uint64_t cell = 0; cell < kCells; ++cell) {
          uint32_t value = 0;
          Status status =
              real.read(page * kPageSize + cell * kCellStride, std::as_writable_bytes(std::span(&value, 1)));
          uint32_t wanted = vmo.content->pages[vmo.first + page].cells[cell];
          if (status != Status::kOk || value != wanted)
            return fmt::format("VMO {} page {} cell {}: {} instead of {}", slot, page, cell, value, wanted);
        }
      }
      uint64_t charged = real.attributed_bytes() / kPageSize;
      if (charged != model_.charged(vmo))
        return fmt::format("VMO {} is charged for {} pages instead of {}", slot, charged, model_.charged(vmo));
    }
    if (rig_.object_frames() != model_.frames())
      return fmt::format("{} frames are in use instead of {}", rig_.object_frames(), model_.frames());
    for (size_t space = 0; space < kSpaces; ++space) {
      if (auto wrong = compare_tables(space)) return wrong;
    }
    return std::nullopt;
  }

  std::optional<std::string> compare_tables(size_t number) {
    AddressSpace& space = rig_.space(number);
    for (const auto& [page, entry] : rig_.platform().page_table(space.page_table())) {
      uint64_t at = (page - kBase) / kPageSize;
      const model::Shown& shown = model_.windows[number].at(at);
      if (!shown.vmo || shown.page >= shown.vmo->pages()) return fmt::format("space {} page {} is a ghost", number, at);
      const model::Page& wanted = shown.vmo->content->pages[shown.vmo->first + shown.page];
      for (uint64_t cell = 0; cell < kCells; ++cell) {
        uint32_t value = 0;
        std::memcpy(&value, rig_.platform().data(entry.frame + cell * kCellStride), sizeof value);
        if (value != wanted.cells[cell])
          return fmt::format("space {} page {} cell {}: {} instead of {}", number, at, cell, value, wanted.cells[cell]);
      }
      bool alone = wanted.frame && wanted.frame.use_count() == 1;
      if (entry.permissions.write && !(contains(shown.permissions, kPermWrite) && alone))
        return fmt::format("space {} page {} must not be writable", number, at);
      if (entry.permissions.read && !contains(shown.permissions, kPermRead))
        return fmt::format("space {} page {} must not be readable", number, at);
    }
    return std::nullopt;
  }

  VmRig rig_;
  model::Model model_;
  std::array<Koid, kSlots> koids_ = {};
  std::array<Ref<AddressRegion>, kSpaces> windows_;
};

struct Failure {
  size_t step = 0;
  std::string what;
};

std::optional<Failure> run(const std::vector<Step>& steps) {
  Pair pair;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (std::optional<std::string> wrong = pair.run(steps[i])) return Failure{i, *wrong};
  }
  return std::nullopt;
}

/// Leaves out whatever can be left out while the sequence still fails.
std::vector<Step> shrink(std::vector<Step> steps) {
  for (size_t chunk = steps.size() / 2; chunk > 0; chunk /= 2) {
    for (size_t at = 0; at + chunk <= steps.size();) {
      std::vector<Step> fewer(steps);
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(at), fewer.begin() + static_cast<ptrdiff_t>(at + chunk));
      if (std::optional<Failure> failure = run(fewer)) {
        fewer.resize(failure->step + 1);
        steps = std::move(fewer);
      } else {
        at += chunk;
      }
    }
  }
  return steps;
}

std::vector<Step> random_steps(uint64_t seed, size_t count) {
  std::mt19937_64 random(seed);
  std::vector<Step> steps;
  auto number = [&random] { return static_cast<uint32_t>(random() % 1000); };
  for (size_t i = 0; i < count; ++i) {
    auto kind = static_cast<Kind>(number() % kKinds);
    // Rare ones: a reload costs as much as hundreds of steps, and hunger must end.
    if (kind == Kind::kReload && number() % 32 != 0) kind = Kind::kWrite;
    if (kind == Kind::kStarve && number() % 4 != 0) kind = Kind::kFeed;
    steps.push_back({.kind = kind, .a = number(), .b = number(), .c = number(), .d = number(), .e = number()});
  }
  return steps;
}

TEST_CASE("Random sequences of memory operations do what the naive model does") {
  const char* more = std::getenv("JACINTH_TEST_VM_STEPS");
  size_t sequences = more != nullptr ? static_cast<size_t>(std::strtoul(more, nullptr, 10)) / 500 : 400;
  for (uint64_t seed = 1; seed <= sequences; ++seed) {
    std::vector<Step> steps = random_steps(seed, 500);
    std::optional<Failure> failure = run(steps);
    if (!failure) continue;
    steps.resize(failure->step + 1);
    steps = shrink(std::move(steps));
    std::string text;
    for (const Step& step : steps) text += "  " + step.text() + "\n";
    FAIL(fmt::format("seed {}: {}\n{}", seed, run(steps)->what, text));
  }
}

}  // namespace
}  // namespace jacinth::kernel
