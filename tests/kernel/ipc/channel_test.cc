// Channels, as objects (kernel/ipc/channel.h). What programs see of them: tests/kernel/syscalls/channel_test.cc.
#include "kernel/ipc/channel.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "kernel/event/event.h"
#include "tests/support/object_rig.h"
#include "tests/support/small_stack.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

constexpr Koid kOwner{ObjectRig::kProcess};

Message message(std::string_view text) {
  Message made(static_cast<uint32_t>(text.size()));
  std::ranges::copy(std::as_bytes(std::span(text)), made.bytes().begin());
  return made;
}

std::string text(const Message& message) {
  return std::string(reinterpret_cast<const char*>(message.bytes().data()), message.size());
}

struct Rig : ObjectRig {
  Rig() {
    knows<Channel>();
    knows<Event>();
  }
  std::pair<Handle, Handle> pair() {
    auto [a, b] = Channel::create(core());
    return {handle(a), handle(b)};
  }
  Channel& channel(Handle handle) { return object<Channel>(handle); }
  Status write(Handle to, std::string_view text) { return channel(to).write(kOwner, message(text)).status(); }
  void send(Handle to, std::string_view text) { REQUIRE(write(to, text) == Status::kOk); }
  std::string read(Handle from) {
    Channel& end = channel(from);
    REQUIRE(end.oldest(kOwner).has_value());
    return text(end.take_oldest());
  }
  /// Why there is nothing to read.
  Status nothing(Handle from, Koid owner = kOwner) { return channel(from).oldest(owner).status(); }
  /// A thread that makes a call and waits for the reply.
  Handle call(Handle end, std::string_view text) {
    Handle thread = make<FakeThread>();
    bool was_pinned = std::exchange(pinned_, true);
    auto& caller = object<FakeThread>(thread);
    REQUIRE(channel(end).begin_call(kOwner, message(text), caller.call).status() == Status::kOk);
    caller.park(nullptr);
    pinned_ = was_pinned;
    return thread;
  }
  Status finish(Handle thread, Message& reply) { return object<FakeThread>(thread).call.finish(reply); }
};

TEST_CASE("messages arrive at the other end in order, the empty one too") {
  Rig k;
  auto [a, b] = k.pair();
  for (const char* text : {"one", "", "three"}) REQUIRE(k.write(a, text) == Status::kOk);
  for (const char* text : {"one", "", "three"}) REQUIRE(k.read(b) == text);
  REQUIRE(k.nothing(b) == Status::kShouldWait);
  REQUIRE(k.nothing(a) == Status::kShouldWait);
}

TEST_CASE("a channel is writable until the peer closes and readable while messages are there") {
  Rig k;
  auto [a, b] = k.pair();
  REQUIRE(k.channel(b).signals() == Signals::kWritable);
  k.send(a, "x");
  k.send(a, "y");
  REQUIRE(k.channel(b).signals() == (Signals::kWritable | Signals::kReadable));
  k.read(b);
  REQUIRE(k.channel(b).signals() == (Signals::kWritable | Signals::kReadable));

  k.close(a);
  REQUIRE(k.channel(b).signals() == (Signals::kReadable | Signals::kPeerClosed));
  REQUIRE(k.write(b, "z") == Status::kPeerClosed);
  REQUIRE(k.read(b) == "y");
  REQUIRE(k.channel(b).signals() == Signals::kPeerClosed);
  REQUIRE(k.nothing(b) == Status::kPeerClosed);
}

TEST_CASE("handles travel with the message") {
  Rig k;
  auto [a, b] = k.pair();
  Handle event = k.make<Event>();
  Koid koid = k.object<Event>(event).koid();
  k.pin();
  Message sent = message("take this");
  sent.handles.push_back(k.take(event));
  Status written = k.channel(a).write(kOwner, std::move(sent)).status();
  REQUIRE(written == Status::kOk);
  k.unpin();

  Message got = k.channel(b).take_oldest();
  REQUIRE(got.handles.size() == 1);
  REQUIRE(got.handles[0].object()->koid() == koid);
}

TEST_CASE("the handles of unread messages close with the end that held them") {
  Rig k;
  auto [a, b] = k.pair();
  k.pin();
  Ref<Event> event = make_object<Event>(k.core());
  Message sent = message("");
  sent.handles.push_back(k.take(k.handle(event)));
  Status written = k.channel(a).write(kOwner, std::move(sent)).status();
  REQUIRE(written == Status::kOk);

  k.close(a);
  REQUIRE(event->handle_count() == 1);
  k.close(b);
  REQUIRE(event->handle_count() == 0);
}

TEST_CASE("an end that moved to another process is a bad handle for the old one") {
  Rig k;
  auto [a, b] = k.pair();
  k.send(b, "hello");
  constexpr Koid kOther{2};
  k.channel(a).on_handle_owner(kOther);

  REQUIRE(k.write(a, "x") == Status::kBadHandle);
  REQUIRE(k.nothing(a) == Status::kBadHandle);
  REQUIRE(k.nothing(a, kOther) == Status::kOk);
}

TEST_CASE("message 3501 is queued and too many") {
  Rig k;
  k.pin();
  auto [a, b] = k.pair();
  for (int i = 0; i < 3500; ++i) REQUIRE(*k.channel(a).write(kOwner, message("")) == Channel::Written::kDelivered);
  REQUIRE(*k.channel(a).write(kOwner, message("")) == Channel::Written::kOverfull);
  REQUIRE(k.channel(b).message_count() == 3501);
  REQUIRE(k.core().counter("channel.full") == 1);
}

