// Calls that act, then tell how much they did: when the page for the answer has to come first, the second run tells
// what the first one did and does not act again.
#pragma once

#include <cstdint>
#include <utility>

#include "kernel/syscalls/call.h"

namespace jacinth::kernel {

enum class NullOut : bool { kSkipped, kRefused };

/// Runs `act`, which gives a number, and tells the guest the number, if it wants to know.
template <class Act>
Status act_and_tell(Call& call, UserOut<uint64_t> out, Act&& act, NullOut null = NullOut::kSkipped) {
  auto& scratch = call.state().scratch;
  uint64_t number = scratch.empty() ? TRY(std::forward<Act>(act)()) : scratch.front();
  Status status = null == NullOut::kSkipped ? out.write_unless_null(number) : out.write(number);
  if (status == Status::kParked) scratch = {number};
  return status;
}

}  // namespace jacinth::kernel
