#include "kernel/ipc/port_packet.h"

#include <algorithm>
#include <vector>

#include "emu/state/archive.h"
#include "kernel/ipc/port.h"
#include "kernel/object/object_table.h"

namespace jacinth::kernel {

bool PortEntry::withdraw() {
  if (port_ == nullptr) return false;
  port_->withdraw(*this);
  return true;
}

void PortSource::state(Archive& ar) {
  ar.bytes(&packet, sizeof packet);
  Port* port = port_;
  state_link(ar, port);
  ar(ticket_, urgent_);
  if (ar.loading() && port != nullptr) port->restore(*this);
}

void PortQueue::push_back(PortEntry& entry) {
  entry.previous_ = last_;
  entry.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &entry;
  last_ = &entry;
  ++size_;
}

void PortQueue::remove(PortEntry& entry) {
  (entry.previous_ != nullptr ? entry.previous_->next_ : first_) = entry.next_;
  (entry.next_ != nullptr ? entry.next_->previous_ : last_) = entry.previous_;
  entry.previous_ = entry.next_ = nullptr;
  --size_;
}

void PortQueue::sort() {
  if (size_ < 2) return;
  std::vector<PortEntry*> entries;
  entries.reserve(size_);
  for (PortEntry* at = first_; at != nullptr; at = at->next_) entries.push_back(at);
  std::stable_sort(entries.begin(), entries.end(), [](auto* a, auto* b) { return a->ticket_ < b->ticket_; });
  first_ = last_ = nullptr;
  size_ = 0;
  for (PortEntry* entry : entries) push_back(*entry);
}

}  // namespace jacinth::kernel
