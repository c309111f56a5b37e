#include "kernel/task/turn.h"

#include <array>

#include "emu/state/archive.h"

namespace jacinth::kernel {
namespace {

constexpr std::array<int64_t, Turn::kPriorities> kWeights = [] {
  std::array<int64_t, Turn::kPriorities> weights = {};
  double weight = 65536;
  for (size_t priority = weights.size(); priority-- > 0; weight /= 1.225) {
    weights[priority] = static_cast<int64_t>(2 * weight + 1) / 2;
  }
  return weights;
}();
static_assert(kWeights[31] == 65536 && kWeights[16] == 3122 && kWeights[0] == 121);

}  // namespace

int64_t weight_of(uint8_t priority) { return kWeights[priority]; }

int64_t Turn::utilization() const {
  if (fair() || deadline.relative_deadline.ns <= 0) return 0;
  return static_cast<int64_t>(static_cast<__int128>(deadline.capacity.ns) * kWhole / deadline.relative_deadline.ns);
}

void Turn::state(Archive& ar) {
  ar(discipline, priority, base_priority, inherited, deadline.capacity, deadline.relative_deadline, deadline.period);
  ar(affinity, cpu, placed, yielded, start, finish, slice, whole_slice, remainder, expected, banked, generation);
  ar(since, runtime, ready_since, queue_time);
  bool good = priority < kPriorities && base_priority < kPriorities && discipline <= Discipline::kDeadline &&
              affinity != 0 && remainder > 0 && remainder <= kWhole;
  if (!good) {
    ar.fail("a way to be scheduled that no thread has");
    *this = {};
  }
}

}  // namespace jacinth::kernel
