// Requests that no honest program sends, to every service: thousands of whole ones with something wrong about them, in
// random order, with all kinds of handles. The services answer as the protocol says or close the connection; they never
// break, never answer twice, never leave their folders, and go on serving whoever else is connected.
//
// A sequence that fails is cut down to the steps that matter and shown.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "kernel/services/connection.h"
#include "kernel/services/io_ordinals.h"
#include "kernel/services/names.h"
#include "kernel/task/job.h"
#include "tests/kernel/services/service_rig.h"
#include "tests/support/random.h"
#include "tests/support/shrink.h"

namespace jacinth::kernel {
namespace {

constexpr Rights kChannelRights = abi::default_rights(ObjectType::kChannel);

constexpr uint64_t kLoadObject = 0x48c5a151d6df2853, kConfig = 0x6a8a1a1464632841, kLoaderClone = 0x57e643a9ab6e4c29,
                   kLoaderDone = 0x63ba6b76d3671001;
constexpr uint64_t kAddArgs = 0x3be445d3e4fd6512, kAddNames = 0x2579ee2c7be28662, kAddHandles = 0x51025267a537a615,
                   kLaunch = 0x11335a9928afbfa4, kCreateWithoutStarting = 0x755f8263fe51cb61;

constexpr size_t kHonestPaths = 8;
const std::string kPaths[] = {"a.txt",
                              "b",
                              "b/c.txt",
                              "new",
                              "b/new",
                              "link",
                              "libfdio.so",
                              "new/new",
                              "",
                              ".",
                              "..",
                              "/",
                              "//",
                              "b/",
                              "b//c.txt",
                              "../x",
                              "b/..",
                              "b/../..",
                              "./..",
                              "/etc/pass",
                              "asan!",
                              "asan",
                              "a/../x",
                              "a\\..",
                              {"x\0y", 3},
                              "\xff\xfe\x80",
                              "b/new/deep",
                              "fuchsia.process.Launcher",
                              std::string(255, 'x'),
                              std::string(256, 'x'),
                              std::string(4096, '/'),
                              std::string(991, 'l'),
                              "a.txt/",
                              "b/."};
constexpr uint64_t kNumbers[] = {0,
                                 1,
                                 2,
                                 3,
                                 8,
                                 16,
                                 24,
                                 64,
                                 4095,
                                 4096,
                                 8192,
                                 8193,
                                 1 << 16,
                                 UINT32_MAX,
                                 UINT32_MAX - 1,
                                 uint64_t{1} << 32,
                                 uint64_t{1} << 61,
                                 uint64_t{1} << 63,
                                 UINT64_MAX,
                                 UINT64_MAX - 7};

constexpr uint32_t kReadWrite = kRightReadable | kRightWritable;
constexpr uint32_t kOpenFlags[] = {kRightReadable,
                                   kReadWrite,
                                   kReadWrite | kFlagCreate,
                                   kReadWrite | kFlagCreate | kFlagDirectory,
                                   kReadWrite | kFlagDirectory,
                                   kReadWrite | kFlagTruncate,
                                   kReadWrite | kFlagAppend,
                                   kRightReadable | kFlagPosix,
                                   kFlagNodeReference,
                                   kReadWrite | kFlagCreate | kFlagCreateIfAbsent};

/// What a step is made from; any numbers make a step.
enum Operand { kWhere, kWhat, kPath, kFlags, kHandles, kWrong, kAt, kValue, kOperands };
struct Step {
  std::vector<uint64_t> operands = std::vector<uint64_t>(kOperands);
  uint64_t operator[](Operand which) const { return operands[which]; }
};

class Attack : public ServiceRig {
 public:
  Attack() {
    host.entries = {{.path = "a.txt", .size = 5},
                    {.path = "b", .is_folder = true},
                    {.path = "b/c.txt", .size = 3},
                    {.path = "link", .same_as = "b/c.txt", .size = 3}};
    host.files = {{"a.txt", FakeHost::bytes("hello")}, {"b/c.txt", FakeHost::bytes("abc")}};
    host.libraries["libfdio.so"] = FakeHost::bytes("no library");
    root_ = services.files().add_folder(0, false);
    for (uint64_t kind = 0; kind < kKinds; ++kind) keep(kind);
    witness_ = hold<Channel>(services.open_directory(root_, kRightReadable));
    job_ = *Job::create(kernel.root_job());
  }

