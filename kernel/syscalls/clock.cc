// Clock objects. zircon/kernel/lib/syscalls/clock.cc.
#include "kernel/time/clock.h"

#include <array>

#include "kernel/syscalls/families.h"

namespace jacinth::kernel {
namespace {

using abi::ClockUpdateOptions;

constexpr auto kVersionBits = abi::kClockArgsVersionMask;

Status clock_create(Call& call, uint64_t options, UserIn<abi::ClockCreateArgsV1> user_args, UserOut<Handle> out) {
  abi::ClockCreateArgsV1 args;
  switch (abi::clock_args_version(options)) {
    case 0:
      if (!user_args.null()) return Status::kInvalidArgs;
      break;
    case 1: args = TRY(user_args.read()); break;
    default: return Status::kInvalidArgs;
  }
  Ref<Clock> clock =
      TRY(Clock::create(call.core(), static_cast<abi::ClockOptions>(options & ~kVersionBits), args.backstop_time));
  return call.give(out, std::move(clock), abi::default_rights(ObjectType::kClock));
}

Status clock_read(Call& call, Handle handle, UserOut<int64_t> now) {
  Ref<Clock> clock = TRY(call.get<Clock>(handle, Rights::kRead));
  return now.write(clock->read());
}

Status clock_get_details(Call& call, Handle handle, abi::ClockDetailsOptions options,
                         UserOut<abi::ClockDetailsV1> details) {
  if (options != abi::ClockDetailsOptions::kArgsVersion1 || details.null()) return Status::kInvalidArgs;
  Ref<Clock> clock = TRY(call.get<Clock>(handle, Rights::kRead));
  return details.write(clock->details());
}

Status clock_update(Call& call, Handle handle, uint64_t options, UserBytesIn user_args) {
  if (user_args.null()) return Status::kInvalidArgs;
  Clock::Update update{.options = static_cast<ClockUpdateOptions>(options & ~kVersionBits)};
  uint64_t version = abi::clock_args_version(options);
  if (version == 1) {
    abi::ClockUpdateArgsV1 args;
    TRY_STATUS(user_args.read(std::as_writable_bytes(std::span(&args, 1))));
    update.rate_adjust = args.rate_adjust;
    update.synthetic_value = args.value;
    update.error_bound = args.error_bound;
  } else if (version == 2) {
    abi::ClockUpdateArgsV2 args;
    TRY_STATUS(user_args.read(std::as_writable_bytes(std::span(&args, 1))));
    update.rate_adjust = args.rate_adjust;
    update.synthetic_value = args.synthetic_value;
    update.reference_value = args.reference_value;
    update.error_bound = args.error_bound;
  } else {
    return Status::kInvalidArgs;
  }
  constexpr auto kAll = ClockUpdateOptions::kSyntheticValueValid | ClockUpdateOptions::kRateAdjustValid |
                        ClockUpdateOptions::kErrorBoundValid | ClockUpdateOptions::kReferenceValueValid;
  if (update.options == ClockUpdateOptions::kNone || !within(update.options, kAll)) return Status::kInvalidArgs;
  bool adjusts = contains(update.options, ClockUpdateOptions::kRateAdjustValid);
  if (adjusts && (update.rate_adjust < abi::kClockMinRateAdjust || update.rate_adjust > abi::kClockMaxRateAdjust))
    return Status::kInvalidArgs;
  Ref<Clock> clock = TRY(call.get<Clock>(handle, Rights::kWrite));
  return clock->update(update, static_cast<unsigned>(version));
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_clock_create", bind<clock_create>, Support::kFull, "All options; with a backstop time or without."},
    {"zx_clock_get_details", bind<clock_get_details>, Support::kFull,
     "Ticks are nanoseconds, so that both transformations agree."},
    {"zx_clock_read", bind<clock_read>, Support::kFull, "Derived from virtual time."},
    {"zx_clock_update", bind<clock_update>, Support::kFull, "Arguments of both versions."},
});

}  // namespace

std::span<const Row> clock_rows() { return kRows; }

}  // namespace jacinth::kernel
