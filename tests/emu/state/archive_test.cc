// The archive: what is saved comes back, what is damaged is refused, what has no fixed bytes does not compile.
#include "emu/state/archive.h"

#include <cstring>
#include <functional>
#include <memory>

#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth {
namespace {

enum class Colour : uint8_t { kRed = 1, kGreen = 2 };

struct Point {
  int32_t x = 0;
  int32_t y = 0;
  bool operator==(const Point&) const = default;
};

struct Padded {
  uint8_t small = 0;
  uint32_t large = 0;
};

struct WithFloat {
  float value = 0;
};

/// Large in memory, one byte in a file.
struct Bulky {
  uint8_t byte = 0;
  std::array<uint64_t, 512> cache = {};
  void state(Archive& ar) { ar(byte); }
};

struct Virtual {
  virtual ~Virtual() = default;
};

static_assert(Plain<int> && Plain<Colour> && Plain<Point> && Plain<std::array<Point, 3>> && Plain<bool>);
static_assert(!Plain<Padded>, "padding differs from run to run");
static_assert(!Plain<WithFloat> && !Plain<double>, "two zeroes, many NaNs");
static_assert(!Plain<int*> && !Plain<void (*)()> && !Plain<int Point::*> && !Plain<std::array<int*, 2>>);
static_assert(!Plain<std::span<int>> && !Plain<std::string_view> && !Plain<std::reference_wrapper<int>>);
static_assert(!Plain<std::string> && !Plain<std::vector<int>> && !Plain<std::unique_ptr<int>> && !Plain<Virtual>);
static_assert(Stateful<Bulky> && !Stateful<Point>);

/// One of everything that an archive takes.
struct Everything {
  uint64_t number = 0;
  bool flag = false;
  Colour colour = Colour::kRed;
  Point point;
  std::string text;
  std::vector<Point> points;
  std::vector<std::string> texts;
  std::deque<uint16_t> queue;
  std::array<uint32_t, 3> fixed = {};
  std::array<std::string, 2> fixed_texts;
  std::optional<std::string> maybe;
  std::map<uint32_t, std::string> by_number;
  std::map<std::string, std::vector<uint8_t>> by_text;
  std::set<std::string> names;
  std::pair<uint8_t, std::string> pair;
  std::vector<Bulky> bulky;