  /// What went wrong; nothing when it did not.
  std::optional<std::string> take(const Step& step) {
    // What was closed is opened again, as somebody who does not give up would.
    std::erase_if(channels_, [](const Ref<Channel>& channel) { return channel->peer_closed(); });
    if (channels_.size() < kKinds) keep(step[kWhere]);
    Ref<Channel> channel = channels_[step[kWhere] % channels_.size()];
    while (channel->oldest(channel->owner())) channel->take_oldest();
    Message message = make(step);
    std::optional<FidlHeader> sent = FidlReader::header(message);
    static_cast<void>(channel->write(channel->owner(), std::move(message)));
    kernel.settle();
    // Some answers are left where they are: whoever is given the channel finds them there.
    if (step[kValue] % 4 == 3) return std::nullopt;
    return check(*channel, sent);
  }

  /// The folder that nobody attacked through this connection is as it should be.
  std::optional<std::string> check_witness() {
    FidlWriter request(77, io::kSync);
    send(*witness_, request);
    Message reply = answer(*witness_);
    if (reply.size() != 24 || status(reply) != 0) return "somebody else's connection is served no more";
    for (const FileTree::Change& change : services.files().changes(0))
      if (!good(change.path)) return fmt::format("{} is to be written", quoted(change.path));
    return std::nullopt;
  }

 private:
  static bool good(std::string_view path) {
    for (size_t begin = 0; begin <= path.size();) {
      size_t slash = std::min(path.find('/', begin), path.size());
      if (!good_name(path.substr(begin, slash - begin))) return false;
      begin = slash + 1;
    }
    return true;
  }

  std::optional<std::string> check(Channel& channel, const std::optional<FidlHeader>& sent) {
    for (const std::string& path : host.asked)
      if (!good(path)) return fmt::format("the host was asked for {}", quoted(path));
    if (!channel.oldest(channel.owner())) return std::nullopt;
    Message reply = channel.take_oldest();
    std::optional<FidlHeader> header = FidlReader::header(reply);
    if (!sent) return "an answer to what has no header";
    if (!header || header->txid != sent->txid || header->ordinal != sent->ordinal) return "an answer to something else";
    if (header->magic != kFidlMagic || reply.size() % 8 != 0) return "an answer that is no message";
    if (channel.oldest(channel.owner())) return "two answers to one request";
    return std::nullopt;
  }

  void keep(uint64_t kind) {
    constexpr uint32_t kAll = kRightReadable | kRightWritable | kRightExecutable;
    channels_.push_back(hold<Channel>(kind % kKinds == 0   ? services.open_directory(root_, kAll)
                                      : kind % kKinds == 1 ? services.open_loader()
                                                           : services.open_service_directory()));
  }

  /// A new channel's end to send; the other end is attacked too from now on.
  HandleOwner new_channel() {
    auto [ours, theirs] = Channel::create(kernel.core());
    ends.push_back(*kernel.core().handles().make(ours, kChannelRights));
    if (channels_.size() < 20) channels_.push_back(ours);
    return *kernel.core().handles().make(theirs, kChannelRights);
  }
  HandleOwner some_handle(uint64_t kind) {
    switch (kind % 8) {
      case 1: return *kernel.core().handles().make(make_object<Event>(kernel.core()), Rights::kBasic);
      case 2: return *kernel.core().handles().make(job_, abi::default_rights(ObjectType::kJob));
      case 3:
        return *kernel.core().handles().make(*Vmo::create(kernel.core(), 3 * kPageSize),
                                             abi::default_rights(ObjectType::kVmo) | Rights::kExecute);
      case 4: {
        // The program's end of another connection.
        Ref<Channel> one = channels_[kind / 8 % channels_.size()];
        auto held =
            std::ranges::find_if(ends, [&](const HandleOwner& end) { return end && end.object() == one.get(); });
        if (held == ends.end() || channels_.size() == 1) return {};
        std::erase(channels_, one);
        return std::move(*held);
      }
      case 5: return {};
      default: return new_channel();
    }
  }

