// What moves through objects, told to whoever follows it from one thread to another: packets and messages. And what
// happens to objects at every turn, which only a debugger wants to hear.
//
// Like every observer these look and never act. A packet is told by the port's ticket for it, a message by its place:
// what came first into an end is read first there.
#pragma once

#include <cstdint>

#include "kernel/abi/names.h"
#include "kernel/abi/port_packet.h"

namespace jacinth::kernel {

class TrafficWatcher {
 public:
  virtual ~TrafficWatcher() = default;

  virtual void packet_queued(Koid /*port*/, uint64_t /*ticket*/, const abi::PortPacket&) {}
  /// A thread gets it. One that is withdrawn is not told of.
  virtual void packet_taken(Koid /*port*/, uint64_t /*ticket*/, const abi::PortPacket&) {}
  /// A message came into an end, where it is the last.
  virtual void message_queued(Koid /*end*/, uint32_t /*size*/) {}
  /// The first one there was taken out.
  virtual void message_taken(Koid /*end*/) {}
  /// A message went past the queue to the thread that waits for it in zx_channel_call.
  virtual void reply_delivered(Koid /*thread*/, uint32_t /*size*/) {}
};

/// Signals and handles change in the kernel's hottest places: there is one watcher at most, and a null pointer else.
class ObjectWatcher {
 public:
  virtual ~ObjectWatcher() = default;
  /// A handle ended; `left` others name the object.
  virtual void handle_closed(Koid object, uint32_t left) = 0;
  /// These were not asserted before, or only for a moment (a strobe).
  virtual void signalled(Koid object, Signals asserted) = 0;
  /// A page of a VMO got memory of its own. `pages` numbers the container, as kernel/vm/pages_id.h does.
  virtual void page_committed(uint64_t pages, uint64_t page) = 0;
};

}  // namespace jacinth::kernel
