// Event pairs: two events that know of each other's end (zircon/kernel/object/event_pair_dispatcher.cc).
#pragma once

#include <utility>

#include "kernel/object/peered.h"

namespace jacinth::kernel {

class EventPair final : public PeeredObject {
 public:
  static constexpr ObjectType kType = ObjectType::kEventpair;
  static std::pair<Ref<EventPair>, Ref<EventPair>> create(Core& core);
  /// One end without the other: for loading.
  explicit EventPair(Core& core);

 private:
  ~EventPair() override;
  void on_peer_closed() override { update_signals(Signals::kNone, Signals::kEventpairPeerClosed); }
};

}  // namespace jacinth::kernel
