#include "kernel/ipc/console_input.h"

#include <algorithm>

#include "emu/state/archive.h"

namespace jacinth::kernel {

void ConsoleInput::feed(Time when, std::string_view text) {
  if (text.empty()) return;
  Time begins = std::max(when, line_free_);
  line_free_ = begins + Duration{kByteTime.ns * static_cast<int64_t>(text.size())};
  pieces_.push_back({begins, std::string(text)});
  // They find out until when they have to wait.
  readers_.wake_all();
}

std::string_view ConsoleInput::arrived(Time now, size_t size) {
  if (pieces_.empty() || pieces_.front().begins > now) return {};
  const Piece& first = pieces_.front();
  auto there = static_cast<uint64_t>((now - first.begins).ns / kByteTime.ns) + 1;
  return std::string_view(first.text).substr(0, std::min<uint64_t>(there, size));
}

void ConsoleInput::drop(size_t count) {
  if (pieces_.empty() || count == 0) return;
  Piece& first = pieces_.front();
  count = std::min(count, first.text.size());
  first.text.erase(0, count);
  first.begins = first.begins + Duration{kByteTime.ns * static_cast<int64_t>(count)};
  if (first.text.empty()) pieces_.pop_front();
}

Time ConsoleInput::next() const { return pieces_.empty() ? Time::never() : pieces_.front().begins; }

void ConsoleInput::Piece::state(Archive& ar) {
  ar(begins, text);
  if (ar.loading() && text.empty()) ar.fail("console input without a byte");
}

void ConsoleInput::state(Archive& ar) {
  ar(pieces_, line_free_);
  if (!ar.ok()) pieces_.clear();
  readers_.state(ar);
}

}  // namespace jacinth::kernel
