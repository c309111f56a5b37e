#include "kernel/hw/interrupt.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {
namespace {

using abi::InterruptOptions;

/// An interrupt controller as programs meet it.
struct Controller {
  uint32_t vectors;                     // Numbers below this are inputs.
  uint32_t first_configurable;          // Those below have the mode that they have.
  bool active_low;                      // Whether an input can be.
  std::initializer_list<uint32_t> own;  // What the kernel handles itself.
};

/// GICv3 with 256 SPIs: interrupts between processors, the virtual timer, the UART
/// (zircon/kernel/dev/interrupt/arm_gic).
const Controller kGic = {.vectors = 288, .first_configurable = 32, .active_low = false, .own = {0, 1, 2, 3, 27, 33}};
/// An I/O APIC of 24 inputs: the UART (zircon/kernel/arch/x86/ioapic.cc).
const Controller kIoApic = {.vectors = 24, .first_configurable = 0, .active_low = true, .own = {4}};

}  // namespace

Interrupt::Interrupt(Core& core) : Object(core, kType) { ++core.counter("dispatcher.virtual_interrupt.create"); }

Interrupt::~Interrupt() {
  ++core().counter(vector_ ? "dispatcher.interrupt_event.destroy" : "dispatcher.virtual_interrupt.destroy");
}

Result<Ref<Interrupt>> Interrupt::create(Core& core, uint32_t vector, InterruptOptions options) {
  bool arm64 = core.platform().arch() == Arch::kArm64;
  const Controller& controller = arm64 ? kGic : kIoApic;
  if (!within(options, InterruptOptions::kRemapIrq | InterruptOptions::kModeMask)) return Status::kInvalidArgs;
  // The first input of old PCs is another one's here.
  if (contains(options, InterruptOptions::kRemapIrq) && !arm64 && vector == 0) vector = 2;
  if (vector >= controller.vectors) return Status::kInvalidArgs;
  InterruptOptions mode = options & InterruptOptions::kModeMask;
  if (mode > InterruptOptions::kModeLevelHigh) return Status::kInvalidArgs;
  if (mode != InterruptOptions::kModeDefault) {
    if (vector < controller.first_configurable) return Status::kInvalidArgs;
    bool low = mode == InterruptOptions::kModeEdgeLow || mode == InterruptOptions::kModeLevelLow;
    if (low && !controller.active_low) return Status::kNotSupported;
  }
  bool taken = std::ranges::find(controller.own, vector) != controller.own.end();
  core.objects().for_each([&](Object& object) {
    auto* other = object_cast<Interrupt>(&object);
    if (other != nullptr && other->vector_ == vector && other->state_ != State::kDestroyed) taken = true;
  });
  if (taken) return Status::kAlreadyBound;
  auto made = make_object<Interrupt>(core);
  made->vector_ = vector;
  --core.counter("dispatcher.virtual_interrupt.create");
  ++core.counter("dispatcher.interrupt_event.create");
  return made;
}

bool Interrupt::send(Time when) {
  timestamp_ = {};
  if (packet_.queued()) return false;
  packet_.packet.interrupt = {.timestamp = when};
  // A port that has no handle any more takes nothing, and nobody is there to miss it.
  static_cast<void>(port_->queue_interrupt(packet_));
  return true;
}

Status Interrupt::trigger(Time when) {
  if (vector_) return Status::kBadState;
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
  bool hardware = vector_.has_value();
  uint32_t vector = vector_.value_or(0);
  ar(state_, timestamp_, hardware, vector);
  if (hardware) vector_ = vector;
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
