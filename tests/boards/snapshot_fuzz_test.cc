// What a snapshot's file says of a machine, damaged: a system takes it or refuses it, and nothing worse happens.
//
// The checksums of the file are not in the way here. Each mutation is one that an attacker could have given a right
// checksum.
#include <algorithm>
#include <cstring>

#include "boards/system.h"
#include "tests/support/guest_run.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::boards {
namespace {

using test::Random;

/// A state from the middle of a program's run.
struct Sample {
  Arch arch = Arch::kArm64;
  std::string name;
  std::vector<std::byte> bytes;
};

SystemOptions options() { return {.cpus = 2, .ram = uint64_t{16} << 20, .seed = 1}; }

std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (const char* name :
         {"channels", "processes", "ports", "pager", "jobs", "waits", "exceptions", "streams", "linked"}) {
      bool linked = std::string_view(name) == "linked";
      GuestRun straight({.arch = arch, .name = name, .linked = linked, .ram = options().ram});
      straight.run();
      uint64_t length = straight.system().machine().executed_bytes();
      GuestRun run({.arch = arch, .name = name, .linked = linked, .ram = options().ram});
      for (uint64_t part : {3, 6}) {
        run.run({.code_bytes = length * part / 7});
        Writer writer;
        run.system().state(writer);
        all.push_back({arch, name, writer.take()});
      }
    }
  }
  return all;
}

/// One of the ways in which a byte, a number or a list can be another one.
void mutate(std::vector<std::byte>& bytes, Random& random, size_t at) {
  switch (random.below(6)) {
    case 0: bytes[at] ^= std::byte(1u << random.below(8)); break;
    case 1: bytes[at] = std::byte(random.next()); break;
    case 2: {  // A small number, or one with a single bit.
      uint64_t value = random.one_in(2) ? random.below(4) : uint64_t{1} << random.below(64);
      std::memcpy(bytes.data() + at, &value, std::min<size_t>(sizeof value, bytes.size() - at));
      break;
    }
    case 3: {  // Any number, or all ones.
      uint64_t value = random.one_in(2) ? ~uint64_t{0} >> random.below(64) : random.next();
      std::memcpy(bytes.data() + at, &value, std::min<size_t>(sizeof value, bytes.size() - at));
      break;
    }
    case 4: {  // What stands somewhere near: another koid, another address.
      size_t from = std::min(bytes.size() - 1, at + 8 * (1 + random.below(64)));
      size_t size = std::min<size_t>({8, bytes.size() - at, bytes.size() - from});
      std::memmove(bytes.data() + at, bytes.data() + from, size);
      break;
    }
    case 5: {  // Something is missing.
      size_t size = std::min<size_t>(1 + random.below(16), bytes.size() - at);
      bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at), bytes.begin() + static_cast<ptrdiff_t>(at + size));
      break;
    }
  }
}

TEST_CASE("snapshot: a state with any damage is refused, or is a state", "[snapshot]") {
  std::vector<Sample> all = samples();
  size_t refused = 0;
  size_t taken = 0;
  for (uint64_t seed : test::seeds(10'000)) {
    INFO("JACINTH_TEST_SEED=" << seed);
    Random random(seed);
    const Sample& sample = all[random.below(all.size())];
    std::vector<std::byte> bytes = sample.bytes;
    for (uint64_t n = 1 + random.below(2); n > 0 && !bytes.empty(); --n) {
      // Pages of RAM are most of it, and the least of it: what stands before and behind them is tried more often.
      size_t kernel = std::min<size_t>(bytes.size() / 4, 60'000);
      size_t at = random.one_in(8)   ? random.below(bytes.size())
                  : random.one_in(8) ? random.below(std::min<size_t>(2000, bytes.size()))
                                     : bytes.size() - 1 - random.below(kernel);
      mutate(bytes, random, at);
    }
    System system(default_board(sample.arch), options());
    Reader reader(bytes);
    system.state(reader);
    if (!reader.ok() || !reader.at_end()) {
      ++refused;
      continue;
    }
    // What was loaded can be looked at, saved again and ended.
    Writer writer;
    system.state(writer);
    REQUIRE(system.digest().text().size() == 32);
    ++taken;
  }
  // One seed has one outcome; of all, most are refused, and what happened in a page of RAM is none of our business.
  if (refused + taken > 1) REQUIRE((refused > taken / 4 && taken > 0));
}

}  // namespace
}  // namespace jacinth::boards
