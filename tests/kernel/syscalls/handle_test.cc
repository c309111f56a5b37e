// Calls on handles, and what can be asked of them (kernel/syscalls/handle.cc).
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

TEST_CASE("handle_close ends the handle, and closing none is fine", "[zx_handle_close]") {
  IpcRig k;
  Handle event = k.event();
  REQUIRE(k.call("handle_close", event) == Status::kOk);
  REQUIRE(k.call("handle_close", event) == Status::kBadHandle);
  REQUIRE(k.call("handle_close", Handle::kInvalid) == Status::kOk);
  REQUIRE(k.call("handle_close", IpcRig::kBad) == Status::kBadHandle);
}

TEST_CASE("handle_close_many skips zeros and closes what it can", "[zx_handle_close_many]") {
  IpcRig k;
  Handle a = k.event();
  Handle b = k.event();
  REQUIRE(k.call("handle_close_many", k.user_handles({a, Handle::kInvalid, b}), 3) == Status::kOk);
  REQUIRE_FALSE(k.valid(a));
  REQUIRE_FALSE(k.valid(b));

  Handle c = k.event();
  Handle d = k.event();
  REQUIRE(k.call("handle_close_many", k.user_handles({c, IpcRig::kBad, d, c}), 4) == Status::kBadHandle);
  REQUIRE_FALSE(k.valid(c));
  REQUIRE_FALSE(k.valid(d));
  REQUIRE(k.call("handle_close_many", nullptr, 0) == Status::kOk);
}

TEST_CASE("handle_close_many closes up to where its array ends", "[zx_handle_close_many]") {
  IpcRig k;
  std::vector<Handle> events;
  for (int i = 0; i < 64; ++i) events.push_back(k.event());
  GuestAddr at = IpcRig::kMemory + IpcRig::kMemorySize - 64 * sizeof(Handle);
  for (size_t i = 0; i < events.size(); ++i) k.poke(at + i * sizeof(Handle), events[i]);
  REQUIRE(k.call("handle_close_many", at, ~uint64_t{0} >> 8) == Status::kInvalidArgs);
  for (Handle event : events) REQUIRE_FALSE(k.valid(event));
}

TEST_CASE("handle_duplicate gives the same object the rights that were asked for", "[zx_handle_duplicate]") {
  IpcRig k;
  Handle event = k.event();
  abi::InfoHandleBasic source = k.basic(event);
  abi::InfoHandleBasic same = k.basic(k.duplicate(event));
  REQUIRE(same.koid == source.koid);
  REQUIRE(same.rights == source.rights);
  REQUIRE(k.basic(k.duplicate(event, Rights::kWait | Rights::kSignal)).rights == (Rights::kWait | Rights::kSignal));
  REQUIRE(k.basic(k.duplicate(event, Rights::kNone)).rights == Rights::kNone);
  REQUIRE(k.handle_count(event) == 4);
}

