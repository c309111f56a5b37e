// Profiles: who may make them, what they say, and what becomes of a thread that gets one.
#include "kernel/abi/profile.h"

#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {

using abi::ProfileFlags;
using abi::ProfileInfo;

namespace {

struct ProfileRig : IpcRig {
  Handle root = handle(kernel().root_job());
  Status create_status(const ProfileInfo& info) { return call("profile_create", root, 0, user(info), room(4)); }
  Handle profile(const ProfileInfo& info) { return make("profile_create", root, 0, user(info)); }
  Handle urgent(int32_t priority) {
    ProfileInfo info = {.flags = ProfileFlags::kPriority};
    info.priority = priority;
    return profile(info);
  }
};

ProfileInfo deadline(int64_t capacity, int64_t relative, int64_t period) {
  ProfileInfo info = {.flags = ProfileFlags::kDeadline};
  info.deadline_params = {.capacity = Duration{capacity}, .relative_deadline = Duration{relative}, .period = {period}};
  return info;
}

}  // namespace

TEST_CASE("profiles are for whoever has the root job", "[zx_profile_create]") {
  ProfileRig k;
  GuestAddr info = k.user(deadline(1, 2, 3));
  GuestAddr out = k.room(4);
  REQUIRE(k.call("profile_create", k.kBad, 1, info, out) == Status::kInvalidArgs);
  REQUIRE(k.call("profile_create", k.kBad, 0, info, out) == Status::kBadHandle);
  REQUIRE(k.call("profile_create", k.event(), 0, info, out) == Status::kWrongType);
  REQUIRE(k.call("profile_create", k.without(k.handle(k.kernel().root_job()), Rights::kManageProcess), 0, info, out) ==
          Status::kAccessDenied);
  REQUIRE(k.call("profile_create", k.handle(k.job()), 0, info, out) == Status::kAccessDenied);
  REQUIRE(k.call("profile_create", k.root, 0, k.kNowhere, out) == Status::kInvalidArgs);
  REQUIRE(k.call("profile_create", k.root, 0, info, k.kNowhere) == Status::kInvalidArgs);
  Handle profile = k.make("profile_create", k.root, 0, info);
  REQUIRE(k.basic(profile).type == ObjectType::kProfile);
  REQUIRE(contains(k.basic(profile).rights, Rights::kApplyProfile));
}

TEST_CASE("a profile says something, and nothing impossible", "[zx_profile_create]") {
  ProfileRig k;
  ProfileInfo info = {};
  REQUIRE(k.create_status(info) == Status::kInvalidArgs);
  info.flags = ProfileFlags{8} | ProfileFlags::kCpuMask;
  REQUIRE(k.create_status(info) == Status::kInvalidArgs);
  for (int32_t priority : {-1, 32, INT32_MAX, INT32_MIN}) {
    info = {.flags = ProfileFlags::kPriority};
    info.priority = priority;
    REQUIRE(k.create_status(info) == Status::kInvalidArgs);
  }
  info = deadline(1, 2, 3);
  info.flags |= ProfileFlags::kPriority;
  REQUIRE(k.create_status(info) == Status::kInvalidArgs);
  REQUIRE(k.create_status(deadline(0, 2, 3)) == Status::kInvalidArgs);
  REQUIRE(k.create_status(deadline(3, 2, 3)) == Status::kInvalidArgs);
  REQUIRE(k.create_status(deadline(1, 3, 2)) == Status::kInvalidArgs);
  REQUIRE(k.create_status(deadline(2, 2, 2)) == Status::kOk);
}

TEST_CASE("a thread with a higher priority runs first, and is woken first", "[zx_object_set_profile]") {
  ProfileRig k;
  Thread& plain = k.thread();
  Thread& urgent = k.thread();
  Handle handle = k.handle(Ref<Object>(&urgent));
  GuestAddr word = k.user(int32_t{1});
  Made& first = k.start(plain, "futex_wait", word, 1, Handle{0}, Time::never());
  Made& second = k.start(urgent, "futex_wait", word, 1, Handle{0}, Time::never());
  // Waiting does not keep it from being sorted anew.
  REQUIRE(k.call("object_set_profile", handle, k.urgent(24), 0) == Status::kOk);
  REQUIRE(urgent.priority() == 24);
  REQUIRE(k.call("futex_wake", word, 1) == Status::kOk);
  k.kernel().schedule(0);
  k.run();
  REQUIRE(second.over);
  REQUIRE_FALSE(first.over);
}

