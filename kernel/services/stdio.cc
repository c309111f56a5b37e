#include "kernel/services/stdio.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "emu/state/archive.h"
#include "kernel/services/services.h"

namespace jacinth::kernel {
namespace {

/// Bytes of ours in place of a program's memory: addresses count from their first.
class Buffer final : public UserMemory {
 public:
  explicit Buffer(std::span<std::byte> bytes) : bytes_(bytes) {}
  Status read(GuestAddr from, std::span<std::byte> to) override {
    std::memcpy(to.data(), bytes_.data() + from.value, to.size());
    return Status::kOk;
  }
  Status write(GuestAddr to, std::span<const std::byte> from) override {
    std::memcpy(bytes_.data() + to.value, from.data(), from.size());
    return Status::kOk;
  }
  Status prepare(GuestAddr, uint64_t, AccessKind) override { return Status::kOk; }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace

SocketEndpoint::SocketEndpoint(Services& services, Kind kind, Ref<Socket> socket)
    : Endpoint(services, kind), socket_(std::move(socket)) {
  watch(*socket_);
}

void SocketEndpoint::state(Archive& ar) {
  Endpoint::state(ar);
  socket_.state(ar);
  if (ar.loading() && !socket_) ar.fail("a stream without its socket");
}

void SocketEndpoint::let_go() {
  Endpoint::let_go();
  socket_.reset();
}

bool OutputEndpoint::attend() {
  for (;;) {
    std::array<std::byte, 4096> bytes;
    Buffer buffer(bytes);
    Result<uint64_t> got = socket()->read(Socket::ReadType::kConsume, buffer, GuestAddr(0), bytes.size());
    if (!got) return got.status() == Status::kShouldWait || !socket()->peer_closed();
    services().host().output(descriptor_, {reinterpret_cast<const char*>(bytes.data()), *got});
  }
}

void OutputEndpoint::state(Archive& ar) {
  SocketEndpoint::state(ar);
  ar(descriptor_);
}

bool InputEndpoint::fill() {
  for (;;) {
    std::string_view piece = services().host().input(piece_);
    if (piece.empty()) return false;
    while (at_ < piece.size()) {
      std::vector<std::byte> rest(piece.size() - at_);
      std::memcpy(rest.data(), piece.data() + at_, rest.size());
      Buffer buffer(rest);
      Result<uint64_t> put = socket()->write(buffer, GuestAddr(0), rest.size());
      if (!put) return true;
      at_ += *put;
    }
    ++piece_;
    at_ = 0;
    // What has to be waited for comes piece by piece.
    if (!services().host().has_input_ready()) return true;
  }
}

bool InputEndpoint::attend() {
  // The end of input is the end of the stream: what is in the socket can still be read.
  if (socket()->peer_closed() || over_) return false;
  if ((services().host().has_input_ready() || at_ != 0) && !fill()) return false;
  bool waits = !services().host().has_input_ready() && at_ == 0;
  services().set_hungry(waits ? number() : 0);
  return true;
}

void InputEndpoint::feed_if_wanted() {
  Object* theirs = services().core().objects().find(socket()->related_koid());
  if (theirs == nullptr || theirs->observers().empty()) return;
  if (contains(theirs->signals(), Signals::kSocketReadable)) return;
  over_ = !fill();
  services().set_hungry(over_ || at_ != 0 ? 0 : number());
  if (over_) services().ready(*this);
}

void InputEndpoint::state(Archive& ar) {
  SocketEndpoint::state(ar);
  ar(piece_, at_, over_);
}

}  // namespace jacinth::kernel
