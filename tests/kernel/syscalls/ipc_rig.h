// Words for tests of the calls on handles, signals, ports, channels, events and timers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/abi/channel.h"
#include "kernel/abi/info.h"
#include "kernel/abi/info_handle.h"
#include "kernel/abi/port_packet.h"
#include "kernel/abi/property.h"
#include "kernel/abi/socket.h"
#include "kernel/abi/wait.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {

struct IpcRig : KernelRig {
  using KernelRig::KernelRig;

  /// No process has memory there.
  static constexpr GuestAddr kNowhere{0x6660};
  static constexpr Handle kBad{0xbad3};

  // --- objects, made by the calls ---

  template <class... Arguments>
  Handle make(std::string_view call_name, Arguments... arguments) {
    GuestAddr out = room(sizeof(Handle));
    REQUIRE(call(call_name, arguments..., out) == Status::kOk);
    return peek<Handle>(out);
  }
  template <class... Arguments>
  std::pair<Handle, Handle> make_pair(std::string_view call_name, Arguments... arguments) {
    GuestAddr out = room(2 * sizeof(Handle));
    REQUIRE(call(call_name, arguments..., out, out + sizeof(Handle)) == Status::kOk);
    return {peek<Handle>(out), peek<Handle>(out, 1)};
  }
  Handle event() { return make("event_create", 0); }
  Handle port(abi::PortOptions options = abi::PortOptions::kNone) { return make("port_create", options); }
  Handle timer(abi::TimerSlack mode = abi::TimerSlack::kCenter) {
    return make("timer_create", mode, abi::ClockId::kMonotonic);
  }
  std::pair<Handle, Handle> channel() { return make_pair("channel_create", 0); }
  std::pair<Handle, Handle> eventpair() { return make_pair("eventpair_create", 0); }
  std::pair<Handle, Handle> fifo(uint64_t elem_count, uint64_t elem_size) {
    return make_pair("fifo_create", elem_count, elem_size, 0);
  }
  std::pair<Handle, Handle> socket(abi::SocketType type = abi::SocketType::kStream) {
    return make_pair("socket_create", type);
  }
  Handle duplicate(Handle source, Rights rights = Rights::kSameRights) {
    return make("handle_duplicate", source, rights);
  }
  /// The same object with fewer rights; the source is gone.
  Handle without(Handle source, Rights rights) {
    Rights kept = basic(source).rights & ~rights;
    return make("handle_replace", source, kept);
  }

  /// What a call gives to a process whose job denies it `condition`.
  template <class... Arguments>
  Status call_denied(abi::PolicyCondition condition, std::string_view call_name, Arguments... arguments) {
    abi::PolicyBasicV2 deny = {condition, abi::PolicyAction::kDeny, abi::PolicyOverride::kAllow};
    Ref<Job> poor = *Job::create(job());
    REQUIRE(poor->set_basic_policy(abi::PolicyOption::kAbsolute, std::span(&deny, 1)) == Status::kOk);
    Ref<Process> process = make_process(poor, "poor");
    return call_as(*process->threads().begin()->second, call_name, arguments...);
  }

  // --- looking ---

  abi::InfoHandleBasic basic(Handle handle) {
    GuestAddr out = room(sizeof(abi::InfoHandleBasic));
    REQUIRE(call("object_get_info", handle, abi::InfoTopic::kHandleBasic, out, sizeof(abi::InfoHandleBasic), nullptr,
                 nullptr) == Status::kOk);
    return peek<abi::InfoHandleBasic>(out);
  }
  bool valid(Handle handle) {
    return call("object_get_info", handle, abi::InfoTopic::kHandleValid, nullptr, 0, nullptr, nullptr) == Status::kOk;
  }
  uint32_t handle_count(Handle handle) {
    GuestAddr out = room(4);
    REQUIRE(call("object_get_info", handle, abi::InfoTopic::kHandleCount, out, 4, nullptr, nullptr) == Status::kOk);
    return peek<uint32_t>(out);
  }
  /// All signals of the moment, as a wait that times out reports them.
  Signals signals(Handle handle) {
    GuestAddr out = room(sizeof(Signals));
    REQUIRE(call("object_wait_one", handle, Signals::kNone, Time{0}, out) == Status::kTimedOut);
    return peek<Signals>(out);
  }
  void signal(Handle handle, Signals set, Signals clear = Signals::kNone) {
    REQUIRE(call("object_signal", handle, clear, set) == Status::kOk);
  }

