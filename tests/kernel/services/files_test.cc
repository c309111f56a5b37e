// Folders over fuchsia.io: what may be opened and how, and that no request reaches past what was given.
#include "kernel/services/connection.h"
#include "kernel/services/io_ordinals.h"
#include "tests/kernel/services/service_rig.h"
#include "tests/support/random.h"

namespace jacinth::kernel {
namespace {

constexpr Rights kChannelRights = abi::default_rights(ObjectType::kChannel);

struct FilesRig : ServiceRig {
  explicit FilesRig(bool read_only = true) {
    host.entries = {{.path = "a.txt", .size = 5},
                    {.path = "b", .is_folder = true},
                    {.path = "b/c.txt", .size = 3},
                    {.path = "link", .same_as = "b/c.txt", .size = 3}};
    host.files = {{"a.txt", FakeHost::bytes("hello")}, {"b/c.txt", FakeHost::bytes("abc")}};
    root = services.files().add_folder(0, read_only);
    uint32_t rights = kRightReadable | kRightExecutable | (read_only ? 0u : kRightWritable);
    directory = hold<Channel>(services.open_directory(root, rights));
  }
  /// Opens below the directory: the connection, and the status that it was announced with.
  std::pair<Ref<Channel>, Status> open(std::string_view path, uint32_t flags = kRightReadable, uint32_t mode = 0) {
    auto [ours, theirs] = Channel::create(kernel.core());
    ends.push_back(*kernel.core().handles().make(ours, kChannelRights));
    FidlWriter request(0, io::kOpen);
    request.number(flags | kFlagDescribe);
    request.number(mode);
    request.vector(path.size());
    request.handle(*kernel.core().handles().make(theirs, kChannelRights));
    request.align(8);
    request.body(path);
    send(*directory, request);
    Message event = answer(*ours);
    REQUIRE(field<uint64_t>(event, 8) == io::kOnOpen);
    return {ours, Status{status(event)}};
  }
  Message call(Channel& channel, FidlWriter request) {
    send(channel, request);
    return answer(channel);
  }
  std::string read(Channel& channel, uint64_t count) {
    FidlWriter request(1, io::kRead);
    request.number(count);
    Message reply = call(channel, std::move(request));
    REQUIRE(status(reply) == 0);
    auto size = field<uint64_t>(reply, 24);
    return {reinterpret_cast<const char*>(reply.bytes().data()) + 40, size};
  }
  Status write(Channel& channel, std::string_view text) {
    FidlWriter request(1, io::kWrite);
    request.vector(text.size());
    request.body(text);
    return Status{status(call(channel, std::move(request)))};
  }

  Status truncate(Channel& channel, uint64_t size) {
    FidlWriter request(1, io::kTruncate);
    request.number(size);
    return Status{status(call(channel, std::move(request)))};
  }