TEST_CASE("a profile comes through a snapshot", "[zx_object_set_profile]") {
  ProfileRig k;
  Thread& thread = k.thread();
  Handle handle = k.handle(Ref<Object>(&thread));
  Handle profile = k.urgent(9);
  k.reload();
  REQUIRE(k.call("object_set_profile", handle, profile, 0) == Status::kOk);
  k.reload();
  REQUIRE(k.object<Thread>(handle)->priority() == 9);
}

TEST_CASE("a profile is for threads that live", "[zx_object_set_profile]") {
  ProfileRig k;
  Handle profile = k.urgent(16);  // Like all others, so that it gets its turn.
  Thread& thread = k.thread();
  Handle handle = k.handle(Ref<Object>(&thread));
  REQUIRE(k.call("object_set_profile", k.kBad, profile, 0) == Status::kBadHandle);
  REQUIRE(k.call("object_set_profile", k.handle(k.process()), profile, 0) == Status::kWrongType);
  REQUIRE(k.call("object_set_profile", k.without(k.duplicate(handle), Rights::kManageThread), profile, 0) ==
          Status::kAccessDenied);
  REQUIRE(k.call("object_set_profile", handle, handle, 0) == Status::kWrongType);
  REQUIRE(k.call("object_set_profile", handle, k.without(k.duplicate(profile), Rights::kApplyProfile), 0) ==
          Status::kAccessDenied);
  REQUIRE(k.call("object_set_profile", handle, profile, 0) == Status::kOk);
  REQUIRE(thread.priority() == 16);
  k.start(thread, "thread_exit");
  REQUIRE(k.call("object_set_profile", handle, profile, 0) == Status::kBadState);
}

TEST_CASE("a profile with a deadline makes a deadline thread, and one with a priority a fair one again",
          "[zx_object_set_profile]") {
  ProfileRig k;
  Thread& thread = k.thread();
  Handle handle = k.handle(Ref<Object>(&thread));
  k.start(thread, "nanosleep", Time{1'000'000});
  REQUIRE(k.call("object_set_profile", handle, k.profile(deadline(1000, 2000, 3000)), 0) == Status::kOk);
  REQUIRE_FALSE(thread.turn().fair());
  REQUIRE(thread.turn().deadline.period == Duration{3000});
  REQUIRE(thread.priority() == 31);
  REQUIRE(k.call("object_set_profile", handle, k.urgent(9), 0) == Status::kOk);
  REQUIRE(thread.turn().fair());
  REQUIRE(thread.priority() == 9);
}

TEST_CASE("a deadline profile comes through a snapshot while its thread waits for its period",
          "[zx_object_set_profile]") {
  ProfileRig k;
  Thread& thread = k.thread();
  Handle handle = k.handle(Ref<Object>(&thread));
  REQUIRE(k.call("object_set_profile", handle, k.profile(deadline(1000, 2000, 3'000'000)), 0) == Status::kOk);
  k.run();
  k.platform().advance_to(k.platform().now() + Duration{1000});
  k.run();
  REQUIRE(k.object<Thread>(handle)->turn().place == Turn::Place::kThrottled);
  k.reload();
  REQUIRE(k.object<Thread>(handle)->turn().place == Turn::Place::kThrottled);
  Time release = k.object<Thread>(handle)->turn().start;
  REQUIRE(k.platform().alarm() == release);
  k.advance_to(release);
  REQUIRE(k.object<Thread>(handle)->turn().start > release);  // It ran, and waits for the next.
}

TEST_CASE("a mask is told back, and what it has beyond 32 CPUs is dropped",
          "[zx_object_set_profile][zx_object_get_info]") {
  ProfileRig k;
  Thread& thread = k.thread();
  Handle handle = k.handle(Ref<Object>(&thread));
  GuestAddr info = k.room(sizeof(abi::InfoThread));
  auto mask = [&] {
    REQUIRE(k.call("object_get_info", handle, abi::InfoTopic::kThread, info, sizeof(abi::InfoThread), 0, 0) ==
            Status::kOk);
    return k.peek<abi::InfoThread>(info).cpu_affinity_mask.mask[0];
  };
  REQUIRE(mask() == 0xffff'ffff);
  ProfileInfo cpus = {.flags = ProfileFlags::kCpuMask};
  cpus.cpu_affinity_mask.mask = {0x10'0000'0005, 7};
  REQUIRE(k.call("object_set_profile", handle, k.profile(cpus), 0) == Status::kOk);
  REQUIRE(mask() == 5);
}

}  // namespace jacinth::kernel
