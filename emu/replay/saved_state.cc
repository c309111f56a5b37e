#include "emu/replay/saved_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "emu/replay/payload.h"

namespace jacinth::emu {
namespace {

/// Loads from one piece after the other.
class StateReader final : public Archive {
 public:
  StateReader(const SavedState::Fetch& fetch, uint64_t pieces, uint64_t bytes)
      : Archive(Mode::kLoad), fetch_(fetch), pieces_(pieces), left_(bytes) {}

  void bytes(void* data, size_t size) override {
    auto* to = static_cast<std::byte*>(data);
    if (size > left_) fail(fmt::format("{} bytes wanted, {} left", size, left_));
    while (size > 0 && ok()) {
      if (at_.empty() && !next()) break;
      size_t some = std::min(size, at_.size());
      std::memcpy(to, at_.data(), some);
      at_ = at_.subspan(some);
      left_ -= some;
      to += some;
      size -= some;
    }
    if (size > 0) std::memset(to, 0, size);
  }

  uint64_t left() const { return left_; }
  /// Of the piece that is read.
  uint64_t number() const { return next_ == 0 ? 0 : next_ - 1; }

 private:
  size_t remaining() const override { return std::min<uint64_t>(left_, kLongestList); }

  bool next() {
    if (next_ == pieces_) {
      fail("it is shorter than it says");
      return false;
    }
    auto piece = fetch_(next_++);
    if (!piece) {
      fail(piece.error());
      return false;
    }
    piece_ = std::move(*piece);
    at_ = piece_;
    return true;
  }

  /// What repeats packs so well that a small file could make us fill all memory with a list of it. The longest there is
  /// has a number for each page of RAM.
  static constexpr uint64_t kLongestList = uint64_t{128} << 20;

  const SavedState::Fetch& fetch_;
  uint64_t pieces_;
  uint64_t left_;
  uint64_t next_ = 0;
  std::vector<std::byte> piece_;
  std::span<const std::byte> at_;
};

}  // namespace

void StateDescription::state(Archive& ar) {
  ar(layout, time, pieces, bytes, machine.low, machine.high, session, libraries, folders);
}

void StateWriter::bytes(void* data, size_t size) {
  const auto* from = static_cast<const std::byte*>(data);
  bytes_ += size;
  while (size > 0) {
    if (piece_.capacity() < kStatePiece) piece_.reserve(kStatePiece);
    size_t some = std::min(size, kStatePiece - piece_.size());
    piece_.insert(piece_.end(), from, from + some);
    from += some;
    size -= some;
    if (piece_.size() == kStatePiece) flush();
  }
}

void StateWriter::flush() {
  if (piece_.empty()) return;
  ++pieces_;
  frames_.frame({.kind = FrameKind::kState, .time = time_}, std::exchange(piece_, {}));
}

void StateWriter::finish(StateDescription about) {
  flush();
  about.time = time_.ns;
  about.pieces = pieces_;
  about.bytes = bytes_;
  frames_.frame({.kind = FrameKind::kSnapshot, .time = time_}, to_payload(about));
}

std::expected<SavedState, std::string> SavedState::make(StateDescription about, const std::vector<uint32_t>& sizes,
                                                        Fetch fetch) {
  uint64_t bytes = 0;
  for (uint32_t size : sizes) {
    if (size > kStatePiece || size == 0) return std::unexpected("a piece of its state has a size that none has");
    bytes += size;
  }
  if (sizes.size() != about.pieces || bytes != about.bytes)
    return std::unexpected(fmt::format("its state has {} bytes in {} pieces, and it says {} in {}", bytes, sizes.size(),
                                       about.bytes, about.pieces));
  SavedState state;
  state.about_ = std::move(about);
  state.fetch_ = std::move(fetch);
  return state;
}

std::expected<void, std::string> SavedState::load(const std::function<void(Archive&)>& visit) const {
  StateReader reader(fetch_, about_.pieces, about_.bytes);
  visit(reader);
  if (reader.ok() && reader.left() != 0) reader.fail(fmt::format("{} bytes are left over", reader.left()));
  if (!reader.ok()) return std::unexpected(fmt::format("piece {} of its state: {}", reader.number(), reader.error()));
  return {};
}

std::expected<void, std::string> SavedState::copy(FrameSink& frames) const {
  for (size_t i = 0; i < about_.pieces; ++i) {
    auto piece = fetch_(i);
    if (!piece) return std::unexpected(fmt::format("piece {} of its state: {}", i, piece.error()));
    frames.frame({.kind = FrameKind::kState, .time = Time{about_.time}}, std::move(*piece));
  }
  StateDescription about = about_;
  about.libraries.clear();
  about.folders.clear();
  frames.frame({.kind = FrameKind::kSnapshot, .time = Time{about_.time}}, to_payload(about));
  return {};
}

}  // namespace jacinth::emu
