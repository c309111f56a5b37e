// What somebody types at the serial console, on its way to zx_debug_read.
//
//   feed(when, text) --> [ bytes on the wire, each with its moment ] --arrived--> take()
//
// The bytes are an input of the run, like its seed: known before they are read, and each arrives at a moment of virtual
// time, as fast as the line carries them. So a program that polls, one that waits and one that was saved in between get
// the same bytes at the same time. zircon/kernel/lib/syscalls/debug.cc, platform/generic-arm/uart.
//
// Left out: the UART's buffer of 1024 bytes. The line stops while nobody reads, and nothing is lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "emu/time/time.h"
#include "kernel/object/wait_queue.h"

namespace jacinth::kernel {

class ConsoleInput {
 public:
  /// A start bit, eight of data, a stop bit, at 115200 of them a second.
  static constexpr Duration kByteTime{10'000'000'000 / 115'200};

  /// The first byte arrives at `when`, or when the line is free.
  void feed(Time when, std::string_view text);

  /// The first `size` bytes of what has arrived; they stay.
  std::string_view arrived(Time now, size_t size);
  void drop(size_t count);
  /// When there will be something to read; never() when nothing is on its way.
  Time next() const;

  /// Who waits for more than is on its way.
  WaitQueue& readers() { return readers_; }

  void state(Archive& ar);

 private:
  struct Piece {
    Time begins;  // Arrival of its first byte.
    std::string text;
    void state(Archive& ar);
  };
  std::deque<Piece> pieces_;
  Time line_free_;
  WaitQueue readers_;
};

}  // namespace jacinth::kernel
