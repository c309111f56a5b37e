#include "kernel/time/clock.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {
namespace {

using abi::ClockOptions;
using abi::ClockUpdateOptions;

constexpr uint32_t kMillion = 1'000'000;

int64_t clamp(__int128 value) {
  constexpr __int128 kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp(value, kLeast, kMost));
}

}  // namespace

Result<Ref<Clock>> Clock::create(Core& core, ClockOptions options, Time backstop) {
  if (!within(options, ClockOptions::kMonotonic | ClockOptions::kContinuous | ClockOptions::kAutoStart))
    return Status::kInvalidArgs;
  if (contains(options, ClockOptions::kContinuous) && !contains(options, ClockOptions::kMonotonic))
    return Status::kInvalidArgs;
  bool starts = contains(options, ClockOptions::kAutoStart);
  if (backstop.ns < 0 || (starts && backstop > core.now())) return Status::kInvalidArgs;

  auto clock = make_object<Clock>(core);
  clock->options_ = options;
  clock->backstop_ = backstop;
  clock->line_ = {
      .reference_offset = 0, .synthetic_offset = backstop.ns, .rate = {.synthetic_ticks = 0, .reference_ticks = 1}};
  if (starts) {
    clock->line_ = {.reference_offset = 0, .synthetic_offset = 0, .rate = {.synthetic_ticks = 1, .reference_ticks = 1}};
    clock->update_signals(Signals::kNone, Signals::kClockStarted);
  }
  return clock;
}

int64_t Clock::apply(const abi::ClockTransformation& line, int64_t reference) {
  __int128 distance = clamp(static_cast<__int128>(reference) - line.reference_offset);
  __int128 product = distance * line.rate.synthetic_ticks;
  __int128 scaled = product / line.rate.reference_ticks;
  if (product % line.rate.reference_ticks < 0) --scaled;  // Down, not towards zero.
  return clamp(static_cast<__int128>(line.synthetic_offset) + clamp(scaled));
}

int64_t Clock::read() const { return apply(line_, core().now().ns); }

Status Clock::update(const Update& update, unsigned version) {
  bool set = contains(update.options, ClockUpdateOptions::kSyntheticValueValid);
  bool adjust = contains(update.options, ClockUpdateOptions::kRateAdjustValid);
  bool reference_given = contains(update.options, ClockUpdateOptions::kReferenceValueValid);
  bool monotonic = has(ClockOptions::kMonotonic);
  if (reference_given && (version == 1 || (!set && !adjust))) return Status::kInvalidArgs;
  if (!set && !started()) return Status::kBadState;
  if (set && has(ClockOptions::kContinuous) && started()) return Status::kInvalidArgs;
  if (version > 1 && started() && monotonic) {
    // A jump says when it happens, and a change of rate begins now.
    if (set && !reference_given) return Status::kInvalidArgs;
    if ((set || reference_given) && adjust) return Status::kInvalidArgs;
  }

  int64_t now = core().now().ns;
  abi::ClockTransformation line = line_;
  bool same = !set && (!adjust || (!reference_given && update.rate_adjust == rate_adjust_));
  if (!same) {
    line.reference_offset = reference_given ? update.reference_value : now;
    line.synthetic_offset = set ? update.synthetic_value : apply(line_, line.reference_offset);
    if (adjust) {
      line.rate = {.synthetic_ticks = static_cast<uint32_t>(static_cast<int32_t>(kMillion) + update.rate_adjust),
                   .reference_ticks = kMillion};
    } else if (!started()) {
      line.rate = {.synthetic_ticks = 1, .reference_ticks = 1};
    }
    int64_t after = apply(line, now);
    if (monotonic && after < apply(line_, now)) return Status::kInvalidArgs;
    if (after < backstop_.ns) return Status::kInvalidArgs;
  }

  bool starts = !started();
  line_ = line;
  generation_ += 2;  // Odd while an update is going on, which nobody can see here.
  if (set) value_updated_ = now;
  if (adjust || starts) {
    rate_updated_ = now;
    rate_adjust_ = adjust ? update.rate_adjust : 0;
  }
  if (contains(update.options, ClockUpdateOptions::kErrorBoundValid)) {
    error_updated_ = now;
    error_bound_ = update.error_bound;
  }
  update_signals(Signals::kNone, Signals::kClockStarted);
  return Status::kOk;
}

abi::ClockDetailsV1 Clock::details() const {
  abi::ClockTransformation from_ticks = line_;
  uint32_t common = std::gcd(line_.rate.synthetic_ticks, line_.rate.reference_ticks);
  from_ticks.rate.synthetic_ticks /= common;
  from_ticks.rate.reference_ticks /= common;
  return {.options = static_cast<uint64_t>(options_),
          .backstop_time = backstop_,
          .ticks_to_synthetic = from_ticks,
          .mono_to_synthetic = line_,
          .error_bound = error_bound_,
          .query_ticks = core().now().ns,
          .last_value_update_ticks = value_updated_,
          .last_rate_adjust_update_ticks = rate_updated_,
          .last_error_bounds_update_ticks = error_updated_,
          .generation_counter = generation_};
}

void Clock::state(Archive& ar) {
  Object::state(ar);
  ar(options_, backstop_, line_, error_bound_, rate_adjust_, generation_, value_updated_, rate_updated_,
     error_updated_);
  if (ar.loading() && line_.rate.reference_ticks == 0) {
    line_.rate.reference_ticks = 1;
    ar.fail("a clock with an impossible rate");
  }
}

}  // namespace jacinth::kernel
