// Signals, names and children through calls (kernel/syscalls/object.cc).
#include "kernel/abi/property.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

TEST_CASE("object_signal clears before it sets and takes only what the object allows", "[zx_object_signal]") {
  IpcRig k;
  Handle event = k.event();
  k.signal(event, Signals::kUser0 | Signals::kSignaled);
  k.signal(event, Signals::kUser1, Signals::kUser0);
  REQUIRE(k.signals(event) == (Signals::kUser1 | Signals::kSignaled));
  k.signal(event, Signals::kUser1, Signals::kUser1);
  REQUIRE(contains(k.signals(event), Signals::kUser1));

  auto [channel, peer] = k.channel();
  for (Signals refused : {Signals::kReadable, Signals::kPeerClosed, Signals::kSignaled, Signals::kHandleClosed}) {
    REQUIRE(k.call("object_signal", channel, 0, refused) == Status::kInvalidArgs);
    REQUIRE(k.call("object_signal", channel, refused, 0) == Status::kInvalidArgs);
  }
  REQUIRE(k.call("object_signal", channel, 0, Signals::kUserAll) == Status::kOk);
  REQUIRE(k.signals(peer) == Signals::kWritable);
}

TEST_CASE("object_signal checks handle and right", "[zx_object_signal]") {
  IpcRig k;
  Handle event = k.event();
  REQUIRE(k.call("object_signal", IpcRig::kBad, 0, Signals::kUser0) == Status::kBadHandle);
  REQUIRE(k.call("object_signal", k.port(), 0, Signals::kUser0) == Status::kAccessDenied);
  REQUIRE(k.call("object_signal", k.without(event, Rights::kSignal), 0, Signals::kUser0) == Status::kAccessDenied);
}

TEST_CASE("object_signal_peer reaches the other end while it has handles", "[zx_object_signal_peer]") {
  IpcRig k;
  auto [a, b] = k.eventpair();
  REQUIRE(k.call("object_signal_peer", a, 0, Signals::kSignaled | Signals::kUser3) == Status::kOk);
  REQUIRE(k.signals(b) == (Signals::kSignaled | Signals::kUser3));
  REQUIRE(k.signals(a) == Signals::kNone);
  REQUIRE(k.call("object_signal_peer", a, 0, Signals::kReadable) == Status::kInvalidArgs);
  k.close(b);
  REQUIRE(k.call("object_signal_peer", a, 0, Signals::kUser0) == Status::kPeerClosed);
  REQUIRE(k.call("object_signal_peer", a, 0, Signals::kReadable) == Status::kInvalidArgs);
  REQUIRE(k.signals(a) == Signals::kPeerClosed);
}

TEST_CASE("object_signal_peer checks handle, right and object", "[zx_object_signal_peer]") {
  IpcRig k;
  auto [a, b] = k.eventpair();
  REQUIRE(k.call("object_signal_peer", IpcRig::kBad, 0, Signals::kUser0) == Status::kBadHandle);
  REQUIRE(k.call("object_signal_peer", k.event(), 0, Signals::kUser0) == Status::kAccessDenied);
  REQUIRE(k.call("object_signal_peer", k.without(a, Rights::kSignalPeer), 0, Signals::kUser0) == Status::kAccessDenied);
  Handle loner = k.handle(k.object<Object>(k.event()), Rights::kSignalPeer);
  REQUIRE(k.call("object_signal_peer", loner, 0, Signals::kUser0) == Status::kNotSupported);
  REQUIRE(k.signals(b) == Signals::kNone);
}

