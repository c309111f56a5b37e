// Interrupt objects: a source that fires, and one program that waits for it, by a call or through a port.
//
//   by itself:  idle --trigger--> triggered --wait--> needs ack --wait (which acknowledges)--> idle
//
//   bound to a  idle --trigger: queue the one packet--> needs ack --ack, nothing fired since--> idle
//   port:                                                   ^------ack, something did: queue it again
//
//   any --destroy, last handle closed--> destroyed
//
// The time of the first firing since the last delivery is kept, later ones change nothing. An interrupt has one packet,
// in the port's queue for interrupts, which is served first. zircon/kernel/object/interrupt_dispatcher.cc.
//
// A hardware interrupt stands for an input of the board's interrupt controller. No board has a device behind an input
// that a program may have, so none fires.
//
// Left out: what would follow if one did (the line masked until it is acknowledged), and interrupts that go to a
// virtual processor.
#pragma once

#include <cstdint>
#include <optional>

#include "emu/time/time.h"
#include "kernel/abi/interrupt.h"
#include "kernel/ipc/port.h"
#include "kernel/object/object.h"
#include "kernel/object/wait_queue.h"

namespace jacinth::kernel {

class Interrupt final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kInterrupt;
  enum class State : uint8_t { kIdle, kTriggered, kNeedsAck, kDestroyed };

  /// One that programs trigger themselves.
  explicit Interrupt(Core& core);
  /// zx_interrupt_create of a hardware interrupt, of which there is one at a time for each input: kInvalidArgs for an
  /// input that the controller lacks or modes that mean nothing, kNotSupported for one that it cannot do,
  /// kAlreadyBound for one that somebody has, maybe the kernel itself.
  static Result<Ref<Interrupt>> create(Core& core, uint32_t vector, abi::InterruptOptions options);

  State interrupt_state() const { return state_; }
  bool bound() const { return bool(port_); }

  /// zx_interrupt_trigger: fires at `when`, 0 or below counting as never. kBadState for a hardware interrupt, kCanceled
  /// once destroyed.
  Status trigger(Time when);

  /// zx_interrupt_wait: takes what fired. kShouldWait when nothing has: the caller parks in waiters() until it is woken
  /// with kOk, and asks again. kBadState when it is bound or another thread waits, kCanceled once destroyed.
  Result<Time> take();
  WaitQueue& waiters() { return waiters_; }

  /// zx_interrupt_bind. kCanceled once destroyed, kBadState while a thread waits, kAlreadyBound the second time.
  Status bind(Ref<Port> port, uint64_t key);
  /// The other direction: kNotFound unless it is bound to this port. A packet that waits there is gone.
  Status unbind(const Port& port);
  /// zx_interrupt_ack. kBadState when it is not bound.
  Status ack();
  /// zx_interrupt_destroy. kNotFound when its packet was read and never acknowledged; it is destroyed all the same.
  Status destroy();

  void state(Archive& ar) override;

 private:
  ~Interrupt() override;
  void on_zero_handles() override;
  /// False when the packet still stands in the queue.
  bool send(Time when);

  State state_ = State::kIdle;
  std::optional<uint32_t> vector_;  // Of a hardware interrupt.
  Time timestamp_;                  // 0: nothing has fired.
  Ref<Port> port_;
  PortSource packet_;
  WaitQueue waiters_;
};

}  // namespace jacinth::kernel