  void state(Archive& ar) {
    ar(number, flag, colour, point, text, points, texts, queue, fixed, fixed_texts, maybe, by_number, by_text, names,
       pair, bulky);
  }
};

Everything sample() {
  Everything e;
  e.number = 0x0123456789abcdef;
  e.flag = true;
  e.colour = Colour::kGreen;
  e.point = {-1, 7};
  e.text = std::string("with a \0 inside", 15);
  e.points = {{1, 2}, {3, 4}};
  e.texts = {"", "a", "bc"};
  e.queue = {9, 8, 7};
  e.fixed = {1, 2, 3};
  e.fixed_texts = {"x", "yz"};
  e.maybe = "here";
  e.by_number = {{1, "one"}, {2, ""}, {300, "three hundred"}};
  e.by_text = {{"", {}}, {"k", {1, 2, 3}}};
  e.names = {"ann", "bob"};
  e.pair = {5, "five"};
  e.bulky.resize(3);
  e.bulky[1].byte = 6;
  return e;
}

std::vector<std::byte> saved(Everything e) {
  Writer writer;
  writer(e);
  return writer.take();
}

TEST_CASE("everything that is saved comes back") {
  const Everything before = sample();
  std::vector<std::byte> bytes = saved(before);

  Everything after;
  after.text = after.texts.emplace_back("what was there is gone");
  after.by_number[7] = "so is this";
  after.names = {"old"};
  Reader reader(bytes);
  reader(after);

  REQUIRE(reader.ok());
  REQUIRE(reader.at_end());
  REQUIRE(after.number == before.number);
  REQUIRE(after.flag == before.flag);
  REQUIRE(after.colour == before.colour);
  REQUIRE(after.point == before.point);
  REQUIRE(after.text == before.text);
  REQUIRE(after.points == before.points);
  REQUIRE(after.texts == before.texts);
  REQUIRE(after.queue == before.queue);
  REQUIRE(after.fixed == before.fixed);
  REQUIRE(after.fixed_texts == before.fixed_texts);
  REQUIRE(after.maybe == before.maybe);
  REQUIRE(after.by_number == before.by_number);
  REQUIRE(after.by_text == before.by_text);
  REQUIRE(after.names == before.names);
  REQUIRE(after.pair == before.pair);
  REQUIRE(after.bulky.size() == 3);
  REQUIRE(after.bulky[1].byte == 6);
  REQUIRE(saved(after) == bytes);
  REQUIRE(digest_of(after) == digest_of(after));
}

TEST_CASE("an absent optional comes back absent") {
  Everything e = sample();
  e.maybe.reset();
  std::vector<std::byte> bytes = saved(e);
  Everything after = sample();
  Reader reader(bytes);
  reader(after);
  REQUIRE(reader.at_end());
  REQUIRE_FALSE(after.maybe.has_value());
}

TEST_CASE("the digest sees each field and the borders between them") {
  auto changed = [](auto&& change) {
    Everything e = sample();
    change(e);
    return digest_of(e);
  };
  std::set<Digest> digests = {
      changed([](Everything&) {}),
      changed([](Everything& e) { e.number ^= 1; }),
      changed([](Everything& e) { e.flag = false; }),
      changed([](Everything& e) { e.colour = Colour::kRed; }),
      changed([](Everything& e) { e.text.pop_back(); }),
      changed([](Everything& e) {
        e.texts = {"a", "", "bc"};
      }),
      changed([](Everything& e) {
        e.texts = {"", "ab", "c"};
      }),
      changed([](Everything& e) { std::swap(e.points[0], e.points[1]); }),
      changed([](Everything& e) { e.queue.pop_front(); }),
      changed([](Everything& e) { e.maybe.reset(); }),
      changed([](Everything& e) { e.maybe = ""; }),
      changed([](Everything& e) { e.by_number[2] = "two"; }),
      changed([](Everything& e) { e.names.insert("eve"); }),
      changed([](Everything& e) { e.pair.second = "six"; }),
      changed([](Everything& e) { e.bulky[2].byte = 1; }),
  };
  REQUIRE(digests.size() == 15);
}

TEST_CASE("the digest is that of the contents, not of how they came to be") {
  Everything straight = sample();
  Everything roundabout = sample();
  roundabout.points.reserve(1000);
  roundabout.text.reserve(1000);
  roundabout.queue.push_front(0);
  roundabout.queue.pop_front();
  for (uint32_t i = 1000; i > 400; --i) roundabout.by_number[i] = "x";
  for (uint32_t i = 1000; i > 400; --i) roundabout.by_number.erase(i);
  roundabout.bulky[0].cache[3] = 99;  // Not part of its state.
  REQUIRE(digest_of(straight) == digest_of(roundabout));
  REQUIRE(digest_of(straight).text().size() == 32);
}

TEST_CASE("a file cut off anywhere is refused and what is loaded is whole") {
  const std::vector<std::byte> bytes = saved(sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    Everything e;
    std::span<const std::byte> part(bytes.data(), size);
    Reader reader(part);
    reader(e);
    CAPTURE(size);
    REQUIRE_FALSE(reader.ok());
    REQUIRE_FALSE(reader.error().empty());
    REQUIRE(e.bulky.size() <= 3);
  }
}

TEST_CASE("after the first damage everything loads as zero, and the first reason stays") {
  const std::vector<std::byte> bytes(6, std::byte{0xff});
  uint32_t whole = 1;
  uint32_t cut = 1;
  uint16_t late = 1;
  bool flag = true;
  std::string text = "old";
  Reader reader(bytes);
  reader(whole, cut, late, flag, text);
  REQUIRE(whole == 0xffffffff);
  REQUIRE(cut == 0);
  REQUIRE(late == 0);
  REQUIRE_FALSE(flag);
  REQUIRE(text.empty());
  REQUIRE(reader.error() == "4 bytes wanted, 2 left");
  reader.fail("another");
  REQUIRE(reader.error() == "4 bytes wanted, 2 left");
}

TEST_CASE("a count that the bytes behind it cannot fill allocates nothing") {
  for (uint64_t count : {uint64_t{3}, uint64_t{1000}, uint64_t{1} << 40, ~uint64_t{0}}) {
    Writer writer;
    uint64_t two_items[2] = {1, 2};
    writer(count, two_items[0], two_items[1]);

    auto refused = [&](auto list) {
      Reader reader(writer.data());
      reader(list);
      CAPTURE(count);
      REQUIRE_FALSE(reader.ok());
      return list.size();
    };
    REQUIRE(refused(std::vector<uint64_t>()) == 0);
    REQUIRE(refused(std::vector<std::array<std::string, 4>>()) <= 2);
    REQUIRE(refused(std::deque<std::string>()) <= 2);
    REQUIRE(refused(std::map<uint64_t, uint64_t>()) <= 2);
    if (count > 16) REQUIRE(refused(std::string()) == 0);
    if (count > 16) REQUIRE(refused(std::vector<Bulky>()) == 0);
    if (count > 16) REQUIRE(refused(std::set<uint8_t>()) == 0);
  }
}

TEST_CASE("keys that are out of order or twice there are damage") {
  for (auto [first, second] : {std::pair(2, 1), std::pair(2, 2)}) {
    Writer writer;
    uint64_t count = 2;
    uint32_t keys[2] = {static_cast<uint32_t>(first), static_cast<uint32_t>(second)};
    uint8_t value = 0;
    writer(count, keys[0], value, keys[1], value);
    std::map<uint32_t, uint8_t> map;
    Reader map_reader(writer.data());
    map_reader(map);
    REQUIRE_FALSE(map_reader.ok());

    Writer set_writer;
    set_writer(count, keys[0], keys[1]);
    std::set<uint32_t> set;
    Reader set_reader(set_writer.data());
    set_reader(set);
    REQUIRE_FALSE(set_reader.ok());
  }
}

TEST_CASE("random damage is loaded or refused, never worse") {
  const std::vector<std::byte> good = saved(sample());
  for (uint64_t seed : test::seeds(2000)) {
    test::Random random(seed);
    std::vector<std::byte> bytes = good;
    for (uint64_t i = 0; i <= random.below(4); ++i) {
      std::byte& victim = bytes[random.below(bytes.size())];
      victim = random.one_in(2) ? std::byte{0xff} : static_cast<std::byte>(random.next());
    }
    Everything e;
    Reader reader(bytes);
    reader(e);
    if (!reader.ok() || !reader.at_end()) continue;
    // What loads is a value like any other: it saves and loads to itself.
    std::vector<std::byte> again = saved(e);
    Everything copy;
    Reader second(again);
    second(copy);
    INFO("JACINTH_TEST_SEED=" << seed);
    REQUIRE(second.ok());
    REQUIRE(digest_of(copy) == digest_of(e));
  }
}

}  // namespace
}  // namespace jacinth
