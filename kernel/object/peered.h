// Objects that come in pairs: channels, sockets, fifos, event pairs.
//
//   PeeredObject <--> PeeredObject      each knows the other until one has no handle any more
//
// peered_dispatcher in Zircon's kernel/object/dispatcher.h settles the order at the end: the end that closes looks
// after itself, then the two let go of each other, then the other end hears of it. The peer's koid stays known.
#pragma once

#include "kernel/object/object.h"

namespace jacinth::kernel {

class PeeredObject : public Object {
 public:
  Koid related_koid() const final { return peer_koid_; }
  Status user_signal_peer(Signals clear, Signals set) final;
  bool peer_closed() const { return peer_ == nullptr; }
  void state(Archive& ar) override;

 protected:
  using Object::Object;
  ~PeeredObject() override;
  static void pair(PeeredObject& a, PeeredObject& b);
  /// Null once the peer has no handles.
  PeeredObject* peer_object() const { return peer_; }

  void on_zero_handles() final;
  /// This end's last handle went; the peer is still there.
  virtual void on_closing() {}
  /// The peer's last handle went.
  virtual void on_peer_closed() = 0;

 private:
  // Not a reference: whoever has handles lives.
  PeeredObject* peer_ = nullptr;
  Koid peer_koid_{};
};

}  // namespace jacinth::kernel
