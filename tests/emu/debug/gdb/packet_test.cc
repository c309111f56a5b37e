// Frames, escapes and runs of the GDB remote protocol.
#include "emu/debug/gdb/packet.h"

#include "tests/emu/debug/gdb/gdb_client.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu::gdb {
namespace {

using Event = PacketReader::Event;

std::vector<Event> events(PacketReader& reader, std::string_view bytes) {
  std::vector<Event> seen;
  for (char byte : bytes)
    if (Event event = reader.take(byte); event != Event::kNone) seen.push_back(event);
  return seen;
}

TEST_CASE("a packet is found in whatever pieces it comes") {
  PacketReader reader;
  REQUIRE(events(reader, "+$m10").size() == 1);
  REQUIRE(events(reader, "00,4#").empty());
  REQUIRE(events(reader, "8e") == std::vector{Event::kPacket});
  REQUIRE(reader.payload() == "m1000,4");
}

TEST_CASE("a packet with a wrong checksum is none") {
  PacketReader reader;
  REQUIRE(events(reader, "$m1000,4#00") == std::vector{Event::kBadChecksum});
  REQUIRE(events(reader, "$m1000,4#zz") == std::vector{Event::kBadChecksum});
  REQUIRE(events(reader, "$m1000,4#8e") == std::vector{Event::kPacket});
}

TEST_CASE("the interrupt counts between packets, and is a byte like any other inside") {
  PacketReader reader;
  REQUIRE(events(reader, "\x03") == std::vector{Event::kInterrupt});
  REQUIRE(events(reader, client_frame("X0,1:\x03")) == std::vector{Event::kPacket});
  REQUIRE(reader.payload() == "X0,1:\x03");
}

TEST_CASE("a packet that was cut off gives way to the next") {
  PacketReader reader;
  REQUIRE(events(reader, "$m1000$g#67") == std::vector{Event::kPacket});
  REQUIRE(reader.payload() == "g");
}

TEST_CASE("a packet that is too long is lost, and the next one is read") {
  PacketReader reader;
  std::string sent = "$" + std::string(kMaxPayload + 1, 'x') + "#";
  REQUIRE(events(reader, sent).empty());
  REQUIRE(events(reader, "78") == std::vector{Event::kTooLong});
  REQUIRE(events(reader, client_frame(std::string(kMaxPayload, 'x'))).size() == 1);
}

TEST_CASE("runs of any length come back as they were, and never as a byte that ends a packet") {
  for (size_t length = 1; length < 400; ++length) {
    std::string payload = "a" + std::string(length, '0') + "b";
    std::string sent = framed(payload);
    REQUIRE(Received(sent).packets == std::vector{payload});
    REQUIRE(std::ranges::count(sent, '#') == 1);
    REQUIRE(std::ranges::count(sent, '$') == 1);
    if (length > 5) REQUIRE(sent.size() < payload.size() + 4);
  }
}

TEST_CASE("random bytes survive escaping and framing") {
  for (uint64_t seed : test::seeds(50)) {
    INFO("JACINTH_TEST_SEED=" << seed);
    test::Random random(seed);
    std::string bytes;
    // Few values, so that there are runs, escapes and runs of escapes.
    for (size_t i = random.below(300); i > 0; --i) bytes += "#$}*]\3a\n"[random.below(8)];
    REQUIRE(unescaped(Received(framed(escaped(bytes))).packets.front()) == bytes);
  }
}

TEST_CASE("thread ids are read as clients write them") {
  REQUIRE(Scanner("2a").thread() == ThreadChoice{.process = 0, .thread = 0x2a});
  REQUIRE(Scanner("-1").thread() == ThreadChoice{.process = 0, .thread = ThreadChoice::kAll});
  REQUIRE(Scanner("p1f.2a").thread() == ThreadChoice{.process = 0x1f, .thread = 0x2a});
  REQUIRE(Scanner("p1f").thread() == ThreadChoice{.process = 0x1f, .thread = ThreadChoice::kAll});
  REQUIRE(Scanner("p-1.-1").thread() == ThreadChoice{.process = ThreadChoice::kAll, .thread = ThreadChoice::kAll});
  REQUIRE_FALSE(Scanner("px").thread());
  REQUIRE_FALSE(Scanner("").thread());
  REQUIRE_FALSE(Scanner("11112222333344445").thread());
}

}  // namespace
}  // namespace jacinth::emu::gdb
