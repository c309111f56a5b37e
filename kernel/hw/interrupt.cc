#include "kernel/hw/interrupt.h"

#include <utility>

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {

Interrupt::Interrupt(Core& core) : Object(core, kType) { ++core.counter("dispatcher.virtual_interrupt.create"); }

Interrupt::~Interrupt() { ++core().counter("dispatcher.virtual_interrupt.destroy"); }

bool Interrupt::send(Time when) {
  timestamp_ = {};
  if (packet_.queued()) return false;
  packet_.packet.interrupt = {.timestamp = when};
  // A port that has no handle any more takes nothing, and nobody is there to miss it.
  static_cast<void>(port_->queue_interrupt(packet_));
  return true;
}

Status Interrupt::trigger(Time when) {
  if (timestamp_ == Time{}) timestamp_ = when;
  if (state_ == State::kDestroyed) return Status::kCanceled;
  if (bound()) {
    if (state_ == State::kNeedsAck) return Status::kOk;  // Kept for the acknowledgement.
    send(when);
    state_ = State::kNeedsAck;
    return Status::kOk;
  }
  state_ = State::kTriggered;
  waiters_.wake_one();
  return Status::kOk;
}

Result<Time> Interrupt::take() {
  if (bound()) return Status::kBadState;
  if (state_ == State::kDestroyed) return Status::kCanceled;
  if (state_ == State::kTriggered) {
    state_ = State::kNeedsAck;
    return std::exchange(timestamp_, Time{});
  }
  if (!waiters_.empty()) return Status::kBadState;
  state_ = State::kIdle;
  return Status::kShouldWait;
}

Status Interrupt::bind(Ref<Port> port, uint64_t key) {
  if (state_ == State::kDestroyed) return Status::kCanceled;
  if (!waiters_.empty()) return Status::kBadState;
  if (bound()) return Status::kAlreadyBound;
  port_ = std::move(port);
  packet_.packet = {.key = key, .type = abi::PacketType::kInterrupt};
  // What fired before is delivered with the next trigger or acknowledgement, as on Zircon.
  return Status::kOk;
}

Status Interrupt::unbind(const Port& port) {
  if (port_.get() != &port) return Status::kNotFound;
  if (state_ == State::kDestroyed) return Status::kCanceled;
  packet_.withdraw();
  port_ = nullptr;
  return Status::kOk;
}

Status Interrupt::ack() {
  if (!bound()) return Status::kBadState;
  if (state_ == State::kDestroyed) return Status::kCanceled;
  if (state_ != State::kNeedsAck) return Status::kOk;
  if (timestamp_ == Time{}) {
    state_ = State::kIdle;
    return Status::kOk;
  }
  // It fired again before its packet was read: the acknowledgement came too early.
  return send(timestamp_) ? Status::kOk : Status::kBadState;
}

Status Interrupt::destroy() {
  bool unread = packet_.withdraw();
  bool unacknowledged = bound() && state_ == State::kNeedsAck && !unread;
  state_ = State::kDestroyed;
  waiters_.wake_all(Status::kCanceled);
  return unacknowledged ? Status::kNotFound : Status::kOk;
}

void Interrupt::on_zero_handles() { static_cast<void>(destroy()); }

void Interrupt::state(Archive& ar) {
  Object::state(ar);
  ar(state_, timestamp_);
  state_ref(ar, port_);
  packet_.state(ar);
  waiters_.state(ar);
  if (!ar.loading()) return;
  if (state_ > State::kDestroyed || (packet_.queued() && !bound())) {
    ar.fail("an interrupt in no state");
    packet_.withdraw();
  }
}

}  // namespace jacinth::kernel
