// The kernel's own trace: what it holds, in which form, and who may read it.
#include "kernel/abi/ktrace.h"

#include <cstring>

#include "kernel/abi/resource.h"
#include "kernel/hw/resource.h"
#include "kernel/task/ktrace.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

using abi::KtraceAction;
using abi::KtraceEvent;
using abi::KtraceGroups;

struct Rig : IpcRig {
  explicit Rig(std::string bufsize = "1")
      : IpcRig(Arch::kArm64, {{"kernel.enable-debugging-syscalls", "true"}, {"ktrace.bufsize", bufsize}}) {}

  struct Record {
    uint32_t event = 0;
    std::vector<uint32_t> words;  // The tag is the first.
    std::string text;
    KtraceEvent kind() const { return static_cast<KtraceEvent>(event); }
  };

  Handle debug = handle(Resource::create_ranged_root(core(), abi::ResourceKind::kSystem, "all"));

  int64_t control(KtraceAction action, KtraceGroups groups = KtraceGroups::kNone, GuestAddr pointer = {}) {
    return static_cast<int32_t>(value("ktrace_control", debug, action, groups, pointer));
  }
  uint64_t available() {
    GuestAddr actual = room(8);
    REQUIRE(call("ktrace_read", debug, nullptr, 0, 0, actual) == Status::kOk);
    return peek<uint64_t>(actual);
  }
  std::vector<std::byte> bytes() {
    uint64_t size = available();
    std::vector<std::byte> all(size);
    constexpr uint64_t kPiece = 4096;
    GuestAddr buffer = room(kPiece);
    GuestAddr actual = room(8);
    for (uint64_t at = 0; at < size; at += kPiece) {
      uint64_t wanted = std::min(kPiece, size - at);
      REQUIRE(call("ktrace_read", debug, buffer, at, wanted, actual) == Status::kOk);
      REQUIRE(peek<uint64_t>(actual) == wanted);
      REQUIRE(process()->memory().read(buffer, std::span(all).subspan(at, wanted)) == Status::kOk);
    }
    return all;
  }
  std::vector<Record> records() {
    std::vector<Record> found;
    std::vector<std::byte> all = bytes();
    for (size_t at = 0; at < all.size();) {
      uint32_t tag = 0;
      std::memcpy(&tag, &all[at], 4);
      uint32_t size = abi::ktrace_size(tag);
      REQUIRE(size >= 16);
      REQUIRE(at + size <= all.size());
      Record record{.event = abi::ktrace_event(tag), .words = std::vector<uint32_t>(size / 4), .text = {}};
      std::memcpy(record.words.data(), &all[at], size);
      record.text = reinterpret_cast<const char*>(&all[at + 12]);
      found.push_back(record);
      at += size;
    }
    return found;
  }
  std::vector<Record> of(KtraceEvent kind) {
    std::vector<Record> found;
    for (const Record& record : records()) {
      if (record.kind() == kind) found.push_back(record);
    }
    return found;
  }
};

TEST_CASE("a trace needs debugging calls, the resource, and an action that there is",
          "[zx_ktrace_control][zx_ktrace_read][zx_ktrace_write]") {
  IpcRig plain;
  Handle all = plain.handle(Resource::create_ranged_root(plain.core(), abi::ResourceKind::kSystem, "all"));
  REQUIRE(plain.call("ktrace_control", all, KtraceAction::kStart, 0, nullptr) == Status::kNotSupported);
  REQUIRE(plain.call("ktrace_read", all, nullptr, 0, 0, plain.room(8)) == Status::kNotSupported);
  REQUIRE(plain.call("ktrace_write", all, 1, 2, 3) == Status::kNotSupported);

  Rig k;
  REQUIRE(k.call("ktrace_control", k.kBad, KtraceAction::kStart, 0, nullptr) == Status::kBadHandle);
  REQUIRE(k.call("ktrace_read", k.event(), nullptr, 0, 0, k.room(8)) == Status::kWrongType);
  REQUIRE(k.call("ktrace_write", k.event(), 1, 2, 3) == Status::kWrongType);
  REQUIRE(k.control(KtraceAction{0}) == abi::raw(Status::kInvalidArgs));
  REQUIRE(k.control(KtraceAction{6}) == abi::raw(Status::kInvalidArgs));
  REQUIRE(k.call("ktrace_write", k.debug, 0x800, 2, 3) == Status::kInvalidArgs);
  REQUIRE(k.call("ktrace_write", k.debug, 1, 2, 3) == Status::kUnavailable);
  REQUIRE(k.available() == 0);
}