  /// A whole request of some kind.
  Message whole(const Step& step) {
    const std::string& path = path_of(step[kPath]);
    const std::string& other = path_of(step[kPath] / 128);
    auto flags = static_cast<uint32_t>(step[kFlags]);
    constexpr size_t kOthers = 9;
    uint64_t what = step[kWhat] % (std::size(io::kCalls) + kOthers);
    if (what < std::size(io::kCalls)) {
      const io::Call& call = io::kCalls[what];
      FidlWriter writer(5, call.ordinal);
      switch (call.ordinal) {
        case io::kOpen:
          writer.number((flags % 4 == 0 ? flags : kOpenFlags[flags / 4 % std::size(kOpenFlags)]) | kFlagDescribe);
          writer.number(flags / 64 % 3 == 0 ? flags : 0x4000u);
          writer.vector(path.size());
          writer.handle(some_handle(step[kHandles]));
          writer.align(8);
          writer.body(path);
          break;
        case io::kClone:
          writer.number(flags);
          writer.handle(some_handle(step[kHandles]));
          break;
        case io::kUnlink:
        case io::kWrite:
          writer.vector(path.size());
          writer.body(path);
          break;
        case io::kRename:
        case io::kLink:
          writer.vector(path.size());
          writer.handle(token_of(step[kHandles]));
          writer.align(8);
          writer.vector(other.size());
          writer.body(path);
          writer.body(other);
          break;
        default:
          for (uint32_t i = 0; i < call.fields; i += 4)
            writer.number(i == 0 ? flags : static_cast<uint32_t>(kNumbers[step[kFlags] % std::size(kNumbers)]));
      }
      return writer.take();
    }
    switch (what - std::size(io::kCalls)) {
      case 0: return text(kLoadObject, path);
      case 1: return text(kConfig, path);
      case 2: return text(0x1234567812345678, path);
      case 3: return handles(kLoaderClone, 1, step);
      case 4: return text(kLoaderDone, "");
      case 5: return strings(step[kFlags] % 4, path);
      case 6: return handles(kAddHandles, step[kFlags] % 5, step);
      case 7: return handles(kAddNames, step[kFlags] % 3, step);
      default: {
        FidlWriter writer(5, step[kFlags] % 2 != 0 ? kLaunch : kCreateWithoutStarting);
        writer.handle(some_handle(3));
        writer.handle(some_handle(2));
        writer.vector(std::min<size_t>(path.size(), 32));
        writer.body(std::string_view(path).substr(0, 32));
        return writer.take();
      }
    }
  }
  /// Mostly one that is there, or could be.
  static const std::string& path_of(uint64_t operand) {
    return kPaths[operand % 4 != 0 ? operand / 4 % kHonestPaths : operand / 4 % std::size(kPaths)];
  }
  static Message text(uint64_t ordinal, std::string_view text) {
    FidlWriter writer(5, ordinal);
    writer.vector(text.size());
    writer.body(text);
    return writer.take();
  }
  static Message strings(uint64_t count, std::string_view text) {
    FidlWriter writer(5, kAddArgs);
    writer.vector(count);
    for (uint64_t i = 0; i < count; ++i) writer.vector(text.size());
    for (uint64_t i = 0; i < count; ++i) writer.body(text);
    return writer.take();
  }
  Message handles(uint64_t ordinal, uint64_t count, const Step& step) {
    FidlWriter writer(5, ordinal);
    if (ordinal == kLoaderClone) {
      writer.handle(some_handle(step[kHandles]));
      return writer.take();
    }
    writer.vector(count);
    for (uint64_t i = 0; i < count; ++i) {
      if (ordinal == kAddNames) writer.vector(4);
      writer.handle(some_handle(step[kHandles] + i));
      writer.number(static_cast<uint32_t>(step[kValue]));
    }
    for (uint64_t i = 0; ordinal == kAddNames && i < count; ++i) writer.body(std::string_view("/pkg"));
    return writer.take();
  }
  /// The token of a directory that is attacked, as Rename wants one.
  HandleOwner token_of(uint64_t which) {
    Ref<Channel> channel = channels_[which % channels_.size()];
    if (channel->peer_closed()) return {};
    while (channel->oldest(channel->owner())) channel->take_oldest();
    FidlWriter request(6, io::kGetToken);
    send(*channel, request);
    Message reply = answer(*channel);
    return reply.handles.empty() ? HandleOwner() : std::move(reply.handles[0]);
  }

  /// The request with something wrong about it, one time in some.
  Message make(const Step& step) {
    Message good = whole(step);
    auto number = kNumbers[step[kValue] % std::size(kNumbers)];
    uint64_t size = good.size();
    uint64_t wrong = step[kWrong] % 3 == 0 ? step[kWrong] / 3 % 10 : 0;
    if (wrong == 1) size = step[kAt] % (size + 1);  // Cut off.
    if (wrong == 2) size += 1 + step[kAt] % 40;     // Too long.
    if (wrong == 3) size = std::min<uint64_t>(65536, size + (step[kAt] % 9) * 8192);
    Message bad(static_cast<uint32_t>(size));
    std::ranges::fill(bad.bytes(), std::byte{step[kValue] % 3 == 0 ? uint8_t{0} : uint8_t{0x41}});
    std::copy_n(good.bytes().data(), std::min<uint64_t>(size, good.size()), bad.bytes().data());
    bad.handles = std::move(good.handles);
    auto put = [&](uint64_t at, auto value) {
      if (at + sizeof value <= bad.size()) std::memcpy(bad.bytes().data() + at, &value, sizeof value);
    };
    uint64_t words = std::max<uint64_t>(size / 8, 1);
    if (wrong == 4) put(step[kAt] % std::max<uint64_t>(size, 1), static_cast<uint8_t>(step[kValue]));
    if (wrong == 5) put(step[kAt] % (2 * words) * 4, static_cast<uint32_t>(number));
    if (wrong == 6) put(step[kAt] % words * 8, number);
    if (wrong == 7) put(8, io::kCalls[step[kAt] % std::size(io::kCalls)].ordinal);
    if (wrong == 8) bad.handles.clear();
    if (wrong == 9) bad.handles.push_back(some_handle(6));
    return bad;
  }

