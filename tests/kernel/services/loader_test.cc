// The loader service: what it finds, what it refuses, and that no request leads out of its folders or harms it.
#include "tests/kernel/services/service_rig.h"
#include "tests/support/random.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kDone = 0x63ba6b76d3671001;
constexpr uint64_t kLoadObject = 0x48c5a151d6df2853;
constexpr uint64_t kConfig = 0x6a8a1a1464632841;
constexpr uint64_t kClone = 0x57e643a9ab6e4c29;

FidlWriter text_request(uint64_t ordinal, std::string_view text, uint32_t txid = 7) {
  FidlWriter writer(txid, ordinal);
  writer.vector(text.size());
  writer.body(text);
  return writer;
}

struct LoaderRig : ServiceRig {
  LoaderRig() {
    host.libraries["libfdio.so"] = FakeHost::bytes("the library");
    host.libraries["asan/libfdio.so"] = FakeHost::bytes("the checked library");
    loader = hold<Channel>(services.open_loader());
  }
  Message ask(FidlWriter writer) {
    send(*loader, writer);
    return answer(*loader);
  }
  Ref<Channel> loader;
};

}  // namespace

TEST_CASE("the loader service gives a library as a VMO to map and execute, and answers as the linker expects") {
  LoaderRig rig;
  Message reply = rig.ask(text_request(kLoadObject, "libfdio.so"));
  REQUIRE(reply.size() == 24);
  REQUIRE(ServiceRig::field<uint32_t>(reply, 0) == 7);
  REQUIRE(ServiceRig::field<uint64_t>(reply, 8) == kLoadObject);
  REQUIRE(ServiceRig::status(reply) == 0);
  REQUIRE(ServiceRig::field<uint32_t>(reply, 20) == ~0u);
  REQUIRE(reply.handles.size() == 1);
  Ref<Vmo> vmo = ref_cast<Vmo>(reply.handles[0].object());
  REQUIRE(vmo);
  REQUIRE(vmo->name() == "libfdio.so");
  REQUIRE(vmo->content_size() == 11);
  Rights rights = reply.handles[0].rights();
  REQUIRE(
      contains(rights, Rights::kRead | Rights::kMap | Rights::kExecute | Rights::kDuplicate | Rights::kGetProperty));
  REQUIRE_FALSE(contains(rights, Rights::kWrite));
}

TEST_CASE("a library that no folder has is not found, and the connection goes on") {
  LoaderRig rig;
  Message reply = rig.ask(text_request(kLoadObject, "libnone.so"));
  REQUIRE(reply.size() == 24);
  REQUIRE(Status{ServiceRig::status(reply)} == Status::kNotFound);
  REQUIRE(ServiceRig::field<uint32_t>(reply, 20) == 0);
  REQUIRE(reply.handles.empty());
  REQUIRE(rig.services.missing_libraries().contains("libnone.so"));
  REQUIRE(ServiceRig::status(rig.ask(text_request(kLoadObject, "libfdio.so"))) == 0);
}

TEST_CASE("no name leads the loader service out of its folders") {
  for (std::string_view name : {"../libfdio.so", "/libfdio.so", "a/../../b", ".", "..", "a//b", "a/./b", "b/", "/"}) {
    LoaderRig rig;
    Message reply = rig.ask(text_request(kLoadObject, name));
    INFO(name);
    REQUIRE(Status{ServiceRig::status(reply)} == Status::kInvalidArgs);
    REQUIRE(rig.host.asked.empty());
  }
  LoaderRig rig;
  REQUIRE(Status{ServiceRig::status(rig.ask(text_request(kLoadObject, std::string_view("a\0b", 3))))} ==
          Status::kInvalidArgs);
  REQUIRE(Status{ServiceRig::status(rig.ask(text_request(kConfig, "../x")))} == Status::kInvalidArgs);
  REQUIRE(rig.host.asked.empty());
}

TEST_CASE("a configured loader service looks into the subfolder first, and only there with a '!'") {
  LoaderRig rig;
  rig.host.libraries["libother.so"] = FakeHost::bytes("other");
  REQUIRE(ServiceRig::status(rig.ask(text_request(kConfig, "asan"))) == 0);
  Message reply = rig.ask(text_request(kLoadObject, "libfdio.so"));
  REQUIRE(ref_cast<Vmo>(reply.handles.at(0).object())->content_size() == 19);
  REQUIRE(ServiceRig::status(rig.ask(text_request(kLoadObject, "libother.so"))) == 0);
  REQUIRE(ServiceRig::status(rig.ask(text_request(kConfig, "asan!"))) == 0);
  REQUIRE(Status{ServiceRig::status(rig.ask(text_request(kLoadObject, "libother.so")))} == Status::kNotFound);
}

TEST_CASE("a clone of the loader service is a connection of its own") {
  LoaderRig rig;
  auto [ours, theirs] = Channel::create(rig.kernel.core());
  Rights rights = abi::default_rights(ObjectType::kChannel);
  rig.ends.push_back(*rig.kernel.core().handles().make(ours, rights));
  FidlWriter request(3, kClone);
  request.handle(*rig.kernel.core().handles().make(theirs, rights));
  Message reply = rig.ask(std::move(request));
  REQUIRE(reply.size() == 24);
  REQUIRE(ServiceRig::status(reply) == 0);
  FidlWriter done(0, kDone);
  rig.send(*rig.loader, done);
  REQUIRE(rig.loader->peer_closed());
  FidlWriter load = text_request(kLoadObject, "libfdio.so");
  rig.send(*ours, load);
  REQUIRE(ServiceRig::status(rig.answer(*ours)) == 0);
}

TEST_CASE("what is no request closes the loader's connection") {
  auto closes = [](Message message) {
    LoaderRig rig;
    rig.send(*rig.loader, std::move(message));
    REQUIRE(rig.loader->peer_closed());
    REQUIRE(rig.loader->message_count() == 0);
    REQUIRE(rig.host.asked.empty());
  };
  closes(Message(0));
  FidlWriter unknown(1, 0x1234);
  closes(unknown.take());
  // A length that is more than there is.
  FidlWriter lies(1, kLoadObject);
  lies.vector(uint64_t{1} << 63);
  lies.body(std::string_view("abc"));
  closes(lies.take());
  // Bytes behind the end, and a padding that is not zero.
  FidlWriter longer = text_request(kLoadObject, "abc");
  longer.number(uint64_t{0});
  closes(longer.take());
  FidlWriter padded(1, kLoadObject);
  padded.vector(3);
  padded.body(std::string_view("abcdefgh"));
  closes(padded.take());
  // A clone without a channel, and one with something else.
  FidlWriter nothing(1, kClone);
  nothing.handle({});
  closes(nothing.take());
  closes(text_request(kLoadObject, std::string(992, 'a')).take());
  Message other_format = text_request(kLoadObject, "libfdio.so").take();
  other_format.bytes()[7] = std::byte{2};
  closes(std::move(other_format));
}

TEST_CASE("random bytes never harm the loader service") {
  test::Random random(1);
  for (int round = 0; round < 2000; ++round) {
    LoaderRig rig;
    Message message = text_request(kLoadObject, "libfdio.so").take();
    for (int i = 0; i < 3; ++i) message.bytes()[random.below(message.size())] = std::byte(random.below(256));
    rig.send(*rig.loader, std::move(message));
    for (const std::string& name : rig.host.asked) REQUIRE(name.find("..") == std::string::npos);
  }
}

}  // namespace jacinth::kernel