TEST_CASE("ZX_PROP_NAME is cut at 31 bytes and at the first NUL", "[zx_object_get_property][zx_object_set_property]") {
  IpcRig k;
  Handle process = k.handle(k.process());
  GuestAddr out = k.room(32);
  auto set = [&](std::string_view name) {
    return k.call("object_set_property", process, abi::Property::kName, k.user_text(name), name.size());
  };
  auto get = [&] {
    REQUIRE(k.call("object_get_property", process, abi::Property::kName, out, 32) == Status::kOk);
    return k.text(out, 32);
  };
  REQUIRE(set("short") == Status::kOk);
  REQUIRE(get() == std::string("short") + std::string(27, '\0'));
  REQUIRE(set(std::string(100, 'x')) == Status::kOk);
  REQUIRE(get() == std::string(31, 'x') + '\0');
  REQUIRE(set(std::string_view("a\0b", 3)) == Status::kOk);
  REQUIRE(get() == "a" + std::string(31, '\0'));
  REQUIRE(set("") == Status::kOk);
  REQUIRE(get() == std::string(32, '\0'));
}

TEST_CASE("properties say why they cannot be had", "[zx_object_get_property][zx_object_set_property]") {
  IpcRig k;
  Handle process = k.handle(k.process());
  GuestAddr out = k.room(32);
  auto get = [&](Handle handle, auto property, GuestAddr at, uint64_t size) {
    return k.call("object_get_property", handle, property, at, size);
  };
  auto set = [&](Handle handle, auto property, GuestAddr at, uint64_t size) {
    return k.call("object_set_property", handle, property, at, size);
  };
  REQUIRE(get(process, abi::Property::kName, out, 31) == Status::kBufferTooSmall);
  REQUIRE(get(process, abi::Property::kName, GuestAddr{}, 32) == Status::kInvalidArgs);
  REQUIRE(get(process, abi::Property::kName, IpcRig::kNowhere, 32) == Status::kInvalidArgs);
  REQUIRE(get(process, 999, out, 32) == Status::kInvalidArgs);
  REQUIRE(get(IpcRig::kBad, abi::Property::kName, out, 32) == Status::kBadHandle);
  REQUIRE(get(k.event(), abi::Property::kName, out, 32) == Status::kAccessDenied);
  REQUIRE(set(process, abi::Property::kName, GuestAddr{}, 3) == Status::kInvalidArgs);
  REQUIRE(set(process, abi::Property::kName, IpcRig::kNowhere, 3) == Status::kInvalidArgs);
  REQUIRE(set(process, 999, out, 32) == Status::kInvalidArgs);
  REQUIRE(set(k.event(), abi::Property::kName, out, 3) == Status::kAccessDenied);
}

TEST_CASE("an object without a name has an empty one that cannot be set",
          "[zx_object_get_property][zx_object_set_property]") {
  IpcRig k;
  Handle event = k.handle(k.object<Object>(k.event()), Rights::kProperty);
  GuestAddr out = k.user(std::array<char, 32>{'x'});
  REQUIRE(k.call("object_get_property", event, abi::Property::kName, out, 32) == Status::kOk);
  REQUIRE(k.text(out, 32) == std::string(32, '\0'));
  REQUIRE(k.call("object_set_property", event, abi::Property::kName, out, 3) == Status::kNotSupported);
}

TEST_CASE("object_get_child finds jobs, processes and threads by koid", "[zx_object_get_child]") {
  IpcRig k;
  Ref<Job> child_job = *Job::create(k.job());
  Handle job = k.handle(k.job());
  Handle process = k.handle(k.process());
  Koid thread = k.main_thread().koid();

  Handle found_job = k.make("object_get_child", job, child_job->koid(), Rights::kSameRights);
  REQUIRE(k.basic(found_job).koid == child_job->koid());
  REQUIRE(k.basic(found_job).rights == k.basic(job).rights);
  REQUIRE(k.basic(k.make("object_get_child", job, k.process()->koid(), Rights::kInspect)).koid == k.process()->koid());
  REQUIRE(k.basic(k.make("object_get_child", process, thread, Rights::kInspect)).koid == thread);

  GuestAddr out = k.room(4);
  auto get = [&](Handle parent, Koid koid, Rights rights) {
    return k.call("object_get_child", parent, koid, rights, out);
  };
  REQUIRE(get(job, thread, Rights::kInspect) == Status::kNotFound);
  REQUIRE(get(process, child_job->koid(), Rights::kInspect) == Status::kNotFound);
  REQUIRE(get(process, thread, Rights::kExecute) == Status::kAccessDenied);
  REQUIRE(get(IpcRig::kBad, thread, Rights::kInspect) == Status::kBadHandle);
  REQUIRE(get(k.event(), thread, Rights::kInspect) == Status::kAccessDenied);
  REQUIRE(get(k.handle(k.object<Object>(k.event()), Rights::kEnumerate), thread, Rights::kNone) == Status::kWrongType);
  REQUIRE(get(k.without(process, Rights::kEnumerate), thread, Rights::kNone) == Status::kAccessDenied);
  uint32_t handles = k.handle_count(job);
  REQUIRE(k.call("object_get_child", job, k.job()->koid(), Rights::kNone, out) == Status::kNotFound);
  REQUIRE(k.handle_count(job) == handles);
}

