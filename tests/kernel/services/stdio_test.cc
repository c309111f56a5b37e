// Standard streams: every byte comes through, in order, and input is asked for only when somebody wants it.
#include "kernel/object/wait_observer.h"
#include "tests/kernel/services/service_rig.h"

namespace jacinth::kernel {
namespace {

class Bytes final : public UserMemory {
 public:
  explicit Bytes(std::string text) : text_(std::move(text)) {}
  Status read(GuestAddr from, std::span<std::byte> to) override {
    std::memcpy(to.data(), text_.data() + from.value, to.size());
    return Status::kOk;
  }
  Status write(GuestAddr to, std::span<const std::byte> from) override {
    std::memcpy(text_.data() + to.value, from.data(), from.size());
    return Status::kOk;
  }
  Status prepare(GuestAddr, uint64_t, AccessKind) override { return Status::kOk; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Somebody who waits for an object.
class Waiting final : public Observer {
 public:
  void on_signals(Signals, Signals) override {}
  void on_handle_closed() override { unlink(); }
};

std::string read_all(ServiceRig& rig, Socket& socket) {
  std::string all;
  for (;;) {
    Bytes buffer(std::string(1000, ' '));
    Result<uint64_t> got = socket.read(Socket::ReadType::kConsume, buffer, GuestAddr(0), 1000);
    if (!got) return all;
    all += buffer.text().substr(0, *got);
    rig.kernel.settle();
  }
}

}  // namespace

TEST_CASE("what is written to a standard stream comes out byte by byte, of any value and length") {
  ServiceRig rig;
  Ref<Socket> out = rig.hold<Socket>(rig.services.open_stream(1));
  Ref<Socket> error = rig.hold<Socket>(rig.services.open_stream(2));
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += static_cast<char>(i * 7);
  for (size_t at = 0; at < text.size();) {
    Bytes rest(text.substr(at));
    Result<uint64_t> put = out->write(rest, GuestAddr(0), rest.text().size());
    REQUIRE(put.has_value());
    at += *put;
    rig.kernel.settle();
  }
  Bytes word("wrong");
  REQUIRE(error->write(word, GuestAddr(0), 5).has_value());
  rig.kernel.settle();
  REQUIRE(rig.host.written[1] == text);
  REQUIRE(rig.host.written[2] == "wrong");
}

TEST_CASE("what was written before the program let go of a stream still comes out") {
  ServiceRig rig;
  Result<HandleOwner> handle = rig.services.open_stream(1);
  Ref<Socket> out = ref_cast<Socket>(handle->object());
  Bytes word("last words");
  REQUIRE(out->write(word, GuestAddr(0), 10).has_value());
  handle->reset();
  rig.kernel.settle();
  REQUIRE(rig.host.written[1] == "last words");
}

TEST_CASE("input that is there already is in the socket at once, and ends as a pipe does") {
  ServiceRig rig;
  rig.host.pieces = {std::string(600'000, 'x') + "end"};  // More than a socket has room for.
  Ref<Socket> in = rig.hold<Socket>(rig.services.open_stream(0));
  REQUIRE(contains(in->signals(), Signals::kSocketReadable));
  std::string all = read_all(rig, *in);
  REQUIRE(all == rig.host.pieces[0]);
  REQUIRE(in->peer_closed());
}

TEST_CASE("input that has to be waited for is asked for when somebody waits, and not before") {
  ServiceRig rig;
  rig.host.ready = false;
  rig.host.pieces = {"one\n", "two\n"};
  Ref<Socket> in = rig.hold<Socket>(rig.services.open_stream(0));
  rig.kernel.settle();
  REQUIRE_FALSE(contains(in->signals(), Signals::kSocketReadable));

  Waiting waiting;
  in->observers().add(*in, waiting, 0);
  rig.kernel.settle();
  REQUIRE(read_all(rig, *in) == "one\ntwo\n");
  waiting.unlink();

  REQUIRE(in->peer_closed());
}

}  // namespace jacinth::kernel
