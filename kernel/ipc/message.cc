#include "kernel/ipc/message.h"

#include <cstring>

#include "emu/base/check.h"
#include "emu/state/archive.h"

namespace jacinth::kernel {

Message::Message(uint32_t size) : size_(size) {
  // Not cleared: the sender's bytes come next.
  if (size > 0) bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);
}

uint32_t Message::txid() const {
  uint32_t txid = 0;
  if (size_ >= sizeof txid) std::memcpy(&txid, bytes_.get(), sizeof txid);
  return txid;
}

void Message::set_txid(uint32_t txid) {
  CHECK(size_ >= sizeof txid);
  std::memcpy(bytes_.get(), &txid, sizeof txid);
}

void Message::state(Archive& ar) {
  size_t size = ar.count(size_);
  if (size > abi::kChannelMaxMsgBytes) {
    ar.fail("a message that is too long");
    return;
  }
  if (ar.loading()) *this = Message(static_cast<uint32_t>(size));
  ar.bytes(bytes_.get(), size_);
  handles.resize(ar.count(handles.size(), sizeof(uint32_t)));
  for (HandleOwner& handle : handles) handle.state(ar);
}

}  // namespace jacinth::kernel