TEST_CASE("ZX_PROP_JOB_KILL_ON_OOM is set to 0 or 1, and never read", "[zx_object_set_property]") {
  IpcRig k;
  Handle job = k.handle(k.job());
  auto set = [&](Handle handle, uint64_t value) {
    return k.call("object_set_property", handle, abi::Property::kJobKillOnOom, k.user(value), 8);
  };
  REQUIRE(set(job, 1) == Status::kOk);
  REQUIRE(k.job()->kill_on_oom());
  REQUIRE(set(job, 0) == Status::kOk);
  REQUIRE_FALSE(k.job()->kill_on_oom());
  REQUIRE(set(job, 2) == Status::kInvalidArgs);
  REQUIRE(set(k.handle(k.process()), 1) == Status::kWrongType);
  REQUIRE(set(k.without(k.handle(k.job()), Rights::kSetProperty), 1) == Status::kAccessDenied);
  REQUIRE(k.call("object_set_property", job, abi::Property::kJobKillOnOom, IpcRig::kNowhere, 8) ==
          Status::kInvalidArgs);
  REQUIRE(k.call("object_get_property", job, abi::Property::kJobKillOnOom, k.room(8), 8) == Status::kInvalidArgs);
}

TEST_CASE("ZX_PROP_PROCESS_HW_TRACE_CONTEXT_ID is for debuggers, on x86-64", "[zx_object_get_property]") {
  auto get = [](IpcRig& k, Handle handle, size_t size) {
    return k.call("object_get_property", handle, abi::Property::kProcessHwTraceContextId, k.room(8), size);
  };
  IpcRig plain(Arch::kX86_64);
  REQUIRE(get(plain, plain.handle(plain.process()), 8) == Status::kNotSupported);
  IpcRig arm64(Arch::kArm64, {{"kernel.enable-debugging-syscalls", "true"}});
  REQUIRE(get(arm64, arm64.handle(arm64.process()), 8) == Status::kNotSupported);
  IpcRig x86(Arch::kX86_64, {{"kernel.enable-debugging-syscalls", "true"}});
  REQUIRE(get(x86, x86.handle(x86.process()), 8) == Status::kOk);
  REQUIRE(get(x86, x86.handle(x86.process()), 7) == Status::kBufferTooSmall);
  REQUIRE(get(x86, x86.handle(x86.job()), 8) == Status::kWrongType);
}

TEST_CASE("a property that nothing has any more is an invalid argument", "[zx_object_get_property]") {
  IpcRig k;
  auto [channel, peer] = k.channel();
  Handle handle = k.handle(k.object<Object>(channel), Rights::kGetProperty | Rights::kSetProperty);
  REQUIRE(k.call("object_get_property", handle, abi::Property::kChannelTxMsgMax, k.room(8), 8) == Status::kInvalidArgs);
  REQUIRE(k.call("object_set_property", handle, abi::Property::kChannelTxMsgMax, k.room(8), 8) == Status::kInvalidArgs);
  REQUIRE(k.kernel().unsupported().uses().empty());
}

}  // namespace
}  // namespace jacinth::kernel
