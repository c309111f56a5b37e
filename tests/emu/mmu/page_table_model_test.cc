// Random lives of a page table, against a map from page to what should be there.
//
// A failing life is cut down before it is shown: steps are left out as long as it still fails.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "emu/mmu/page_table.h"
#include "tests/support/frame_pool.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using test::FramePool;
using test::Random;

constexpr PhysAddr kRam(0x40000000);
constexpr uint64_t kRamPages = 40;  // Tables run out of frames now and then.

struct Step {
  enum class Verb { kMap, kMapRange, kUnmap, kProtect, kAccess, kClearAccessed, kReload } verb;
  uint64_t page = 0;
  uint64_t count = 1;
  uint64_t frame = 0;
  PagePermissions permissions = {};
  MemoryType type = MemoryType::kNormal;
  AccessKind access = AccessKind::kRead;

  std::string text() const {
    static const char* const kVerbs[] = {"map", "map_range", "unmap", "protect", "access", "clear_accessed", "reload"};
    return fmt::format("{} page {:#x} count {:#x} frame {:#x} {}{}{} type {} access {}", kVerbs[static_cast<int>(verb)],
                       page, count, frame, permissions.read ? 'r' : '-', permissions.write ? 'w' : '-',
                       permissions.execute ? 'x' : '-', static_cast<int>(type), static_cast<int>(access));
  }
};

std::vector<Step> random_life(Arch arch, uint64_t seed) {
  Random random(seed);
  const uint64_t limit = PageTable::limit(arch).page_number();
  // A few places, close to borders of tables of every level.
  const std::array<uint64_t, 6> places = {0, 505, (1 << 18) - 4, (uint64_t{1} << 27) - 5, limit / 2 - 300, limit - 600};
  std::vector<Step> life;
  for (int i = 0; i < 150; ++i) {
    Step step;
    step.verb = static_cast<Step::Verb>(std::min<uint64_t>(random.below(20) / 3, 6));
    step.page = places[random.below(places.size())] + random.below(16);
    step.count = 1 + (random.one_in(3) ? random.below(600) : random.below(12));
    if (step.verb == Step::Verb::kMapRange) step.count = 1 + random.below(8);
    if ((step.verb == Step::Verb::kUnmap || step.verb == Step::Verb::kProtect) && random.one_in(8)) {
      step.count = uint64_t{1} << random.below(36);
    }
    step.count = std::min(step.count, limit - step.page);
    step.frame = random.below(1 << 20) << kPageShift;
    step.permissions = {!random.one_in(4), random.one_in(2), random.one_in(3)};
    step.type = static_cast<MemoryType>(random.below(3));
    step.access = static_cast<AccessKind>(random.below(3));
    life.push_back(step);
  }
  return life;
}

/// What the format makes of permissions it cannot express.
PagePermissions widened(Arch arch, PagePermissions p) {
  return {p.read || p.write || (p.execute && arch == Arch::kX86_64), p.write, p.execute};
}

/// Tables needed for these pages, the root included.
uint64_t tables_for(const std::map<uint64_t, Translation>& model) {
  uint64_t tables = 1;
  for (unsigned bits : {9u, 18u, 27u}) {
    std::optional<uint64_t> last;
    for (const auto& [page, translation] : model) {
      if (last != page >> bits) ++tables;
      last = page >> bits;
    }
  }
  return tables;
}

