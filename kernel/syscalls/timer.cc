// Timers. zircon/kernel/lib/syscalls/timer.cc.
#include "kernel/time/timer.h"

#include <algorithm>
#include <array>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/info.h"

namespace jacinth::kernel {
namespace {

Status timer_create(Call& call, abi::TimerSlack mode, abi::ClockId clock, UserOut<Handle> out) {
  if (clock != abi::ClockId::kMonotonic) return Status::kInvalidArgs;
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewTimer));
  if (mode > abi::TimerSlack::kLate) return Status::kInvalidArgs;
  return call.give(out, make_object<Timer>(call.core(), mode), abi::default_rights(ObjectType::kTimer));
}

Status timer_set(Call& call, Handle handle, Time deadline, Duration slack) {
  if (slack < Duration{}) return Status::kOutOfRange;
  Ref<Timer> timer = TRY(call.get<Timer>(handle, Rights::kWrite));
  timer->set(deadline, std::max(slack, call.process().policy().min_slack()));
  return Status::kOk;
}

Status timer_cancel(Call& call, Handle handle) {
  Ref<Timer> timer = TRY(call.get<Timer>(handle, Rights::kWrite));
  timer->cancel();
  return Status::kOk;
}

Status timer_info(InfoRequest& request) {
  Ref<Timer> timer = TRY(request.get<Timer>(Rights::kInspect));
  return request.one(timer->info());
}

constexpr auto kInfos = std::to_array<InfoRow>({{abi::InfoTopic::kTimer, timer_info}});

constexpr auto kRows = std::to_array<Row>({
    {"zx_timer_cancel", bind<timer_cancel>, Support::kFull, "Also takes back the signal."},
    {"zx_timer_create", bind<timer_create>, Support::kFull, "Only ZX_CLOCK_MONOTONIC, with all slack modes."},
    {"zx_timer_set", bind<timer_set>, Support::kFull,
     "With slack, the timer joins the nearest deadline of the kernel's within its window."},
});

}  // namespace

std::span<const InfoRow> timer_infos() { return kInfos; }

std::span<const Row> timer_rows() { return kRows; }

}  // namespace jacinth::kernel
