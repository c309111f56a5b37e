// The frames of the GDB remote protocol (GDB manual, appendix E.1): $payload#checksum, acknowledgements, escapes,
// run-length encoding, and the byte that interrupts.
//
// Left out: notifications (non-stop mode), and run-length encoding in what comes in, which no client sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jacinth::emu::gdb {

/// What a client may send in one packet, the frame around it not counted.
inline constexpr size_t kMaxPayload = 0x2'0000;
/// Between packets: the run shall stop.
inline constexpr char kInterruptByte = 0x03;

/// `payload` as it goes over the wire: framed, runs of one character shortened.
std::string framed(std::string_view payload);

/// Finds the packets in what comes in, whatever pieces it comes in.
class PacketReader {
 public:
  enum class Event : uint8_t {
    kNone,         ///< More is needed.
    kPacket,       ///< payload() is one, escapes taken back.
    kBadChecksum,  ///< A packet whose checksum is wrong: payload() all the same.
    kTooLong,      ///< A packet of more than kMaxPayload bytes; it is lost.
    kAck,
    kNak,
    kInterrupt,
  };

  Event take(char byte);
  const std::string& payload() const { return payload_; }

 private:
  enum class State : uint8_t { kOutside, kInside, kEscaped, kFirstDigit, kSecondDigit };
  void add(char byte);

  State state_ = State::kOutside;
  std::string payload_;
  bool too_long_ = false;
  uint8_t sum_ = 0;
  uint8_t first_digit_ = 0;
  bool bad_digit_ = false;
};

}  // namespace jacinth::emu::gdb
