// One zx_object_wait_async: watches an object until the signals match, then stands in the port's queue as a packet.
//
//   waiting (linked to the object) --match--> queued (in the port) --read--> gone
//                '--handle closed, cancel, port's last handle closed--> gone
//
// The port owns it in all its states. Facts: PortObserver in zircon/kernel/object/port_dispatcher.cc.
#pragma once

#include "kernel/abi/wait.h"
#include "kernel/ipc/port_packet.h"
#include "kernel/object/observer.h"

namespace jacinth::kernel {

/// What zx_port_cancel names, and a number that tells equal ones apart.
struct PortObserverKey {
  uint64_t handle_id = 0;
  uint64_t key = 0;
  uint64_t number = 0;
  auto operator<=>(const PortObserverKey&) const = default;
};

class PortObserver final : public Observer, public PortEntry {
 public:
  PortObserver(Port& port, const PortObserverKey& key, Signals trigger, abi::WaitAsyncOptions options);
  ~PortObserver() override;

  Port& port() const { return owner_; }
  Signals trigger() const { return packet.signal.trigger; }

  /// Begins to watch, or matches at once.
  void watch(Object& object);

  void on_signals(Signals signals, Signals rose) override;
  void on_handle_closed() override;
  void state(Archive& ar);

 private:
  friend class Port;
  void on_dequeued() override;
  void match(Signals observed);
  void stop();

  Port& owner_;
  PortObserverKey key_;
  abi::WaitAsyncOptions options_;
};

}  // namespace jacinth::kernel
