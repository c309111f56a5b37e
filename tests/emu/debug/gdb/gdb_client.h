// A client of the GDB remote protocol for tests, and what it debugs: two processes, three threads, a little memory.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "emu/debug/gdb/session.h"
#include "tests/support/fake_debuggee.h"
#include "tests/support/test.h"

namespace jacinth::emu::gdb {

/// The payloads of all packets in what a stub sent; acknowledgements are counted. Runs are spelled out.
struct Received {
  std::vector<std::string> packets;
  size_t acks = 0;
  size_t naks = 0;

  explicit Received(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] == '+') ++acks;
      if (bytes[i] == '-') ++naks;
      if (bytes[i] != '$') continue;
      size_t end = bytes.find('#', i);
      REQUIRE(end != std::string_view::npos);
      std::string_view body = bytes.substr(i + 1, end - i - 1);
      uint8_t sum = 0;
      for (char c : body) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
      REQUIRE(Scanner(bytes.substr(end + 1, 2)).number() == sum);
      std::string text;
      for (size_t k = 0; k < body.size(); ++k) {
        if (body[k] == '*') {
          ++k;
          REQUIRE((k < body.size() && !text.empty()));
          text.append(static_cast<size_t>(body[k]) - 29, text.back());
        } else {
          text += body[k];
        }
      }
      packets.push_back(text);
      i = end + 2;
    }
  }
};

/// A packet as clients send it: they shorten no runs.
inline std::string client_frame(std::string_view payload) {
  uint8_t sum = 0;
  for (char c : payload) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
  return fmt::format("${}#{:02x}", payload, sum);
}

/// Escapes taken back.
inline std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) out += text[i] == '}' ? static_cast<char>(text[++i] ^ 0x20) : text[i];
  return out;
}

class Client {
 public:
  static constexpr TaskId kMain{.process = 0x400, .thread = 0x410};
  static constexpr TaskId kWorker{.process = 0x400, .thread = 0x411};
  static constexpr TaskId kOther{.process = 0x500, .thread = 0x510};
  static constexpr GuestAddr kData{0x1000'0000};
  static constexpr GuestAddr kCode{0x20'0000};

  explicit Client(Arch arch = Arch::kArm64, SessionOptions wanted = {}) : target(arch), timeline(target) {
    target.add_thread(kMain, "initial-thread", "running on CPU 0");
    target.add_thread(kWorker, "worker", "blocked in zx_port_wait on port:1042");
    target.add_thread(kOther, "other", "ready to run");
    target.map(kData, 0x3000, "heap");
    target.map(kCode, 0x1000, "text").writable = false;
    target.loaded = {{.name = "/guests/hello", .base = kCode, .dynamic = 0, .link_map = 0},
                     {.name = "libzircon.so", .base = GuestAddr(0x7000'0000), .dynamic = 0x7000'0100, .link_map = 0}};
    target.auxiliary_values = {{9, 0x20'0040}};
    target.add_file("/guests/hello", "ELF*file#with$odd}bytes");
    options = std::move(wanted);
    options.send = [this](std::string_view bytes) { sent += bytes; };
    connect();
  }

  void connect() {
    session.reset();
    session.emplace(timeline, options);
  }
  /// As gdb introduces itself, and attaches to both processes.
  Client& as_gdb() {
    ask("qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386;vContSupported+");
    ask("vAttach;500");
    ask("vAttach;400");
    return *this;
  }
  /// Every packet that comes back for this one.
  std::vector<std::string> all(std::string_view payload) {
    sent.clear();
    session->feed(client_frame(payload));
    return Received(sent).packets;
  }
  /// The one packet that comes back.
  std::string ask(std::string_view payload) {
    std::vector<std::string> packets = all(payload);
    INFO(payload);
    REQUIRE(packets.size() == 1);
    return packets.front();
  }

  FakeTarget target;
  FakeTimeline timeline;
  SessionOptions options;
  std::string sent;
  std::optional<Session> session;
};

}  // namespace jacinth::emu::gdb
