// What moves through objects, told to whoever follows it from one thread to another: packets and messages.
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

}  // namespace jacinth::kernel
