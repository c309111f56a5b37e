#include "tests/support/fake_platform.h"

#include <sys/mman.h>

#include <array>
#include <cstring>

#include "emu/base/check.h"

namespace jacinth::kernel {

class FakePlatform::Tables final : public PageTables {
 public:
  Tables(FakePlatform& platform, FrameSource& frames, PhysAddr root)
      : platform_(platform), frames_(frames), root_(root) {}
  ~Tables() override {
    platform_.tables_.erase(root_);
    frames_.free_frame(root_);
  }
  PhysAddr root() const override { return root_; }
  uint64_t table_pages() const override { return 1; }
  bool map(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType) override {
    CHECK(page.page_aligned() && frame.page_aligned());
    table()[page] = {.frame = frame, .permissions = permissions};
    return true;
  }
  void unmap(GuestAddr page, uint64_t count) override {
    table().erase(table().lower_bound(page), table().lower_bound(page + count * kPageSize));
  }
  void protect(GuestAddr page, uint64_t count, PagePermissions permissions) override {
    auto end = table().lower_bound(page + count * kPageSize);
    for (auto at = table().lower_bound(page); at != end; ++at) at->second.permissions = permissions;
  }
  std::optional<Entry> query(GuestAddr page) const override {
    auto found = table().find(page.page());
    return found != table().end() ? std::optional(found->second) : std::nullopt;
  }
  bool test_and_clear_accessed(GuestAddr page) override {
    auto found = table().find(page.page());
    return found != table().end() && std::exchange(found->second.accessed, false);
  }

 private:
  Table& table() const { return platform_.tables_.at(root_); }

  FakePlatform& platform_;
  FrameSource& frames_;
  PhysAddr root_;
};

namespace {

/// Zero pages, which the host backs only when they are touched.
std::byte* map_ram(uint64_t size) {
  void* ram = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(ram != MAP_FAILED, "{} bytes", size);
  return static_cast<std::byte*>(ram);
}

}  // namespace

void FakePlatform::Unmap::operator()(std::byte* ram) const { CHECK(::munmap(ram, size) == 0); }

FakePlatform::FakePlatform(Arch arch, uint64_t ram_size)
    : Platform(clock_), arch_(arch), ram_size_(ram_size), ram_(map_ram(ram_size), Unmap{ram_size}) {}

void FakePlatform::touch(PhysAddr root, GuestAddr address, bool write) {
  PageTables::Entry& entry = tables_[root].at(address.page());
  entry.accessed = true;
  entry.dirty = entry.dirty || write;
}

void FakePlatform::discard(PhysAddr page) {
  ++discards_;
  std::memset(ram_.get() + offset(page), 0, kPageSize);
}

std::unique_ptr<PageTables> FakePlatform::create_page_tables(FrameSource& frames) {
  std::optional<PhysAddr> root = frames.allocate_frame();
  if (!root) return nullptr;
  tables_[*root] = {};
  return std::make_unique<Tables>(*this, frames, *root);
}

std::unique_ptr<PageTables> FakePlatform::adopt_page_tables(FrameSource& frames, PhysAddr root, uint64_t) {
  if (!tables_.contains(root)) return nullptr;
  return std::make_unique<Tables>(*this, frames, root);
}

uint64_t FakePlatform::offset(PhysAddr address) const {
  CHECK(address >= ram_base() && address - ram_base() < ram_size_, "{:#x}", address.value);
  return address - ram_base();
}

void FakePlatform::state(Archive& ar) {
  ar(clock_, alarm_, console_);

  std::map<uint64_t, std::array<std::byte, kPageSize>> pages;
  static constexpr std::array<std::byte, kPageSize> kZero = {};
  auto is_zero = [this](uint64_t at) { return std::memcmp(ram_.get() + at, kZero.data(), kPageSize) == 0; };
  if (!ar.loading()) {
    for (uint64_t at = 0; at < ram_size_; at += kPageSize) {
      if (!is_zero(at)) std::memcpy(pages[at].data(), ram_.get() + at, kPageSize);
    }
  }
  ar(pages);
  if (ar.loading()) {
    for (uint64_t at = 0; at < ram_size_; at += kPageSize) {
      auto page = pages.find(at);
      if (page != pages.end()) {
        std::memcpy(ram_.get() + at, page->second.data(), kPageSize);
      } else if (!is_zero(at)) {
        std::memset(ram_.get() + at, 0, kPageSize);
      }
    }
  }

  size_t count = ar.count(tables_.size());
  if (ar.loading()) tables_.clear();
  auto table = tables_.begin();
  for (size_t i = 0; i < count; ++i) {
    PhysAddr root = ar.loading() ? PhysAddr{} : table->first;
    ar(root);
    state_table(ar, tables_[root]);
    if (!ar.loading()) ++table;
  }
}

void FakePlatform::state_table(Archive& ar, Table& table) {
  size_t count = ar.count(table.size());
  auto at = table.begin();
  for (size_t i = 0; i < count; ++i) {
    GuestAddr page = ar.loading() ? GuestAddr{} : at->first;
    ar(page);
    PageTables::Entry& entry = table[page];
    ar(entry.frame, entry.permissions.read, entry.permissions.write, entry.permissions.execute, entry.accessed,
       entry.dirty);
    if (!ar.loading()) ++at;
  }
}

}  // namespace jacinth::kernel
