// Ports through calls (kernel/syscalls/port.cc).
#include "kernel/ipc/port.h"

#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

constexpr Time kNever = Time::never();

TEST_CASE("port_create takes one option", "[zx_port_create]") {
  IpcRig k;
  Handle port = k.port();
  REQUIRE(k.basic(port).type == ObjectType::kPort);
  REQUIRE(k.basic(port).rights == abi::default_rights(ObjectType::kPort));
  k.port(abi::PortOptions::kBindToInterrupt);
  REQUIRE(k.call("port_create", 2, k.room(4)) == Status::kInvalidArgs);
  REQUIRE(k.call("port_create", 0, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.core().counter("dispatcher.port.create") == k.core().counter("dispatcher.port.destroy") + 2);
}

TEST_CASE("port_queue passes a packet through but for its type", "[zx_port_queue][zx_port_wait]") {
  IpcRig k;
  Handle port = k.port();
  abi::PortPacket sent = {.key = 77, .type = abi::PacketType::kPageRequest, .status = Status::kIo};
  sent.user.u64 = {1, ~uint64_t{0}, 3, 4};
  REQUIRE(k.call("port_queue", port, k.user(sent)) == Status::kOk);
  abi::PortPacket got = k.packet(port);
  REQUIRE(got.key == 77);
  REQUIRE(got.type == abi::PacketType::kUser);
  REQUIRE(got.status == Status::kIo);
  REQUIRE(got.user.u64 == sent.user.u64);
}

TEST_CASE("port_queue checks handle, type, right and pointer in this order", "[zx_port_queue]") {
  IpcRig k;
  Handle port = k.port();
  auto queue = [&](Handle handle, GuestAddr packet) { return k.call("port_queue", handle, packet); };
  GuestAddr packet = k.user(abi::PortPacket{});
  REQUIRE(queue(IpcRig::kBad, IpcRig::kNowhere) == Status::kBadHandle);
  REQUIRE(queue(k.event(), IpcRig::kNowhere) == Status::kWrongType);
  REQUIRE(queue(port, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(queue(k.without(port, Rights::kWrite), packet) == Status::kAccessDenied);
}

TEST_CASE("a full port raises a policy exception and tells the handler of it to wait", "[zx_port_queue]") {
  IpcRig k;
  Ref<Process> process = k.make_process("spammer");
  Handle port = k.port();
  Handle its_port = k.handle(process, k.object<Object>(port), Rights::kWrite);
  for (int i = 0; i < 4097; ++i) REQUIRE(k.object<Port>(port)->queue_user({}) == Status::kOk);

  Thread& thread = *process->threads().begin()->second;
  REQUIRE(k.call_as(thread, "port_queue", its_port, IpcRig::kMemory) == Status::kShouldWait);
  k.run();
  REQUIRE(process->dead());
  REQUIRE(k.core().counter("port.full.count") == 1);
  REQUIRE(k.object<Port>(port)->user_packet_count() == 4097);
}

TEST_CASE("port_wait sleeps until another thread queues", "[zx_port_wait]") {
  IpcRig k;
  Handle port = k.port();
  GuestAddr out = k.room(sizeof(abi::PortPacket));

  Made& reader = k.start(k.thread(), "port_wait", port, kNever, out);
  REQUIRE(reader.status() == Status::kParked);

  REQUIRE(k.queue(port, 7) == Status::kOk);
  k.run();
  REQUIRE(reader.status() == Status::kOk);
  REQUIRE(k.peek<abi::PortPacket>(out).key == 7);
}

TEST_CASE("port_wait takes a packet that is there, whatever the deadline, and else times out", "[zx_port_wait]") {
  IpcRig k;
  Handle port = k.port();
  GuestAddr out = k.room(sizeof(abi::PortPacket));
  k.advance_to(Time{10});
  REQUIRE(k.queue(port, 1) == Status::kOk);
  REQUIRE(k.call("port_wait", port, Time{0}, out) == Status::kOk);
  REQUIRE(k.call("port_wait", port, Time{0}, out) == Status::kTimedOut);
  REQUIRE(k.call("port_wait", port, Time{10}, out) == Status::kTimedOut);

  Made& reader = k.start(k.thread(), "port_wait", port, Time{100}, out);
  k.advance_to(Time{100});
  REQUIRE(reader.status() == Status::kTimedOut);
  REQUIRE(k.queue(port, 2) == Status::kOk);
  REQUIRE(k.keys(port) == std::vector<uint64_t>{2});
}

// Closing a port does not wake its waiters on Zircon: on_zero_handles() drops the packets and posts nothing, so a
// waiter sleeps on until its deadline.
TEST_CASE("port_wait sleeps on when its handle is closed", "[zx_port_wait][zx_handle_close]") {
  IpcRig k;
  Handle port = k.port();
  Made& reader = k.start(k.thread(), "port_wait", port, Time{100}, k.room(48));
  k.close(port);
  k.run();
  REQUIRE(reader.status() == Status::kParked);
  k.advance_to(Time{100});
  REQUIRE(reader.status() == Status::kTimedOut);
}

TEST_CASE("port_wait loses the packet when it cannot write it", "[zx_port_wait]") {
  IpcRig k;
  Handle port = k.port();
  REQUIRE(k.queue(port, 1) == Status::kOk);
  REQUIRE(k.queue(port, 2) == Status::kOk);
  REQUIRE(k.call("port_wait", port, Time{0}, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.keys(port) == std::vector<uint64_t>{2});
}

TEST_CASE("port_wait checks handle, type and right", "[zx_port_wait]") {
  IpcRig k;
  Handle port = k.port();
  auto wait = [&](Handle handle) { return k.call("port_wait", handle, Time{0}, k.room(48)); };
  REQUIRE(wait(IpcRig::kBad) == Status::kBadHandle);
  REQUIRE(wait(k.event()) == Status::kWrongType);
  REQUIRE(wait(k.without(port, Rights::kRead)) == Status::kAccessDenied);
}

TEST_CASE("threads that wait on one port share its packets in the order in which they came", "[zx_port_wait]") {
  IpcRig k;
  Handle port = k.port();
  GuestAddr outs = k.room(3 * sizeof(abi::PortPacket));
  std::vector<Made*> readers;
  for (int i = 0; i < 3; ++i) {
    readers.push_back(&k.start(k.thread(), "port_wait", port, kNever, outs + i * sizeof(abi::PortPacket)));
  }
  for (uint64_t key : {1, 2, 3}) {
    REQUIRE(k.queue(port, key) == Status::kOk);
    k.run();
    for (uint64_t i = 0; i < 3; ++i) {
      REQUIRE(readers[i]->status() == (i < key ? Status::kOk : Status::kParked));
    }
    REQUIRE(k.peek<abi::PortPacket>(outs, key - 1).key == key);
  }
}

TEST_CASE("a thread that was woken for a packet that another took waits on, and is counted", "[zx_port_wait]") {
  IpcRig k;
  Handle port = k.port();
  Made& reader = k.start(k.thread(), "port_wait", port, kNever, k.room(48));
  REQUIRE(k.object<Port>(port)->queue_user({.key = 1}) == Status::kOk);
  k.object<Port>(port)->pop_front();
  k.run();
  REQUIRE(reader.status() == Status::kParked);
  REQUIRE(k.core().counter("port.dequeue.spurious.count") == 1);
  REQUIRE(k.queue(port, 2) == Status::kOk);
  k.run();
  REQUIRE(reader.status() == Status::kOk);
}

TEST_CASE("a packet for a thread that was killed goes to the next", "[zx_port_wait]") {
  IpcRig k;
  Handle port = k.port();
  Thread& first = k.thread();
  k.start(first, "port_wait", port, kNever, k.room(48));
  Made& second = k.start(k.thread(), "port_wait", port, kNever, k.room(48));
  REQUIRE(k.object<Port>(port)->queue_user({.key = 1}) == Status::kOk);
  REQUIRE_FALSE(first.parked());
  first.kill();
  k.kernel().settle();
  k.run();
  REQUIRE(second.status() == Status::kOk);
}

TEST_CASE("port_cancel removes waits and packets of that very handle and key", "[zx_port_cancel]") {
  IpcRig k;
  Handle port = k.port();
  Handle event = k.event();
  Handle same = k.duplicate(event);
  k.watch(event, port, 5, Signals::kUser0);
  k.watch(event, port, 5, Signals::kUser1);
  k.watch(event, port, 6, Signals::kUser1);
  k.watch(same, port, 5, Signals::kUser1);
  REQUIRE(k.queue(port, 5) == Status::kOk);
  k.signal(event, Signals::kUser0);

  REQUIRE(k.call("port_cancel", port, event, 5) == Status::kOk);
  REQUIRE(k.call("port_cancel", port, event, 5) == Status::kNotFound);
  k.signal(event, Signals::kUser1);
  REQUIRE(k.keys(port) == std::vector<uint64_t>{5, 5, 6});
}

TEST_CASE("port_cancel checks handles and rights", "[zx_port_cancel]") {
  IpcRig k;
  Handle port = k.port();
  Handle event = k.event();
  auto cancel = [&](Handle on, Handle source) { return k.call("port_cancel", on, source, 0); };
  REQUIRE(cancel(IpcRig::kBad, event) == Status::kBadHandle);
  REQUIRE(cancel(event, event) == Status::kWrongType);
  REQUIRE(cancel(port, IpcRig::kBad) == Status::kBadHandle);
  REQUIRE(cancel(port, k.port()) == Status::kAccessDenied);
  REQUIRE(cancel(port, k.handle(k.object<Object>(k.port()), Rights::kWait)) == Status::kNotSupported);
  REQUIRE(cancel(port, event) == Status::kNotFound);
  REQUIRE(cancel(k.without(port, Rights::kWrite), event) == Status::kAccessDenied);
}

TEST_CASE("the job's policy decides whether ports, events, timers and channels may be made",
          "[zx_port_create][zx_event_create][zx_eventpair_create][zx_timer_create][zx_channel_create]") {
  using enum abi::PolicyCondition;
  struct Row {
    abi::PolicyCondition condition;
    std::string_view call;
    std::array<uint64_t, 4> arguments;
  };
  const uint64_t kOut = IpcRig::kMemory.value;
  for (const Row& row :
       {Row{kNewPort, "port_create", {0, kOut}}, Row{kNewEvent, "event_create", {0, kOut}},
        Row{kNewEventpair, "eventpair_create", {0, kOut, kOut + 4}}, Row{kNewTimer, "timer_create", {0, 0, kOut}},
        Row{kNewChannel, "channel_create", {0, kOut, kOut + 4}}}) {
    IpcRig k;
    CAPTURE(row.call);
    abi::PolicyBasicV2 deny = {row.condition, abi::PolicyAction::kDeny, abi::PolicyOverride::kAllow};
    Ref<Job> job = *Job::create(k.job());
    REQUIRE(job->set_basic_policy(abi::PolicyOption::kAbsolute, std::span(&deny, 1)) == Status::kOk);
    Ref<Process> process = k.make_process(job, "poor");
    Thread& thread = *process->threads().begin()->second;
    auto [a, b, c, d] = row.arguments;
    REQUIRE(k.call_as(thread, row.call, a, b, c, d) == Status::kAccessDenied);
    REQUIRE(k.call(row.call, a, b, c, d) == Status::kOk);
  }
}

}  // namespace
}  // namespace jacinth::kernel