TEST_CASE("a reply with the id of a call goes to the caller and not into the queue") {
  Rig k;
  auto [client, server] = k.pair();
  Handle caller = k.call(client, "????please");
  std::string request = k.read(server);
  REQUIRE(request.substr(4) == "please");
  REQUIRE((static_cast<unsigned char>(request[3]) & 0x80) != 0);
  REQUIRE(k.object<FakeThread>(caller).parked());

  REQUIRE(k.write(server, request.substr(0, 4) + "yes") == Status::kOk);

  REQUIRE(k.object<FakeThread>(caller).wait().woken_with == Status::kOk);
  REQUIRE(k.channel(client).signals() == Signals::kWritable);
  Message reply;
  REQUIRE(k.finish(caller, reply) == Status::kOk);
  REQUIRE(text(reply).substr(4) == "yes");
}

TEST_CASE("any other message is queued while a call waits") {
  Rig k;
  auto [client, server] = k.pair();
  Handle caller = k.call(client, "????");
  // Too short for an id; an id of a program's; ids of the kernel's that nobody waits for.
  using namespace std::string_view_literals;
  for (std::string_view text : {""sv, "abc"sv, "\x01\0\0\x7f"sv, "\x02\0\0\x80"sv, "\xff\xff\xff\xff"sv})
    k.send(server, text);
  REQUIRE(k.object<FakeThread>(caller).parked());
  REQUIRE(k.channel(client).message_count() == 5);
}

TEST_CASE("calls on one end have ids of their own, and each gets its reply") {
  Rig k;
  auto [client, server] = k.pair();
  std::vector<Handle> callers;
  std::vector<std::string> requests;
  for (int i = 0; i < 5; ++i) {
    callers.push_back(k.call(client, "????"));
    requests.push_back(k.read(server));
    for (int j = 0; j < i; ++j) REQUIRE(requests[j] != requests[i]);
  }
  for (int i : {3, 0, 4, 1, 2}) k.send(server, requests[i] + std::to_string(i));
  for (int i = 0; i < 5; ++i) {
    Message reply;
    REQUIRE(k.finish(callers[i], reply) == Status::kOk);
    REQUIRE(text(reply) == requests[i] + std::to_string(i));
  }
}

TEST_CASE("a call that gave up leaves its late reply to the queue") {
  Rig k;
  auto [client, server] = k.pair();
  Handle caller = k.call(client, "????");
  std::string request = k.read(server);
  Message reply;
  REQUIRE(k.finish(caller, reply) == Status::kTimedOut);
  k.send(server, request);
  REQUIRE(k.read(client) == request);
}

TEST_CASE("a call ends when either end closes") {
  Rig k;
  auto [client, server] = k.pair();
  auto [other, far] = k.pair();
  Handle of_server = k.call(client, "????");
  Handle of_client = k.call(other, "????");
  k.close(server);
  k.close(other);
  REQUIRE(k.object<FakeThread>(of_server).wait().woken_with == Status::kPeerClosed);
  REQUIRE(k.object<FakeThread>(of_client).wait().woken_with == Status::kCanceled);
  Message reply;
  REQUIRE(k.finish(of_server, reply) == Status::kPeerClosed);
  REQUIRE(k.finish(of_client, reply) == Status::kCanceled);
  REQUIRE(k.finish(of_client, reply) == Status::kBadState);
  REQUIRE(k.channel(far).signals() == (Signals::kReadable | Signals::kPeerClosed));
}

TEST_CASE("a thread that dies in a call leaves nothing behind") {
  Rig k;
  auto [client, server] = k.pair();
  Handle caller = k.call(client, "????");
  std::string request = k.read(server);
  k.close(caller);
  REQUIRE(k.write(server, request) == Status::kOk);
  REQUIRE(k.read(client) == request);
}

TEST_CASE("channels, messages and calls survive a save and load") {
  Rig k;
  auto [client, server] = k.pair();
  Handle waiting = k.call(client, "????a");
  Handle answered = k.call(client, "????b");
  std::string first = k.read(server);
  k.send(server, k.read(server) + "reply");
  k.send(client, "queued");

  k.reload();

  REQUIRE(k.read(server) == "queued");
  Message reply;
  REQUIRE(k.finish(answered, reply) == Status::kOk);
  REQUIRE(text(reply).substr(5) == "reply");
  k.send(server, first + "late");
  REQUIRE(k.object<FakeThread>(waiting).wait().woken_with == Status::kOk);
}

TEST_CASE("100 000 channels inside channels close on a small stack") {
  Rig k;
  k.pin();
  auto [outer, a] = k.pair();
  for (int i = 0; i < 100'000; ++i) {
    auto [next_outer, b] = k.pair();
    Message carrier = message("");
    carrier.handles.push_back(k.take(outer));
    carrier.handles.push_back(k.take(a));
    Status written = k.channel(next_outer).write(kOwner, std::move(carrier)).status();
    REQUIRE(written == Status::kOk);
    outer = next_outer;
    a = b;
  }
  REQUIRE(k.core().objects().size() == 200'002);

  on_small_stack([&] {
    k.take(outer).reset();
    k.take(a).reset();
    k.drain();
  });

  REQUIRE(k.core().objects().size() == 0);
  REQUIRE(k.core().counter("dispatcher.channel.destroy") == 200'002);
}

TEST_CASE("the depth that a channel reached is counted when it ends") {
  Rig k;
  k.pin();
  auto [a, b] = k.pair();
  for (int i = 0; i < 17; ++i) k.send(a, "x");
  k.close(a);
  k.close(b);
  REQUIRE(k.core().counter("channel.depth.1") == 1);
  REQUIRE(k.core().counter("channel.depth.64") == 1);
}

}  // namespace
}  // namespace jacinth::kernel
