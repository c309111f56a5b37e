#include "emu/debug/history.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "emu/base/check.h"

namespace jacinth::emu {

History::History(Rewindable& run, size_t max_bytes, size_t max_checkpoints)
    : run_(run), pages_(run.machine().memory()), max_bytes_(max_bytes), max_checkpoints_(max_checkpoints) {
  CHECK(max_checkpoints >= 2);
}

Position History::here() const {
  return {.code_bytes = run_.machine().executed_bytes(), .entries = run_.machine().entries()};
}

void History::keep_changed() {
  keep();
  checkpoints_.back().changed = true;
}

void History::keep() {
  Position now = here();
  CHECK(checkpoints_.empty() || checkpoints_.back().position <= now);
  Writer state;
  if (!checkpoints_.empty()) state.expect(checkpoints_.back().state.size() * 9 / 8);
  run_.state_without_memory(state);
  pages_.mark();
  run_.machine().flush_tlbs();
  checkpoints_.push_back({.position = now, .time = run_.machine().now(), .state = state.take()});
  state_bytes_ += checkpoints_.back().state.size();
  while (checkpoints_.size() > max_checkpoints_ || bytes() > max_bytes_) {
    if (!thin()) break;
  }
}

size_t History::at_or_before(Position position) const {
  auto behind = std::ranges::upper_bound(checkpoints_, position, {}, &Checkpoint::position);
  return behind == checkpoints_.begin() ? 0 : static_cast<size_t>(behind - checkpoints_.begin()) - 1;
}

size_t History::at_or_before(Time time) const {
  auto behind = std::ranges::upper_bound(checkpoints_, time, {}, &Checkpoint::time);
  return behind == checkpoints_.begin() ? 0 : static_cast<size_t>(behind - checkpoints_.begin()) - 1;
}

size_t History::last_change() const {
  size_t number = checkpoints_.size() - 1;
  while (number > 0 && !checkpoints_[number].changed) --number;
  return number;
}

void History::rewind(size_t number) {
  CHECK(number < checkpoints_.size());
  Machine& machine = run_.machine();
  machine.fetch_all_registers();
  run_.forget();
  pages_.rewind(number);
  Reader reader(checkpoints_[number].state);
  run_.state_without_memory(reader);
  CHECK(reader.ok() && reader.at_end(), "a checkpoint that cannot be loaded: {}", reader.error());
  machine.flush_tlbs();
  for (size_t i = number + 1; i < checkpoints_.size(); ++i) state_bytes_ -= checkpoints_[i].state.size();
  checkpoints_.resize(number + 1);
}

/// The first stays, for that is where the run begins; so does the last, which pages are kept for, and those that no way
/// leads to.
bool History::thin() {
  uint64_t now = checkpoints_.back().position.code_bytes;
  std::optional<size_t> chosen;
  double smallest = 0;
  for (size_t i = 1; i + 1 < checkpoints_.size(); ++i) {
    if (checkpoints_[i].changed) continue;
    uint64_t gap = checkpoints_[i + 1].position.code_bytes - checkpoints_[i - 1].position.code_bytes;
    uint64_t age = now - checkpoints_[i].position.code_bytes;
    double size = static_cast<double>(gap) / static_cast<double>(age + 1);
    if (!chosen || size < smallest) {
      chosen = i;
      smallest = size;
    }
  }
  if (!chosen) return false;
  pages_.forget(*chosen);
  state_bytes_ -= checkpoints_[*chosen].state.size();
  checkpoints_.erase(checkpoints_.begin() + static_cast<ptrdiff_t>(*chosen));
  return true;
}

}  // namespace jacinth::emu