  static constexpr uint64_t kKinds = 3;

  uint64_t root_ = 0;
  std::vector<Ref<Channel>> channels_;
  Ref<Channel> witness_;
  Ref<Job> job_;
};

/// The step that went wrong, and `why`.
std::optional<size_t> run(const std::vector<Step>& steps, std::string& why) {
  Attack attack;
  for (size_t i = 0; i < steps.size(); ++i) {
    std::optional<std::string> problem = attack.take(steps[i]);
    if (!problem) problem = attack.check_witness();
    if (!problem) continue;
    why = *problem;
    return i;
  }
  return std::nullopt;
}

std::string shown(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) text += fmt::format("{{{}}}\n", fmt::join(step.operands, ", "));
  return text;
}

}  // namespace

TEST_CASE("whatever is sent to the services, they hold, and stay in their folders", "[fuzz]") {
  for (uint64_t seed : test::seeds(1000)) {
    test::Random random(seed);
    std::vector<Step> steps(60);
    for (Step& step : steps)
      for (uint64_t& operand : step.operands) operand = random.below(uint64_t{1} << (random.one_in(4) ? 32 : 12));
    std::string why;
    if (!run(steps, why)) continue;
    steps = test::shrink(std::move(steps), [&](const std::vector<Step>& fewer) { return run(fewer, why); });
    std::string left = shown(steps);
    INFO("seed " << seed << ": " << why << "\n" << left);
    REQUIRE(steps.empty());
  }
}

TEST_CASE("two services never have the two ends of one channel") {
  ServiceRig rig;
  uint64_t root = rig.services.files().make_root(false);
  uint32_t all = kRightReadable | kRightWritable;
  Ref<Channel> one = rig.hold<Channel>(rig.services.open_directory(root, all));
  Ref<Channel> other = rig.hold<Channel>(rig.services.open_directory(root, all));
  // Its answer is a request of the same kind: each end would answer the other's answers.
  FidlWriter set(9, io::kNodeSetFlags);
  set.number(uint32_t{0});
  rig.send(*one, set);
  REQUIRE(one->message_count() == 1);
  FidlWriter clone(0, io::kClone);
  clone.number(uint32_t{kFlagSameRights});
  clone.handle(std::move(rig.ends[0]));
  rig.send(*other, clone);
  FidlWriter sync(1, io::kSync);
  rig.send(*other, sync);
  REQUIRE(ServiceRig::status(rig.answer(*other)) == 0);
  REQUIRE(rig.services.serving(*one) == nullptr);
}

TEST_CASE("a directory is moved into one whose parents are gone") {
  ServiceRig rig;
  uint64_t root = rig.services.files().make_root(false);
  FileTree& files = rig.services.files();
  uint64_t outer = *files.create(root, "outer", true);
  uint64_t inner = *files.create(outer, "inner", true);
  REQUIRE(files.create(root, "other", true).has_value());
  Ref<Channel> open = rig.hold<Channel>(rig.services.open_directory(inner, kRightReadable | kRightWritable));
  REQUIRE(files.unlink(outer, "inner", false) == Status::kOk);
  REQUIRE(files.unlink(root, "outer", false) == Status::kOk);
  REQUIRE(files.rename(root, "other", inner, "moved", false) == Status::kNotFound);
}

TEST_CASE("a link's new name is one") {
  ServiceRig rig;
  uint64_t root = rig.services.files().make_root(false);
  REQUIRE(rig.services.files().create(root, "file", false).has_value());
  Ref<Channel> directory = rig.hold<Channel>(rig.services.open_directory(root, kRightReadable | kRightWritable));
  for (std::string_view name : {std::string_view("x\0y", 3), std::string_view(".."), std::string_view("a/b")}) {
    FidlWriter get(1, io::kGetToken);
    rig.send(*directory, get);
    Message token = rig.answer(*directory);
    REQUIRE(token.handles.size() == 1);
    FidlWriter link(2, io::kLink);
    link.vector(4);
    link.handle(std::move(token.handles[0]));
    link.align(8);
    link.vector(name.size());
    link.body(std::string_view("file"));
    link.body(name);
    rig.send(*directory, link);
    REQUIRE(Status{ServiceRig::status(rig.answer(*directory))} == Status::kInvalidArgs);
  }
}

}  // namespace jacinth::kernel
