// What stands in a port's queue: a packet, and where it lives.
//
// Signal packets live in their observers, packets of interrupts, pagers and guests in those: queueing one cannot fail,
// and each stands in the queue at most once. Packets made by programs live in the port, which counts them.
#pragma once

#include <cstdint>

#include "kernel/abi/names.h"
#include "kernel/abi/port_packet.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Port;

/// A packet that can stand in the queue of one port at a time.
class PortEntry {
 public:
  PortEntry() = default;
  PortEntry(const PortEntry&) = delete;
  PortEntry& operator=(const PortEntry&) = delete;
  virtual ~PortEntry() { withdraw(); }

  abi::PortPacket packet = {};

  bool queued() const { return port_ != nullptr; }
  /// Takes it out of its queue. True when it stood in one.
  bool withdraw();

 protected:
  friend class Port;
  friend class PortQueue;
  /// It was read, or the port lost its last handle with it; it is in no queue any more and may destroy itself.
  virtual void on_dequeued() {}

  Port* port_ = nullptr;
  uint64_t ticket_ = 0;  // Its place in the queue.
  bool urgent_ = false;  // In the queue for interrupts.

 private:
  PortEntry* previous_ = nullptr;
  PortEntry* next_ = nullptr;
};

/// A packet that lives in an interrupt, a pager's VMO, a guest: its owner saves it, place in the queue included.
class PortSource : public PortEntry {
 public:
  void state(Archive& ar);
};

/// Entries in the order of their tickets.
class PortQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  PortEntry* front() const { return first_; }
  template <class F>
  void for_each(F&& visit) const {
    for (PortEntry* at = first_; at != nullptr; at = at->next_) visit(*at);
  }
  void push_back(PortEntry& entry);
  void remove(PortEntry& entry);
  /// After loading, when entries came back in any order.
  void sort();

 private:
  PortEntry* first_ = nullptr;
  PortEntry* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace jacinth::kernel
