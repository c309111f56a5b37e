#include "kernel/time/timer.h"

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {

Timer::Timer(Core& core, abi::TimerSlack mode) : Object(core, kType), mode_(mode) {}

Timer::~Timer() { disarm(); }

void Timer::set(Time deadline, Duration slack) {
  cancel();
  if (deadline == Time{0} || deadline <= core().now()) {
    update_signals(Signals::kNone, Signals::kTimerSignaled);
    return;
  }
  deadline_ = deadline;
  slack_ = slack;
  Duration early = mode_ == abi::TimerSlack::kLate ? Duration{} : slack;
  Duration late = mode_ == abi::TimerSlack::kEarly ? Duration{} : slack;
  armed_ = core().arm(deadline, early, late, *this);
}

void Timer::cancel() {
  disarm();
  update_signals(Signals::kTimerSignaled, Signals::kNone);
}

void Timer::disarm() {
  core().cancel(armed_);
  armed_ = 0;
  deadline_ = {};
  slack_ = {};
}

void Timer::on_deadline() {
  disarm();
  update_signals(Signals::kNone, Signals::kTimerSignaled);
}

abi::InfoTimer Timer::info() const {
  return {.options = static_cast<uint32_t>(mode_), .deadline = deadline_, .slack = slack_};
}

void Timer::state(Archive& ar) {
  Object::state(ar);
  ar(mode_, deadline_, slack_, armed_);
}

}  // namespace jacinth::kernel