  uint64_t root = 0;
  Ref<Channel> directory;
};

}  // namespace

TEST_CASE("a file of a folder comes from the host when it is read, and once") {
  FilesRig rig;
  auto [file, status] = rig.open("a.txt");
  REQUIRE(status == Status::kOk);
  REQUIRE(rig.host.asked.empty());
  REQUIRE(rig.read(*file, 3) == "hel");
  REQUIRE(rig.read(*file, 8192) == "lo");
  REQUIRE(rig.read(*file, 8192).empty());
  REQUIRE(rig.host.asked == std::vector<std::string>{"a.txt"});
  auto [link, same] = rig.open("link");
  REQUIRE(same == Status::kOk);
  REQUIRE(rig.read(*link, 10) == "abc");
}

TEST_CASE("a folder that was given to read is neither written nor changed") {
  FilesRig rig;
  REQUIRE(rig.open("a.txt", kRightReadable | kRightWritable).second == Status::kAccessDenied);
  REQUIRE(rig.open("new", kRightReadable | kFlagCreate).second == Status::kAccessDenied);
  REQUIRE(rig.open("a.txt", kRightReadable | kFlagTruncate).second == Status::kInvalidArgs);
  auto [file, status] = rig.open("a.txt");
  REQUIRE(rig.write(*file, "x") == Status::kBadHandle);
  REQUIRE(rig.services.files().changes(0).empty());
}

TEST_CASE("rights only shrink on the way down") {
  FilesRig rig(false);
  REQUIRE(rig.open("a.txt", kRightReadable | kRightWritable).second == Status::kOk);
  REQUIRE(rig.open("a.txt", kRightReadable | kRightAdmin).second == Status::kAccessDenied);
  REQUIRE(rig.open("a.txt", 0).second == Status::kInvalidArgs);
  REQUIRE(rig.open("a.txt", kRightReadable | 0x100).second == Status::kInvalidArgs);
  REQUIRE(rig.open("a.txt", kRightReadable | kFlagSameRights).second == Status::kInvalidArgs);
  REQUIRE(rig.open("b", kRightReadable | kFlagNotDirectory).second == Status::kNotFile);
  REQUIRE(rig.open("a.txt", kRightReadable | kFlagDirectory).second == Status::kNotDir);
}

TEST_CASE("no path leads out of a folder") {
  FilesRig rig(false);
  for (std::string_view path : {"..", "b/..", "b/../a.txt", "../../etc/passwd", "b/../../x", "/..", "./.."}) {
    INFO(path);
    REQUIRE(rig.open(path).second == Status::kInvalidArgs);
  }
  REQUIRE(rig.open("a.txt/b").second == Status::kNotSupported);
  REQUIRE(rig.open("/b//c.txt").second == Status::kOk);
  REQUIRE(rig.open("b/c.txt/").second == Status::kNotDir);
  REQUIRE(rig.open(std::string(256, 'x')).second == Status::kBadPath);
  REQUIRE(rig.open(std::string_view("x\0y", 3), kRightReadable | kRightWritable | kFlagCreate).second ==
          Status::kInvalidArgs);
  REQUIRE(rig.host.asked.empty());
}

TEST_CASE("nothing of a file that was cut comes back when it grows again") {
  FilesRig rig(false);
  for (uint64_t cut : {0, 1, 4096}) {
    auto [file, status] = rig.open("new", kRightReadable | kRightWritable | kFlagCreate, 0x8000);
    REQUIRE(status == Status::kOk);
    REQUIRE(rig.write(*file, std::string(5000, 'x')) == Status::kOk);
    REQUIRE(rig.truncate(*file, cut) == Status::kOk);
    REQUIRE(rig.truncate(*file, 6000) == Status::kOk);
    auto [again, opened] = rig.open("new");
    REQUIRE(opened == Status::kOk);
    REQUIRE(rig.read(*again, 6000) == std::string(cut, 'x') + std::string(6000 - cut, '\0'));
  }
}

TEST_CASE("what was written to a folder is told at the end, path by path") {
  FilesRig rig(false);
  auto [made, status] = rig.open("b/new.txt", kRightReadable | kRightWritable | kFlagCreate, 0x8000);
  REQUIRE(status == Status::kOk);
  REQUIRE(rig.write(*made, "text") == Status::kOk);
  FidlWriter unlink(1, io::kUnlink);
  unlink.vector(5);
  unlink.body(std::string_view("a.txt"));
  auto removed = ServiceRig::status(rig.call(*rig.directory, std::move(unlink)));
  REQUIRE(removed == 0);
  REQUIRE(rig.open("d", kRightReadable | kFlagCreate | kFlagDirectory, 0x4000).second == Status::kOk);

  std::vector<FileTree::Change> changes = rig.services.files().changes(0);
  REQUIRE(changes.size() == 3);
  REQUIRE(changes[0].path == "a.txt");
  REQUIRE_FALSE(changes[0].present);
  REQUIRE(changes[1].path == "b/new.txt");
  REQUIRE(changes[1].bytes == FakeHost::bytes("text"));
  REQUIRE(changes[2].path == "d");
  REQUIRE(changes[2].is_folder);
}

TEST_CASE("what is written through a link changes the file that it leads to, and the link stays") {
  FilesRig rig(false);
  auto [file, status] = rig.open("link", kRightReadable | kRightWritable);
  REQUIRE(status == Status::kOk);
  REQUIRE(rig.write(*file, "xy") == Status::kOk);
  std::vector<FileTree::Change> changes = rig.services.files().changes(0);
  REQUIRE(changes.size() == 1);
  REQUIRE(changes[0].path == "b/c.txt");
  REQUIRE(changes[0].bytes == FakeHost::bytes("xyc"));

  // Another file takes the link's place: the link goes first.
  FidlWriter unlink(1, io::kUnlink);
  unlink.vector(4);
  unlink.body(std::string_view("link"));
  auto removed = ServiceRig::status(rig.call(*rig.directory, std::move(unlink)));
  REQUIRE(removed == 0);
  REQUIRE(rig.open("link", kRightReadable | kFlagCreate, 0x8000).second == Status::kOk);
  changes = rig.services.files().changes(0);
  REQUIRE(changes.size() == 3);
  REQUIRE(changes[1].path == "link");
  REQUIRE_FALSE(changes[1].present);
  REQUIRE(changes[2].path == "link");
  REQUIRE(changes[2].present);
}

TEST_CASE("a file without a name lives as long as a connection to it") {
  FilesRig rig(false);
  auto [file, status] = rig.open("a.txt", kRightReadable);
  uint64_t node = *rig.services.files().lookup(rig.root, "a.txt");
  FidlWriter unlink(1, io::kUnlink);
  unlink.vector(5);
  unlink.body(std::string_view("a.txt"));
  auto removed = ServiceRig::status(rig.call(*rig.directory, std::move(unlink)));
  REQUIRE(removed == 0);
  REQUIRE(rig.open("a.txt").second == Status::kNotFound);
  REQUIRE(rig.read(*file, 5) == "hello");
  rig.call(*file, FidlWriter(2, io::kClose));
  REQUIRE(file->peer_closed());
  REQUIRE_FALSE(rig.services.files().contains(node));
}

TEST_CASE("calls of one kind of node close a connection to another") {
  FilesRig rig;
  auto [file, status] = rig.open("a.txt");
  FidlWriter open(1, io::kReadDirents);
  open.number(uint64_t{100});
  rig.send(*file, open);
  REQUIRE(file->peer_closed());
  FidlWriter read(1, io::kRead);
  read.number(uint64_t{100});
  rig.send(*rig.directory, read);
  REQUIRE(rig.directory->peer_closed());
}

TEST_CASE("random requests never harm the files, nor reach another path") {
  for (uint64_t seed : test::seeds(300)) {
    test::Random random(seed);
    INFO("seed " << seed);
    FilesRig rig(false);
    auto [file, status] = rig.open("a.txt", kRightReadable | kRightWritable);
    for (int i = 0; i < 20; ++i) {
      const io::Call& call = io::kCalls[random.below(std::size(io::kCalls))];
      Message message(static_cast<uint32_t>(16 + random.below(80)));
      for (std::byte& byte : message.bytes()) byte = std::byte(random.one_in(3) ? random.below(256) : 0);
      FidlHeader header{.txid = 5, .ordinal = call.ordinal};
      std::memcpy(message.bytes().data(), &header, sizeof header);
      if (random.one_in(2)) {
        // Whole fields, and a length that might fit.
        message = Message(16 + (call.fields + 7) / 8 * 8 + 8);
        std::ranges::fill(message.bytes(), std::byte{0});
        std::memcpy(message.bytes().data(), &header, sizeof header);
        for (size_t at = 16; at + 8 <= message.size(); at += 8) {
          uint64_t value = random.one_in(3) ? ~uint64_t{0} : random.one_in(2) ? random.below(12) : random.next();
          std::memcpy(message.bytes().data() + at, &value, sizeof value);
        }
      }
      Channel& channel = random.one_in(2) ? *rig.directory : *file;
      if (random.one_in(4)) {
        auto [ours, theirs] = Channel::create(rig.kernel.core());
        message.handles.push_back(*rig.kernel.core().handles().make(ours, kChannelRights));
      }
      if (!channel.peer_closed()) static_cast<void>(channel.write(channel.owner(), std::move(message)));
      rig.kernel.settle();
    }
    for (const std::string& path : rig.host.asked) REQUIRE((path == "a.txt" || path == "b/c.txt"));
  }
}

}  // namespace jacinth::kernel
