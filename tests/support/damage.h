// What happens to files: flipped bits, a lost end, pieces in the wrong place, numbers that nobody wrote.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/support/random.h"

namespace jacinth::test {

/// Damages `file`, which is not empty, at one to four places.
inline void damage(std::vector<std::byte>& file, Random& random) {
  for (uint64_t n = 1 + random.below(4); n > 0; --n) {
    switch (random.below(4)) {
      case 0: file[random.below(file.size())] ^= std::byte(1u << random.below(8)); break;
      case 1: file.resize(1 + random.below(file.size())); break;
      case 2: {  // A piece of it elsewhere.
        size_t from = random.below(file.size()), to = random.below(file.size());
        size_t size = std::min({random.below(200) + 1, file.size() - from, file.size() - to});
        std::memmove(file.data() + to, file.data() + from, size);
        break;
      }
      case 3: {  // A number where there may be a size.
        uint64_t value = random.one_in(2) ? ~uint64_t{0} >> random.below(64) : random.next();
        size_t at = random.below(file.size());
        std::memcpy(file.data() + at, &value, std::min<size_t>(sizeof value, file.size() - at));
        break;
      }
    }
  }
}

}  // namespace jacinth::test
