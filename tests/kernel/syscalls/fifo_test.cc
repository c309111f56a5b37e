// FIFOs through calls (kernel/syscalls/fifo.cc, kernel/ipc/fifo.cc).
#include "kernel/ipc/fifo.h"

#include <deque>
#include <functional>
#include <numeric>
#include <vector>

#include "tests/kernel/syscalls/ipc_rig.h"
#include "tests/support/random.h"

namespace jacinth::kernel {
namespace {

/// Elements are numbers of eight bytes unless a test says otherwise.
struct Rig : IpcRig {
  using IpcRig::IpcRig;
  using Numbers = std::vector<uint64_t>;

  GuestAddr put(const Numbers& numbers) {
    GuestAddr at = room(numbers.size() * 8);
    for (size_t i = 0; i < numbers.size(); ++i) poke(at + i * 8, numbers[i]);
    return at;
  }
  Status write(Handle fifo, GuestAddr data, uint64_t count, uint64_t elem_size = 8) {
    return call("fifo_write", fifo, elem_size, data, count, nullptr);
  }
  /// How many of the numbers went in.
  uint64_t write(Handle fifo, const Numbers& numbers) {
    GuestAddr actual = user(uint64_t{999});
    REQUIRE(call("fifo_write", fifo, 8, put(numbers), numbers.size(), actual) == Status::kOk);
    return peek<uint64_t>(actual);
  }
  Status try_read(Handle fifo, uint64_t count, uint64_t elem_size = 8) {
    return call("fifo_read", fifo, elem_size, room(4096), count, nullptr);
  }
  Numbers read(Handle fifo, uint64_t count) {
    GuestAddr to = room(count * 8);
    GuestAddr actual = user(uint64_t{999});
    REQUIRE(call("fifo_read", fifo, 8, to, count, actual) == Status::kOk);
    Numbers numbers;
    for (uint64_t i = 0; i < peek<uint64_t>(actual); ++i) numbers.push_back(peek<uint64_t>(to, i));
    return numbers;
  }
};

using Numbers = Rig::Numbers;

Numbers counting(uint64_t from, uint64_t count) {
  Numbers numbers(count);
  std::iota(numbers.begin(), numbers.end(), from);
  return numbers;
}

TEST_CASE("fifo_create makes two ends that know each other", "[zx_fifo_create]") {
  Rig k;
  auto [a, b] = k.fifo(8, 8);
  REQUIRE(k.basic(a).type == ObjectType::kFifo);
  REQUIRE(k.basic(a).rights == abi::default_rights(ObjectType::kFifo));
  REQUIRE(k.basic(a).related_koid == k.basic(b).koid);
  REQUIRE(k.basic(b).related_koid == k.basic(a).koid);
  REQUIRE(k.signals(a) == Signals::kFifoWritable);
  REQUIRE(k.signals(b) == Signals::kFifoWritable);
  k.close(a);
  k.close(b);
  REQUIRE(k.core().counter("dispatcher.fifo.create") == 2);
  REQUIRE(k.core().counter("dispatcher.fifo.destroy") == 2);
}

TEST_CASE("a direction of a FIFO has room for at most 4096 bytes", "[zx_fifo_create]") {
  Rig k;
  GuestAddr out = k.room(8);
  auto create = [&](uint64_t count, uint64_t size) { return k.call("fifo_create", count, size, 0, out, out + 4); };
  for (auto [count, size] : {std::pair<uint64_t, uint64_t>(1, 4096), {4096, 1}, {128, 32}, {10, 8}, {1, 1}, {3, 1365}})
    REQUIRE(create(count, size) == Status::kOk);
  for (auto [count, size] : {std::pair<uint64_t, uint64_t>(0, 0),
                             {0, 8},
                             {8, 0},
                             {128, 33},
                             {4097, 1},
                             {1, 4097},
                             {uint64_t{1} << 32, uint64_t{1} << 32},
                             {~uint64_t{0}, ~uint64_t{0}}})
    REQUIRE(create(count, size) == Status::kOutOfRange);
}

TEST_CASE("a FIFO of July 2020 had a power of two of places", "[zx_fifo_create]") {
  Rig k;
  k.core().vm().set_july_2020();
  GuestAddr out = k.room(8);
  auto create = [&](uint64_t count, uint64_t size) { return k.call("fifo_create", count, size, 0, out, out + 4); };
  for (uint64_t count : {1, 2, 64, 128}) REQUIRE(create(count, 32) == Status::kOk);
  for (uint64_t count : {0, 3, 35, 127, 256}) REQUIRE(create(count, 32) == Status::kOutOfRange);
}

TEST_CASE("fifo_create looks at no options and leaves nothing behind a bad pointer", "[zx_fifo_create]") {
  Rig k;
  GuestAddr out = k.room(8);
  REQUIRE(k.call("fifo_create", 8, 8, 1, out, out + 4) == Status::kOk);
  REQUIRE(k.call("fifo_create", 0, 8, 1, out, out + 4) == Status::kOutOfRange);
  REQUIRE(k.call("fifo_create", 8, 8, 0, Rig::kNowhere, out) == Status::kInvalidArgs);
  REQUIRE(k.call("fifo_create", 8, 8, 0, out, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.core().counter("dispatcher.fifo.destroy") == 4);
}

TEST_CASE("the job's policy decides whether FIFOs may be made", "[zx_fifo_create]") {
  Rig k;
  REQUIRE(k.call_denied(abi::PolicyCondition::kNewFifo, "fifo_create", 8, 8, 0, Rig::kMemory, Rig::kMemory + 4) ==
          Status::kAccessDenied);
}

TEST_CASE("elements arrive in order, each direction for itself", "[zx_fifo_write][zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.fifo(8, 8);
  REQUIRE(k.write(a, {1, 2, 3}) == 3);
  REQUIRE(k.write(b, {9}) == 1);
  REQUIRE(k.read(b, 2) == Numbers{1, 2});
  REQUIRE(k.read(b, 8) == Numbers{3});
  REQUIRE(k.read(a, 8) == Numbers{9});
  REQUIRE(k.try_read(a, 1) == Status::kShouldWait);
}

TEST_CASE("as many elements are written as there is room for", "[zx_fifo_write]") {
  Rig k;
  auto [a, b] = k.fifo(8, 8);
  REQUIRE(k.write(a, counting(0, 5)) == 5);
  REQUIRE(k.write(a, counting(5, 5)) == 3);
  REQUIRE(k.write(a, k.put({1}), 1) == Status::kShouldWait);
  REQUIRE(k.read(b, 100) == counting(0, 8));
}

TEST_CASE("a count as large as can be asks for all there is", "[zx_fifo_write][zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.fifo(4, 8);
  REQUIRE(k.write(a, k.put(counting(0, 4)), ~uint64_t{0}) == Status::kOk);
  REQUIRE(k.try_read(b, ~uint64_t{0}) == Status::kOk);
  REQUIRE(k.try_read(b, 1) == Status::kShouldWait);
}

TEST_CASE("a FIFO's signals say whether there is something to read and room to write",
          "[zx_fifo_write][zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.fifo(2, 8);
  k.write(a, {1});
  REQUIRE(k.signals(a) == Signals::kFifoWritable);
  REQUIRE(k.signals(b) == (Signals::kFifoReadable | Signals::kFifoWritable));
  k.write(a, {2});
  REQUIRE(k.signals(a) == Signals::kNone);
  REQUIRE(k.signals(b) == (Signals::kFifoReadable | Signals::kFifoWritable));
  k.read(b, 1);
  REQUIRE(k.signals(a) == Signals::kFifoWritable);
  REQUIRE(k.signals(b) == (Signals::kFifoReadable | Signals::kFifoWritable));
  k.read(b, 1);
  REQUIRE(k.signals(b) == Signals::kFifoWritable);
}

TEST_CASE("what is left in a FIFO can be read after its writer closed", "[zx_fifo_read][zx_fifo_write]") {
  Rig k;
  auto [a, b] = k.fifo(2, 8);
  k.write(a, {1, 2});
  k.close(a);
  REQUIRE(k.signals(b) == (Signals::kFifoReadable | Signals::kFifoPeerClosed));
  REQUIRE(k.read(b, 2) == Numbers{1, 2});
  REQUIRE(k.signals(b) == Signals::kFifoPeerClosed);
  REQUIRE(k.try_read(b, 1) == Status::kPeerClosed);
  REQUIRE(k.write(b, k.put({1}), 1) == Status::kPeerClosed);
  REQUIRE(k.call("object_signal_peer", b, Signals::kNone, Signals::kUser0) == Status::kPeerClosed);
}

TEST_CASE("elements have the size that the FIFO was made for, and some are asked for",
          "[zx_fifo_write][zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.fifo(8, 8);
  REQUIRE(k.write(a, k.put({1}), 1, 9) == Status::kOutOfRange);
  REQUIRE(k.write(a, k.put({1}), 1, 0) == Status::kOutOfRange);
  REQUIRE(k.write(a, k.put({1}), 0) == Status::kOutOfRange);
  REQUIRE(k.try_read(a, 1, 7) == Status::kOutOfRange);
  REQUIRE(k.try_read(a, 0) == Status::kOutOfRange);

  // Writing sees first that nobody reads, reading first that the question makes no sense.
  k.close(b);
  REQUIRE(k.write(a, k.put({1}), 1, 9) == Status::kPeerClosed);
  REQUIRE(k.write(a, k.put({1}), 0) == Status::kPeerClosed);
  REQUIRE(k.try_read(a, 1, 7) == Status::kOutOfRange);
  REQUIRE(k.try_read(a, 0) == Status::kOutOfRange);
}

TEST_CASE("FIFOs check handle, type and right in this order", "[zx_fifo_write][zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.fifo(8, 8);
  for (auto name : {"fifo_write", "fifo_read"}) {
    REQUIRE(k.call(name, Rig::kBad, 8, k.put({1}), 1, nullptr) == Status::kBadHandle);
    REQUIRE(k.call(name, k.event(), 8, k.put({1}), 1, nullptr) == Status::kWrongType);
  }
  REQUIRE(k.write(k.without(k.duplicate(a), Rights::kWrite), k.put({1}), 1) == Status::kAccessDenied);
  REQUIRE(k.try_read(k.without(k.duplicate(a), Rights::kRead), 1) == Status::kAccessDenied);
  REQUIRE(k.write(k.without(a, Rights::kRead), k.put({1}), 1) == Status::kOk);
  REQUIRE(k.try_read(k.without(b, Rights::kWrite), 1) == Status::kOk);
}

TEST_CASE("a fault in the buffer sends and takes nothing, wherever it comes", "[zx_fifo_write][zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.fifo(4, 8);
  GuestAddr end = Rig::kMemory + Rig::kMemorySize;
  REQUIRE(k.write(a, Rig::kNowhere, 1) == Status::kInvalidArgs);
  REQUIRE(k.write(a, GuestAddr{}, 1) == Status::kInvalidArgs);
  REQUIRE(k.write(a, end - 8, 2) == Status::kInvalidArgs);
  REQUIRE(k.signals(b) == Signals::kFifoWritable);

  // The rings' ends come between the elements: the second copy fails.
  k.write(a, {1, 2, 3});
  REQUIRE(k.read(b, 2) == Numbers{1, 2});
  REQUIRE(k.write(a, end - 8, 2) == Status::kInvalidArgs);
  REQUIRE(k.signals(a) == Signals::kFifoWritable);
  REQUIRE(k.write(a, {4, 5, 6}) == 3);

  REQUIRE(k.call("fifo_read", b, 8, Rig::kNowhere, 1, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.call("fifo_read", b, 8, nullptr, 1, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.call("fifo_read", b, 8, end - 16, 3, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.signals(a) == Signals::kNone);
  REQUIRE(k.read(b, 4) == Numbers{3, 4, 5, 6});
}

TEST_CASE("a fault in the count comes when all is done", "[zx_fifo_write][zx_fifo_read]") {
  Rig k;
  auto [a, b] = k.fifo(4, 8);
  REQUIRE(k.call("fifo_write", a, 8, k.put({1, 2}), 2, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.call("fifo_read", b, 8, k.room(8), 1, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.read(b, 4) == Numbers{2});
}

TEST_CASE("a FIFO does what a queue with a limit does", "[zx_fifo_write][zx_fifo_read]") {
  Rig k;
  test::Random random(7);
  for (uint64_t room_for : {1, 2, 3, 8, 10}) {
    CAPTURE(room_for);
    auto [a, b] = k.fifo(room_for, 8);
    std::deque<uint64_t> model;
    for (uint64_t i = 0; i < 200; ++i) {
      uint64_t count = 1 + random.below(room_for + 1);
      if (random.below(2) == 0) {
        Numbers numbers = counting(i * 100, count);
        if (model.size() == room_for) {
          REQUIRE(k.write(a, k.put(numbers), count) == Status::kShouldWait);
          continue;
        }
        uint64_t fits = std::min(count, room_for - model.size());
        REQUIRE(k.write(a, numbers) == fits);
        model.insert(model.end(), numbers.begin(), numbers.begin() + static_cast<ptrdiff_t>(fits));
      } else if (model.empty()) {
        REQUIRE(k.try_read(b, count) == Status::kShouldWait);
      } else {
        auto end = model.begin() + static_cast<ptrdiff_t>(std::min<uint64_t>(count, model.size()));
        REQUIRE(k.read(b, count) == Numbers(model.begin(), end));
        model.erase(model.begin(), end);
      }
    }
  }
}

TEST_CASE("a FIFO saved and loaded between any two steps goes on the same", "[zx_fifo_write][zx_fifo_read]") {
  auto story = [](bool reload) {
    Rig k;
    auto [a, b] = k.fifo(4, 8);
    auto step = [&] {
      if (reload) k.reload();
    };
    step();
    k.write(a, {1, 2, 3});
    step();
    REQUIRE(k.read(b, 2) == Numbers{1, 2});
    step();
    REQUIRE(k.write(a, {4, 5, 6, 7}) == 3);
    step();
    REQUIRE(k.signals(a) == Signals::kNone);
    REQUIRE(k.read(b, 3) == Numbers{3, 4, 5});
    k.close(a);
    step();
    REQUIRE(k.read(b, 3) == Numbers{6});
    REQUIRE(k.try_read(b, 3) == Status::kPeerClosed);
    return k.digest();
  };
  REQUIRE(story(true) == story(false));
}

}  // namespace
}  // namespace jacinth::kernel