TEST_CASE("a trace begins with its version, its ticks and the names of the calls", "[zx_ktrace_control]") {
  Rig k;
  REQUIRE(k.control(KtraceAction::kStart) == 0);
  REQUIRE(k.call("ktrace_read", k.debug, nullptr, 0, 0, k.room(8)) == Status::kBadState);
  REQUIRE(k.control(KtraceAction::kRewind) == abi::raw(Status::kBadState));
  REQUIRE(k.control(KtraceAction::kStop) == 0);
  std::vector<Rig::Record> records = k.records();
  REQUIRE(records[0].kind() == KtraceEvent::kVersion);
  REQUIRE(records[0].words[4] == 0x20000);
  REQUIRE(records[1].kind() == KtraceEvent::kTicksPerMs);
  REQUIRE(records[1].words[4] == 1'000'000);
  bool found = false;
  for (const Rig::Record& record : k.of(KtraceEvent::kSyscallName)) {
    if (record.words[1] == Rig::number("port_wait")) found = record.text == "port_wait";
  }
  REQUIRE(found);
  REQUIRE_FALSE(k.of(KtraceEvent::kProcName).empty());
  REQUIRE_FALSE(k.of(KtraceEvent::kThreadName).empty());
}

TEST_CASE("calls are traced as they come and go, and nothing that was not asked for", "[zx_ktrace_read]") {
  Rig k;
  REQUIRE(k.control(KtraceAction::kStart, KtraceGroups::kSyscall) == 0);
  k.event();
  REQUIRE(k.control(KtraceAction::kStop) == 0);
  uint32_t number = static_cast<uint32_t>(Rig::number("event_create"));
  std::vector<Rig::Record> entered = k.of(KtraceEvent::kSyscallEnter);
  std::vector<Rig::Record> left = k.of(KtraceEvent::kSyscallExit);
  REQUIRE(entered.size() == 2);  // The event, and the control that stopped.
  REQUIRE(entered[0].words[1] == number << 8);
  REQUIRE(entered[0].words.size() == 4);
  REQUIRE(left.size() == 2);  // The control that started, and the event.
  REQUIRE(left[1].words[1] == number << 8);
  REQUIRE(k.of(KtraceEvent::kContextSwitch).empty());
}

TEST_CASE("changes of threads, names and ends are traced", "[zx_ktrace_read]") {
  Rig k;
  k.control(KtraceAction::kStart);
  Thread& other = k.make_thread(k.process(), "somebody");
  auto koid = static_cast<uint32_t>(abi::raw(other.koid()));
  k.run();
  Ref<Process> process = k.make_process("short-lived");
  auto pid = static_cast<uint32_t>(abi::raw(process->koid()));
  process->kill(0);
  k.kernel().settle();
  k.control(KtraceAction::kStop);

  bool named = false;
  for (const Rig::Record& record : k.of(KtraceEvent::kThreadName))
    named |= record.words[1] == koid && record.text == "somebody";
  REQUIRE(named);
  bool ran = false;
  for (const Rig::Record& record : k.of(KtraceEvent::kContextSwitch)) ran |= record.words[4] == koid;
  REQUIRE(ran);
  std::vector<Rig::Record> ends = k.of(KtraceEvent::kProcExit);
  REQUIRE(ends.size() == 1);
  REQUIRE(ends[0].words[4] == pid);
}

TEST_CASE("channels, ports and waits are traced, with whoever uses them", "[zx_ktrace_read]") {
  Rig k;
  k.control(KtraceAction::kStart, KtraceGroups::kIpc);
  auto tid = static_cast<uint32_t>(abi::raw(k.main_thread().koid()));
  auto koid = [&](Handle handle) { return static_cast<uint32_t>(abi::raw(k.basic(handle).koid)); };
  auto [a, b] = k.channel();
  Handle sent = k.event();
  Handle port = k.port();
  REQUIRE(k.call("channel_write", a, 0, k.room(24), 24, k.user(sent), 1) == Status::kOk);
  REQUIRE(k.call("object_wait_one", b, Signals::kChannelReadable, Time{7}, nullptr) == Status::kOk);
  GuestAddr out = k.room(64);
  REQUIRE(k.call("channel_read", b, 0, out, out + 32, 32, 1, out + 40, out + 48) == Status::kOk);
  Time deadline{(int64_t{3} << 32) + 5};
  Made& wait = k.start(k.main_thread(), "port_wait", port, deadline, out);
  k.advance_to(deadline);
  REQUIRE(wait.status() == Status::kTimedOut);
  k.control(KtraceAction::kStop);

  auto only = [&](KtraceEvent kind) {
    std::vector<Rig::Record> found = k.of(kind);
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].words.size() == 8);
    REQUIRE(found[0].words[1] == tid);
    return std::vector<uint32_t>(found[0].words.begin() + 4, found[0].words.end());
  };
  using Words = std::vector<uint32_t>;
  REQUIRE(only(KtraceEvent::kChannelCreate) == Words{koid(a), koid(b), 0, 0});
  REQUIRE(only(KtraceEvent::kChannelWrite) == Words{koid(a), 24, 1, 0});
  REQUIRE(only(KtraceEvent::kChannelRead) == Words{koid(b), 24, 1, 0});
  REQUIRE(only(KtraceEvent::kPortCreate) == Words{koid(port), 0, 0, 0});
  REQUIRE(only(KtraceEvent::kPortWait) == Words{koid(port), 0, 0, 0});
  REQUIRE(only(KtraceEvent::kPortWaitDone) ==
          Words{koid(port), static_cast<uint32_t>(abi::raw(Status::kTimedOut)), 0, 0});
  REQUIRE(only(KtraceEvent::kWaitOne) == Words{koid(b), abi::raw(Signals::kChannelReadable), 7, 0});
  std::vector<uint32_t> done = only(KtraceEvent::kWaitOneDone);
  REQUIRE(done[0] == koid(b));
  REQUIRE(done[1] == 0);
  REQUIRE((done[2] & abi::raw(Signals::kChannelReadable)) != 0);
  REQUIRE(k.of(KtraceEvent::kSyscallEnter).empty());
  REQUIRE(k.of(KtraceEvent::kObjectDelete).empty());
}