  /// A property that is one number.
  template <class T>
  T property(Handle handle, abi::Property which) {
    GuestAddr out = room(sizeof(T));
    REQUIRE(call("object_get_property", handle, which, out, sizeof(T)) == Status::kOk);
    return peek<T>(out);
  }
  template <class T>
  Status set_property(Handle handle, abi::Property which, T value) {
    return call("object_set_property", handle, which, user(value), sizeof(T));
  }
  /// The one record of a topic.
  template <class T>
  T info(Handle handle, abi::InfoTopic topic) {
    GuestAddr out = room(sizeof(T));
    REQUIRE(call("object_get_info", handle, topic, out, sizeof(T), nullptr, nullptr) == Status::kOk);
    return peek<T>(out);
  }

  // --- ports ---

  Status queue(Handle port, uint64_t key) { return call("port_queue", port, user(abi::PortPacket{.key = key})); }
  Status wait_async(Handle watched, Handle port, uint64_t key, Signals trigger,
                    abi::WaitAsyncOptions options = abi::WaitAsyncOptions::kOnce) {
    return call("object_wait_async", watched, port, key, trigger, options);
  }
  void watch(Handle watched, Handle port, uint64_t key, Signals trigger,
             abi::WaitAsyncOptions options = abi::WaitAsyncOptions::kOnce) {
    REQUIRE(wait_async(watched, port, key, trigger, options) == Status::kOk);
  }
  /// The next packet, which must be there.
  abi::PortPacket packet(Handle port) {
    GuestAddr out = room(sizeof(abi::PortPacket));
    REQUIRE(call("port_wait", port, Time{0}, out) == Status::kOk);
    return peek<abi::PortPacket>(out);
  }
  /// The keys of all packets that are there.
  std::vector<uint64_t> keys(Handle port) {
    std::vector<uint64_t> keys;
    GuestAddr out = room(sizeof(abi::PortPacket));
    while (call("port_wait", port, Time{0}, out) == Status::kOk) keys.push_back(peek<abi::PortPacket>(out).key);
    return keys;
  }

  // --- channels ---

  GuestAddr user_handles(const std::vector<Handle>& handles) {
    GuestAddr at = room(handles.size() * sizeof(Handle));
    for (size_t i = 0; i < handles.size(); ++i) poke(at + i * sizeof(Handle), handles[i]);
    return at;
  }
  Status write(Handle channel, std::string_view text, const std::vector<Handle>& handles = {}) {
    return call("channel_write", channel, 0, user_text(text), text.size(), user_handles(handles), handles.size());
  }
  void send(Handle channel, std::string_view text, const std::vector<Handle>& handles = {}) {
    REQUIRE(write(channel, text, handles) == Status::kOk);
  }
  std::string text(GuestAddr at, size_t size) {
    std::string text(size, '\0');
    REQUIRE(process()->memory().read(at, std::as_writable_bytes(std::span(text))) == Status::kOk);
    return text;
  }
  struct Received {
    std::string text;
    std::vector<Handle> handles;
  };
  /// The oldest message, which must be there.
  Received receive(Handle channel) {
    constexpr uint32_t kBytes = 256;
    GuestAddr bytes = room(kBytes);
    GuestAddr handles = room(64 * sizeof(Handle));
    GuestAddr actual = room(8);
    REQUIRE(call("channel_read", channel, 0, bytes, handles, kBytes, 64, actual, actual + 4) == Status::kOk);
    Received received = {.text = text(bytes, peek<uint32_t>(actual)), .handles = {}};
    for (uint32_t i = 0; i < peek<uint32_t>(actual, 1); ++i) received.handles.push_back(peek<Handle>(handles, i));
    return received;
  }
  Status read_nothing(Handle channel) {
    return call("channel_read", channel, 0, nullptr, nullptr, 0, 0, nullptr, nullptr);
  }
};

}  // namespace jacinth::kernel