/// Lives the life; what went wrong, or nothing.
std::optional<std::string> live(Arch arch, const std::vector<Step>& life) {
  PhysicalMemory memory(kRam, kRamPages * kPageSize);
  FramePool frames(kRam, kRamPages);
  auto table = PageTable::create(arch, memory, frames);
  std::map<uint64_t, Translation> model;

  for (size_t i = 0; i < life.size(); ++i) {
    const Step& step = life[i];
    auto wrong = [&](const std::string& what) { return fmt::format("step {} ({}): {}", i, step.text(), what); };
    const GuestAddr page(step.page << kPageShift);
    auto in_range = [&](auto&& change) {
      for (auto at = model.lower_bound(step.page); at != model.end() && at->first - step.page < step.count;) {
        at = change(at);
      }
    };
    auto set = [&](uint64_t number, uint64_t frame) {
      model[number] = {.address = PhysAddr(frame),
                       .block_size = kPageSize,
                       .permissions = widened(arch, step.permissions),
                       .type = step.type};
    };

    switch (step.verb) {
      case Step::Verb::kMap: {
        auto after = model;
        std::swap(after, model);
        set(step.page, step.frame);
        std::swap(after, model);
        bool mapped = table->map(page, PhysAddr(step.frame), step.permissions, step.type);
        if (mapped != (tables_for(after) <= kRamPages)) return wrong("map succeeded or failed against the model");
        if (mapped) model = after;
        break;
      }
      case Step::Verb::kMapRange: {
        std::vector<PhysAddr> list;
        for (uint64_t k = 0; k < step.count; ++k) list.push_back(PhysAddr(step.frame + (k * 7) * kPageSize));
        uint64_t mapped = table->map_range(page, list, step.permissions, step.type);
        if (mapped > step.count) return wrong("mapped more than asked");
        for (uint64_t k = 0; k < mapped; ++k) set(step.page + k, list[k].value);
        break;
      }
      case Step::Verb::kUnmap:
        table->unmap(page, step.count);
        in_range([&](auto at) { return model.erase(at); });
        break;
      case Step::Verb::kProtect:
        table->protect(page, step.count, step.permissions);
        in_range([&](auto at) {
          at->second.permissions = widened(arch, step.permissions);
          return std::next(at);
        });
        break;
      case Step::Verb::kAccess: {
        auto result = walk(arch, memory, table->root(), page, step.access);
        auto expected = model.find(step.page);
        if (expected == model.end()) {
          if (result || result.error().kind != WalkFault::Kind::kTranslation) return wrong("an absent page was there");
        } else if (!permits(expected->second.permissions, step.access)) {
          if (result || result.error() != WalkFault{WalkFault::Kind::kPermission, 3})
            return wrong("access not refused");
        } else {
          expected->second.accessed = true;
          if (step.access == AccessKind::kWrite) expected->second.dirty = true;
          if (!result || *result != expected->second) return wrong("walked to something else");
        }
        break;
      }
      case Step::Verb::kClearAccessed: {
        auto expected = model.find(step.page);
        bool accessed = expected != model.end() && expected->second.accessed;
        if (table->test_and_clear_accessed(page) != accessed) return wrong("accessed bit");
        if (accessed) expected->second.accessed = false;
        break;
      }
      case Step::Verb::kReload: {
        Writer saved;
        saved(memory);
        Digest before = digest_of(memory);
        Reader reader(saved.data());
        reader(memory);
        if (!reader.ok() || !reader.at_end() || digest_of(memory) != before) return wrong("memory does not round-trip");
        break;
      }
    }

    std::map<uint64_t, Translation> seen;
    table->for_each(GuestAddr(0), PageTable::limit(arch).page_number(),
                    [&](GuestAddr at, const Translation& found) { seen[at.page_number()] = found; });
    if (seen != model) return wrong(fmt::format("{} pages present, {} expected, or others", seen.size(), model.size()));
    if (table->table_pages() != tables_for(model)) return wrong("table pages");
    if (table->table_pages() != frames.used()) return wrong("frames of table pages");
    if (!table->consistent()) return wrong("inconsistent tables");
    for (uint64_t number : {step.page, step.page + step.count}) {
      if (number >= PageTable::limit(arch).page_number()) continue;
      auto expected = model.find(number);
      auto found = table->query(GuestAddr(number << kPageShift));
      if (found.has_value() != (expected != model.end())) return wrong("query");
      if (found && *found != expected->second) return wrong("query gives another translation");
    }
  }
  table->unmap(GuestAddr(0), PageTable::limit(arch).page_number());
  if (table->table_pages() != 1) return "not all tables were freed";
  table.reset();
  if (frames.used() != 0) return "the root was not freed";
  return std::nullopt;
}

/// Leaves out steps, in ever smaller groups, as long as the rest still fails.
std::vector<Step> shrink(Arch arch, std::vector<Step> life) {
  for (size_t group = life.size() / 2; group > 0; group /= 2) {
    for (size_t at = 0; at + group <= life.size();) {
      std::vector<Step> shorter = life;
      shorter.erase(shorter.begin() + static_cast<ptrdiff_t>(at), shorter.begin() + static_cast<ptrdiff_t>(at + group));
      if (live(arch, shorter))
        life = shorter;
      else
        at += group;
    }
  }
  return life;
}

TEST_CASE("random maps, unmaps and protects leave what a plain map would hold") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (uint64_t seed : test::seeds(150)) {
      std::vector<Step> life = random_life(arch, seed);
      auto wrong = live(arch, life);
      if (!wrong) continue;
      life = shrink(arch, life);
      std::string report = fmt::format("JACINTH_TEST_SEED={} {}: {}\ncut down to:\n", seed, arch_name(arch), *wrong);
      for (const Step& step : life) report += step.text() + "\n";
      FAIL(report + *live(arch, life));
    }
  }
}

}  // namespace
}  // namespace jacinth::emu
