#include "emu/state/archive.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstring>

#include "emu/base/check.h"

namespace jacinth {

size_t Archive::count(size_t size, size_t min_bytes) {
  uint64_t wide = size;
  bytes(&wide, sizeof wide);
  if (!loading()) return size;
  if (wide > remaining() / min_bytes) {
    fail(fmt::format("a list of {} elements in {} remaining bytes", wide, remaining()));
    return 0;
  }
  return wide;
}

void Writer::bytes(void* data, size_t size) {
  const auto* from = static_cast<const std::byte*>(data);
  data_.insert(data_.end(), from, from + size);
}

void Reader::bytes(void* data, size_t size) {
  if (size == 0) return;
  if (size > data_.size()) {
    fail(fmt::format("{} bytes wanted, {} left", size, data_.size()));
    data_ = {};
  }
  if (!ok()) {
    std::memset(data, 0, size);
    return;
  }
  std::memcpy(data, data_.data(), size);
  data_ = data_.subspan(size);
}

std::string Digest::text() const { return fmt::format("{:016x}{:016x}", high, low); }

struct Hasher::Impl {
  XXH3_state_t* xxh = XXH3_createState();
};

Hasher::Hasher() : Archive(Mode::kHash), impl_(new Impl) {
  CHECK(impl_->xxh != nullptr);
  XXH3_128bits_reset(impl_->xxh);
}

Hasher::~Hasher() {
  XXH3_freeState(impl_->xxh);
  delete impl_;
}

void Hasher::bytes(void* data, size_t size) { XXH3_128bits_update(impl_->xxh, data, size); }

void Hasher::add(std::span<const std::byte> data) { XXH3_128bits_update(impl_->xxh, data.data(), data.size()); }

Digest Hasher::digest() const {
  XXH128_hash_t hash = XXH3_128bits_digest(impl_->xxh);
  return {hash.low64, hash.high64};
}

}  // namespace jacinth