TEST_CASE("futexes are traced with their address, owner and count", "[zx_ktrace_read]") {
  Rig k;
  Thread& sleeper = k.thread();
  Handle owner = k.handle(Ref<Object>(&k.main_thread()));
  GuestAddr word = k.user(uint32_t{0});
  GuestAddr other = k.user(uint32_t{0});
  k.control(KtraceAction::kStart, KtraceGroups::kScheduler);
  k.start(sleeper, "futex_wait", word, 0, owner, Time::never());
  REQUIRE(k.call("futex_requeue", word, 0, 0, other, 5, Handle::kInvalid) == Status::kOk);
  REQUIRE(k.call("futex_wake", other, ~uint32_t{0}) == Status::kOk);
  REQUIRE(k.call("futex_wake", other, 1000) == Status::kOk);
  k.run();
  k.control(KtraceAction::kStop);
  auto low = [](GuestAddr at) { return static_cast<uint32_t>(at.value); };
  auto tid = static_cast<uint32_t>(abi::raw(k.main_thread().koid()));
  std::vector<Rig::Record> waits = k.of(KtraceEvent::kFutexWait);
  REQUIRE(waits.size() == 1);
  REQUIRE(waits[0].words[1] == abi::raw(sleeper.koid()));
  REQUIRE(waits[0].words[4] == low(word));
  REQUIRE(waits[0].words[6] == tid);
  std::vector<Rig::Record> moved = k.of(KtraceEvent::kFutexRequeue);
  REQUIRE(moved.size() == 1);
  REQUIRE(moved[0].words[4] == low(other));
  REQUIRE(moved[0].words[7] == (abi::kKtraceFutexActive | 5 << 8));
  std::vector<Rig::Record> wakes = k.of(KtraceEvent::kFutexWake);
  REQUIRE(wakes.size() == 3);
  REQUIRE(wakes[0].words[7] == (abi::kKtraceFutexActive | abi::kKtraceFutexRequeues));
  REQUIRE(wakes[1].words[7] == (abi::kKtraceFutexActive | 0xff << 8));
  REQUIRE(wakes[2].words[7] == 0xfe << 8);  // Nobody was there any more.
  std::vector<Rig::Record> woke = k.of(KtraceEvent::kFutexWoke);
  REQUIRE(woke.size() == 1);
  REQUIRE(woke[0].words[4] == low(other));
  REQUIRE(woke[0].words[6] == 0);
}

