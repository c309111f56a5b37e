// The one place that the scheduler's decisions are drawn from where more than one would be right.
//
// Without anybody to answer, the answer is the usual one: what the real kernel does. Whoever explores schedules answers
// otherwise, and whoever records them notes the answers. A run is a function of its inputs and of these answers.
#pragma once

#include <cstdint>

namespace jacinth::kernel {

class ScheduleChoices {
 public:
  enum class Question : uint8_t {
    kCpu,      ///< Which of the CPUs that it may run on a thread goes to, in the order of the search.
    kNext,     ///< Which of the threads that are ready on a CPU runs next, in the order of the queue.
    kPreempt,  ///< Whether a fair thread that became ready takes the CPU from who runs: 0 no (the usual), 1 yes.
  };

  virtual ~ScheduleChoices() = default;
  /// One of 0 .. answers - 1; there are two at least.
  virtual uint32_t choose(Question question, uint32_t answers, uint32_t usual) = 0;
};

}  // namespace jacinth::kernel