TEST_CASE("handle_duplicate refuses what it must and changes nothing", "[zx_handle_duplicate]") {
  IpcRig k;
  Handle event = k.event();
  GuestAddr out = k.room(4);
  auto duplicate = [&](Handle handle, Rights rights) { return k.call("handle_duplicate", handle, rights, out); };
  REQUIRE(duplicate(IpcRig::kBad, Rights::kSameRights) == Status::kBadHandle);
  REQUIRE(duplicate(Handle::kInvalid, Rights::kSameRights) == Status::kBadHandle);
  REQUIRE(duplicate(event, Rights::kWrite) == Status::kInvalidArgs);
  REQUIRE(duplicate(event, Rights::kSameRights | Rights::kWait) == Status::kInvalidArgs);
  REQUIRE(k.call("handle_duplicate", event, Rights::kSameRights, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.handle_count(event) == 1);

  Handle single = k.without(event, Rights::kDuplicate);
  REQUIRE(duplicate(single, Rights::kSameRights) == Status::kAccessDenied);
  REQUIRE(duplicate(single, Rights::kWrite) == Status::kAccessDenied);
}

TEST_CASE("handle_replace needs no right and leaves one handle", "[zx_handle_replace]") {
  IpcRig k;
  Handle event = k.event();
  Handle bare = k.make("handle_replace", event, Rights::kInspect);
  REQUIRE_FALSE(k.valid(event));
  REQUIRE(k.basic(bare).rights == Rights::kInspect);
  REQUIRE(k.handle_count(bare) == 1);
}

TEST_CASE("handle_replace consumes its source also when it fails", "[zx_handle_replace]") {
  IpcRig k;
  Handle event = k.event();
  Handle witness = k.duplicate(event);
  REQUIRE(k.call("handle_replace", event, Rights::kWrite, k.room(4)) == Status::kInvalidArgs);
  REQUIRE_FALSE(k.valid(event));
  Handle other = k.duplicate(witness);
  REQUIRE(k.call("handle_replace", other, Rights::kSameRights, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.handle_count(witness) == 1);
  REQUIRE(k.call("handle_replace", IpcRig::kBad, Rights::kSameRights, k.room(4)) == Status::kBadHandle);
}

TEST_CASE("handle_replace cancels waits made through the source", "[zx_handle_replace]") {
  IpcRig k;
  Handle event = k.event();
  Made& waiter = k.start(k.thread(), "object_wait_one", event, Signals::kUser0, Time::never(), nullptr);
  k.make("handle_replace", event, Rights::kSameRights);
  k.run();
  REQUIRE(waiter.status() == Status::kCanceled);
}

TEST_CASE("a bad handle meets the job's policy, but for the question whether it is one",
          "[zx_handle_close][zx_object_get_info]") {
  IpcRig k;
  abi::PolicyBasicV2 deny = {abi::PolicyCondition::kBadHandle, abi::PolicyAction::kKill, abi::PolicyOverride::kAllow};
  Ref<Job> job = *Job::create(k.job());
  REQUIRE(job->set_basic_policy(abi::PolicyOption::kAbsolute, std::span(&deny, 1)) == Status::kOk);
  Ref<Process> process = k.make_process(job, "strict");
  Thread& thread = *process->threads().begin()->second;
  REQUIRE(k.call_as(thread, "object_get_info", IpcRig::kBad, abi::InfoTopic::kHandleValid, nullptr, 0, nullptr,
                    nullptr) == Status::kBadHandle);
  REQUIRE_FALSE(process->dead());
  Ref<Thread> kept(&thread);
  k.start(thread, "handle_close", IpcRig::kBad);
  REQUIRE(process->dead());
  REQUIRE(process->return_code() == static_cast<int64_t>(abi::TaskRetcode::kPolicyKill));
}

TEST_CASE("HANDLE_BASIC tells koid, rights, type and the related koid", "[zx_object_get_info]") {
  IpcRig k;
  auto [a, b] = k.channel();
  abi::InfoHandleBasic of_a = k.basic(a);
  abi::InfoHandleBasic of_b = k.basic(b);
  REQUIRE(of_a.type == ObjectType::kChannel);
  REQUIRE(of_a.rights == abi::default_rights(ObjectType::kChannel));
  REQUIRE(of_a.related_koid == of_b.koid);
  REQUIRE(of_b.related_koid == of_a.koid);
  Handle bare = k.make("handle_replace", a, Rights::kNone);
  REQUIRE(k.basic(bare).koid == of_a.koid);
}

TEST_CASE("programs of July 2020 are told what can be waited for", "[zx_object_get_info]") {
  IpcRig k;
  Handle event = k.event();
  REQUIRE(k.basic(event).reserved == 0);
  k.core().vm().set_july_2020();
  REQUIRE(k.basic(event).reserved == 1);
  REQUIRE(k.basic(k.port()).reserved == 0);
}

TEST_CASE("a record that does not fit is too small and counted", "[zx_object_get_info]") {
  IpcRig k;
  Handle event = k.event();
  GuestAddr counts = k.user(std::array<uint64_t, 2>{7, 7});
  GuestAddr buffer = k.room(32);
  auto ask = [&](uint64_t size) {
    return k.call("object_get_info", event, abi::InfoTopic::kHandleBasic, buffer, size, counts, counts + 8);
  };
  REQUIRE(ask(31) == Status::kBufferTooSmall);
  REQUIRE(k.peek<uint64_t>(counts) == 0);
  REQUIRE(k.peek<uint64_t>(counts, 1) == 1);
  REQUIRE(ask(32) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(counts) == 1);
  REQUIRE(k.peek<uint64_t>(counts, 1) == 1);
  REQUIRE(ask(4096) == Status::kOk);
}

TEST_CASE("object_get_info says why it cannot answer", "[zx_object_get_info]") {
  IpcRig k;
  Handle event = k.event();
  GuestAddr buffer = k.room(64);
  auto ask = [&](Handle handle, auto topic, GuestAddr at, GuestAddr actual = {}, GuestAddr avail = {}) {
    return k.call("object_get_info", handle, topic, at, 64, actual, avail);
  };
  REQUIRE(ask(event, 0xfff, buffer) == Status::kNotSupported);
  REQUIRE(ask(event, 0x1000'0002, buffer) == Status::kNotSupported);
  REQUIRE(ask(IpcRig::kBad, abi::InfoTopic::kHandleBasic, buffer) == Status::kBadHandle);
  REQUIRE(ask(event, abi::InfoTopic::kTimer, buffer) == Status::kWrongType);
  REQUIRE(ask(event, abi::InfoTopic::kHandleBasic, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(ask(event, abi::InfoTopic::kHandleBasic, buffer, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(ask(event, abi::InfoTopic::kHandleBasic, buffer, {}, IpcRig::kNowhere) == Status::kInvalidArgs);
  Handle blind = k.without(event, Rights::kInspect);
  REQUIRE(ask(blind, abi::InfoTopic::kHandleCount, buffer) == Status::kAccessDenied);
}

TEST_CASE("HANDLE_COUNT counts handles in messages too", "[zx_object_get_info]") {
  IpcRig k;
  Handle event = k.event();
  auto [a, b] = k.channel();
  k.send(a, "", {k.duplicate(event)});
  REQUIRE(k.handle_count(event) == 2);
  k.receive(b);
  REQUIRE(k.handle_count(event) == 2);
}

TEST_CASE("HANDLE_TABLE and PROCESS_HANDLE_STATS list what a process holds", "[zx_object_get_info]") {
  IpcRig k;
  Handle self = k.handle(k.process());
  Handle event = k.event();
  auto [a, b] = k.channel();

  GuestAddr stats = k.room(sizeof(abi::InfoProcessHandleStats));
  REQUIRE(k.call("object_get_info", self, abi::InfoTopic::kProcessHandleStats, stats,
                 sizeof(abi::InfoProcessHandleStats), nullptr, nullptr) == Status::kOk);
  auto counted = k.peek<abi::InfoProcessHandleStats>(stats);
  REQUIRE(counted.handle_count[4] == 2);
  REQUIRE(counted.handle_count[5] == 1);
  REQUIRE(counted.handle_count[1] == 1);

  GuestAddr counts = k.room(16);
  GuestAddr table = k.room(3 * sizeof(abi::InfoHandleExtended));
  REQUIRE(k.call("object_get_info", self, abi::InfoTopic::kHandleTable, table, 3 * sizeof(abi::InfoHandleExtended) + 7,
                 counts, counts + 8) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(counts) == 3);
  REQUIRE(k.peek<uint64_t>(counts, 1) == 4);
  auto first = k.peek<abi::InfoHandleExtended>(table);
  auto second = k.peek<abi::InfoHandleExtended>(table, 1);
  auto third = k.peek<abi::InfoHandleExtended>(table, 2);
  REQUIRE(first.handle_value == b);
  REQUIRE(second.handle_value == a);
  REQUIRE(second.related_koid == k.basic(b).koid);
  REQUIRE(third.handle_value == event);
  REQUIRE(third.rights == abi::default_rights(ObjectType::kEvent));

  // An array topic needs no buffer to say how many there are.
  REQUIRE(k.call("object_get_info", self, abi::InfoTopic::kHandleTable, nullptr, 0, counts, counts + 8) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(counts) == 0);
  REQUIRE(k.peek<uint64_t>(counts, 1) == 4);

  Handle weak = k.without(self, Rights::kManageThread);
  REQUIRE(k.call("object_get_info", weak, abi::InfoTopic::kHandleTable, nullptr, 0, counts, counts + 8) ==
          Status::kAccessDenied);
}

TEST_CASE("when no handle is left, calls that make one have no memory, and make nothing",
          "[zx_handle_duplicate][zx_handle_replace][zx_channel_create][zx_event_create]") {
  IpcRig k;
  Handle event = k.event();
  Ref<Object> object = k.object<Object>(event);
  std::vector<HandleOwner> all;
  while (true) {
    Result<HandleOwner> made = k.core().handles().make(object, Rights::kNone);
    if (!made) break;
    all.push_back(std::move(*made));
  }
  REQUIRE(k.core().handles().live() == HandleArena::kMaxHandles);
  GuestAddr out = k.room(8);
  REQUIRE(k.call("event_create", 0, out) == Status::kNoMemory);
  REQUIRE(k.call("handle_duplicate", event, Rights::kSameRights, out) == Status::kNoMemory);
  REQUIRE(k.valid(event));

  // One is left: not enough for both ends of a channel.
  all.pop_back();
  uint32_t live = k.core().handles().live();
  REQUIRE(k.call("channel_create", 0, out, out + 4) == Status::kNoMemory);
  REQUIRE(k.core().handles().live() == live);
  REQUIRE(k.call("event_create", 0, out) == Status::kOk);

  // A replacement needs a handle before its source is gone, which it is whatever comes.
  REQUIRE(k.call("handle_replace", event, Rights::kSameRights, out) == Status::kNoMemory);
  REQUIRE_FALSE(k.valid(event));
}

}  // namespace
}  // namespace jacinth::kernel
