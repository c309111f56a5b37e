#include "emu/debug/gdb/packet.h"

#include <fmt/format.h>

#include <algorithm>

namespace jacinth::emu::gdb {
namespace {

/// A run's length, less one, is a printable character with this added.
constexpr size_t kRunBias = 29;
constexpr size_t kLongestRun = 126 - kRunBias;
/// Shorter ones take as much room as they save.
constexpr size_t kShortestRun = 3;

/// How often the character may be said to repeat: not with counts that are '#' or '$' themselves.
size_t usable_run(size_t repeats) {
  repeats = std::min(repeats, kLongestRun);
  auto count = static_cast<char>(repeats + kRunBias);
  return count == '#' || count == '$' ? '#' - 1 - kRunBias : repeats;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string framed(std::string_view payload) {
  std::string out = "$";
  uint8_t sum = 0;
  auto put = [&](char c) {
    out += c;
    sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
  };
  bool behind_escape = false;
  for (size_t i = 0; i < payload.size();) {
    char c = payload[i];
    put(c);
    ++i;
    // Clients take escapes back before or after runs: an escaped character begins none.
    size_t repeats = 0;
    if (!behind_escape && c != '}')
      while (i + repeats < payload.size() && payload[i + repeats] == c) ++repeats;
    behind_escape = !behind_escape && c == '}';
    if (repeats < kShortestRun) continue;
    repeats = usable_run(repeats);
    put('*');
    put(static_cast<char>(repeats + kRunBias));
    i += repeats;
  }
  fmt::format_to(std::back_inserter(out), "#{:02x}", sum);
  return out;
}

void PacketReader::add(char byte) {
  if (payload_.size() == kMaxPayload) {
    too_long_ = true;
  } else {
    payload_ += byte;
  }
}

PacketReader::Event PacketReader::take(char byte) {
  switch (state_) {
    case State::kOutside:
      if (byte == '+') return Event::kAck;
      if (byte == '-') return Event::kNak;
      if (byte == kInterruptByte) return Event::kInterrupt;
      if (byte != '$') return Event::kNone;  // Noise between packets.
      payload_.clear();
      too_long_ = false;
      sum_ = 0;
      state_ = State::kInside;
      return Event::kNone;
    case State::kInside:
    case State::kEscaped:
      if (byte == '$') {
        // Never inside a packet: the one before was cut off.
        payload_.clear();
        too_long_ = false;
        sum_ = 0;
        state_ = State::kInside;
        return Event::kNone;
      }
      if (byte == '#') {
        state_ = State::kFirstDigit;
        return Event::kNone;
      }
      sum_ = static_cast<uint8_t>(sum_ + static_cast<uint8_t>(byte));
      if (state_ == State::kEscaped) {
        add(static_cast<char>(byte ^ 0x20));
        state_ = State::kInside;
      } else if (byte == '}') {
        state_ = State::kEscaped;
      } else {
        add(byte);
      }
      return Event::kNone;
    case State::kFirstDigit:
      bad_digit_ = digit(byte) < 0;
      first_digit_ = static_cast<uint8_t>(bad_digit_ ? 0 : digit(byte));
      state_ = State::kSecondDigit;
      return Event::kNone;
    case State::kSecondDigit: break;
  }
  state_ = State::kOutside;
  int second = digit(byte);
  bool good = !bad_digit_ && second >= 0 && (first_digit_ << 4 | second) == sum_;
  if (!good) return Event::kBadChecksum;
  return too_long_ ? Event::kTooLong : Event::kPacket;
}

}  // namespace jacinth::emu::gdb
