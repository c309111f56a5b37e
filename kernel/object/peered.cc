#include "kernel/object/peered.h"

#include <utility>

#include "emu/state/archive.h"
#include "kernel/object/object_table.h"

namespace jacinth::kernel {

PeeredObject::~PeeredObject() {
  if (peer_ != nullptr) peer_->peer_ = nullptr;
}

void PeeredObject::pair(PeeredObject& a, PeeredObject& b) {
  a.peer_ = &b;
  b.peer_ = &a;
  a.peer_koid_ = b.koid();
  b.peer_koid_ = a.koid();
}

Status PeeredObject::user_signal_peer(Signals clear, Signals set) {
  if (!within(clear | set, abi::user_settable(type()))) return Status::kInvalidArgs;
  if (peer_ == nullptr) return Status::kPeerClosed;
  peer_->update_signals(clear, set);
  return Status::kOk;
}

void PeeredObject::on_zero_handles() {
  on_closing();
  PeeredObject* peer = std::exchange(peer_, nullptr);
  if (peer == nullptr) return;
  peer->peer_ = nullptr;
  peer->on_peer_closed();
}

void PeeredObject::state(Archive& ar) {
  Object::state(ar);
  ar(peer_koid_);
  bool has_peer = peer_ != nullptr;
  ar(has_peer);
  if (!ar.loading() || !has_peer) return;
  Object* peer = find_object(ar, abi::raw(peer_koid_));
  if (peer == nullptr || peer->type() != type() || peer == this) {
    ar.fail("an object whose peer is none");
    return;
  }
  peer_ = static_cast<PeeredObject*>(peer);
  // Two that do not agree would not let go of each other.
  if (peer_->peer_ != nullptr && peer_->peer_ != this) {
    peer_ = nullptr;
    ar.fail("an object whose peer is another's");
  }
}

}  // namespace jacinth::kernel
