// Cuts a failing sequence of steps down to those that matter, and these to the simplest operands.
//
// `fails(steps)` runs a sequence and says at which step it went wrong, or nothing. Any list of steps must make sense.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace jacinth::test {

/// Leaves out whatever can be left out while the sequence still fails, in ever smaller pieces.
template <class Step, class Fails>
std::vector<Step> leave_out(std::vector<Step> steps, Fails&& fails) {
  for (size_t chunk = steps.size() / 2; chunk > 0; chunk /= 2) {
    for (size_t at = 0; at + chunk <= steps.size();) {
      std::vector<Step> fewer(steps);
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(at), fewer.begin() + static_cast<ptrdiff_t>(at + chunk));
      if (std::optional<size_t> failed = fails(fewer)) {
        fewer.resize(*failed + 1);
        steps = std::move(fewer);
      } else {
        at += chunk;
      }
    }
  }
  return steps;
}

/// The same for steps with `operands`, numbers of which smaller ones are simpler.
template <class Step, class Fails>
std::vector<Step> shrink(std::vector<Step> steps, Fails&& fails) {
  steps = leave_out(std::move(steps), fails);
  for (size_t at = 0; at < steps.size(); ++at) {
    for (size_t i = 0; i < steps[at].operands.size(); ++i) {
      for (auto simpler : {0, 1, 2, 3}) {
        auto value = static_cast<std::remove_reference_t<decltype(steps[at].operands[i])>>(simpler);
        if (value >= steps[at].operands[i]) break;
        std::vector<Step> tried(steps);
        tried[at].operands[i] = value;
        if (!fails(tried)) continue;
        steps = std::move(tried);
        break;
      }
    }
  }
  return steps;
}

}  // namespace jacinth::test
