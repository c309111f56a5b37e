// Chance for tests: small, seeded, the same on every host (splitmix64, Steele, Lea and Flood 2014).
//
// A test that draws from it prints the seed when it fails; JACINTH_TEST_SEED=<number> runs it with that seed alone.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace jacinth::test {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// Less than `bound`.
  uint64_t below(uint64_t bound) { return next() % bound; }
  bool one_in(uint64_t n) { return below(n) == 0; }

 private:
  uint64_t state_;
};

/// The seeds to try: 1 to `count`, or the one that the environment asks for.
inline std::vector<uint64_t> seeds(uint64_t count) {
  if (const char* wanted = std::getenv("JACINTH_TEST_SEED")) return {std::strtoull(wanted, nullptr, 0)};
  std::vector<uint64_t> all;
  for (uint64_t seed = 1; seed <= count; ++seed) all.push_back(seed);
  return all;
}

}  // namespace jacinth::test