TEST_CASE("lives of tasks, ends of objects, faults and the timer are traced", "[zx_ktrace_read]") {
  Rig k;
  k.control(KtraceAction::kStart);
  auto [process, vmar] = k.make_pair("process_create", k.handle(k.job()), k.user_text("p"), 1, 0);
  Handle thread = k.make("thread_create", process, k.user_text("t"), 1, 0);
  auto pid = static_cast<uint32_t>(abi::raw(k.basic(process).koid));
  auto tid = static_cast<uint32_t>(abi::raw(k.basic(thread).koid));
  REQUIRE(k.call("process_start", process, thread, 0x1000, 0x2000, Handle::kInvalid, 0) == Status::kOk);
  Handle event = k.event();
  auto deleted = static_cast<uint32_t>(abi::raw(k.basic(event).koid));
  REQUIRE(k.call("handle_close", event) == Status::kOk);
  REQUIRE(k.call("task_kill", process) == Status::kOk);
  k.kernel().schedule(0);
  k.kernel().page_fault(0, KernelRig::kMemory, AccessKind::kRead);
  k.kernel().alarm();
  k.control(KtraceAction::kStop);
  auto has = [&](KtraceEvent kind, size_t word, uint32_t value) {
    for (const Rig::Record& record : k.of(kind)) {
      if (record.words[word] == value) return true;
    }
    return false;
  };
  REQUIRE(has(KtraceEvent::kProcCreate, 4, pid));
  REQUIRE(has(KtraceEvent::kThreadCreate, 4, tid));
  REQUIRE(has(KtraceEvent::kProcStart, 4, tid));
  REQUIRE(has(KtraceEvent::kProcStart, 5, pid));
  REQUIRE(has(KtraceEvent::kThreadExit, 1, tid));
  REQUIRE(has(KtraceEvent::kProcExit, 4, pid));
  REQUIRE(has(KtraceEvent::kObjectDelete, 4, deleted));
  REQUIRE(has(KtraceEvent::kPageFault, 5, static_cast<uint32_t>(KernelRig::kMemory.value)));
  REQUIRE(has(KtraceEvent::kPageFaultExit, 5, static_cast<uint32_t>(KernelRig::kMemory.value)));
  REQUIRE(has(KtraceEvent::kIrqEnter, 1, 27 << 8));
  REQUIRE(has(KtraceEvent::kIrqExit, 1, 27 << 8));
  REQUIRE(k.of(KtraceEvent::kIrqEnter)[0].words.size() == 4);
}

TEST_CASE("programs write records under probes of their own", "[zx_ktrace_write][zx_ktrace_control]") {
  Rig k;
  std::array<char, 32> name = {"my probe"};
  int64_t id = k.control(KtraceAction::kNewProbe, {}, k.user(name));
  REQUIRE(id > 0);
  REQUIRE(k.control(KtraceAction::kNewProbe, {}, k.user(name)) == id);
  REQUIRE(k.control(KtraceAction::kNewProbe, {}, k.kNowhere) == abi::raw(Status::kInvalidArgs));
  k.control(KtraceAction::kStart, KtraceGroups::kProbe);
  REQUIRE(k.call("ktrace_write", k.debug, id, 11, 22) == Status::kOk);
  k.control(KtraceAction::kStop);
  auto event = static_cast<uint32_t>(id) | 0x800;
  std::vector<Rig::Record> found = k.of(static_cast<KtraceEvent>(event));
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].words.size() == 6);
  REQUIRE(found[0].words[1] == abi::raw(k.main_thread().koid()));
  REQUIRE(found[0].words[4] == 11);
  REQUIRE(found[0].words[5] == 22);
  bool named = false;
  for (const Rig::Record& record : k.of(KtraceEvent::kProbeName)) named |= record.text == "my probe";
  REQUIRE(named);
}

TEST_CASE("a full trace stops where it is, and a circular one keeps the newest", "[zx_ktrace_control]") {
  constexpr uint32_t kMany = 60'000;  // Of 24 bytes: more than a MiB.
  for (bool circular : {false, true}) {
    Rig k;
    k.control(circular ? KtraceAction::kStartCircular : KtraceAction::kStart, KtraceGroups::kProbe);
    Ktrace& trace = k.kernel().ktrace();
    uint32_t last = 0;
    for (uint32_t i = 1; i <= kMany; ++i) {
      if (trace.write_probe(5, 0, i, 0) == Status::kOk) last = i;
    }
    k.control(KtraceAction::kStop);
    REQUIRE((last == kMany) == circular);
    std::vector<std::byte> all = trace.read(0, uint64_t{2} << 20);
    REQUIRE(all.size() <= uint64_t{1} << 20);
    REQUIRE(all.size() > (uint64_t{1} << 20) - 64);
    uint32_t newest = 0;
    std::memcpy(&newest, &all[all.size() - 8], 4);
    REQUIRE(newest == last);
    // It does not become one that stops, but by beginning anew.
    REQUIRE(k.control(KtraceAction::kStart) == (circular ? abi::raw(Status::kBadState) : 0));
    k.control(KtraceAction::kStop);
    REQUIRE(k.control(KtraceAction::kRewind) == 0);
    REQUIRE(k.control(KtraceAction::kStart) == 0);
  }
}

TEST_CASE("a trace comes through a snapshot, and goes on", "[zx_ktrace_read]") {
  Rig k;
  k.control(KtraceAction::kStartCircular, KtraceGroups::kSyscall);
  k.event();
  k.reload();
  k.event();
  k.control(KtraceAction::kStop);
  REQUIRE(k.of(KtraceEvent::kSyscallEnter).size() == 3);
}

}  // namespace
}  // namespace jacinth::kernel
