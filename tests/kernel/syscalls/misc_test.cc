// The log, chance, clocks and sleeping, by their calls.
#include <cstring>
#include <string>

#include "kernel/abi/debuglog.h"
#include "kernel/abi/system.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

Handle debuglog(KernelRig& k, abi::LogOptions options = abi::LogOptions::kNone) {
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("debuglog_create", Handle{0}, options, out) == Status::kOk);
  return k.peek<Handle>(out);
}

Status log_write(KernelRig& k, Handle log, std::string_view text) {
  return k.call("debuglog_write", log, 0, k.user_text(text), text.size());
}

}  // namespace

TEST_CASE("what is written to the log is printed line by line", "[zx_debuglog_write]") {
  KernelRig k;
  Handle log = debuglog(k);
  REQUIRE(log_write(k, log, "hello") == Status::kOk);
  REQUIRE(log_write(k, log, "with a newline\n") == Status::kOk);
  REQUIRE(log_write(k, log, "") == Status::kOk);
  REQUIRE(k.call("debuglog_write", log, abi::LogWriteOptions::kLocal, k.user_text("local"), 5) == Status::kOk);
  REQUIRE(k.call("debuglog_write", log, 1, k.user_text("local"), 5) == Status::kInvalidArgs);
  REQUIRE(k.platform().console() == "hello\nwith a newline\n\nlocal\n");
}

TEST_CASE("a readable log gives every record from the oldest on", "[zx_debuglog_read]") {
  KernelRig k;
  Handle writer = debuglog(k);
  k.platform().advance_to(Time{123});
  REQUIRE(log_write(k, writer, "first") == Status::kOk);
  Handle reader = debuglog(k, abi::LogOptions::kReadable);
  REQUIRE(contains(k.object<Object>(reader)->signals(), Signals::kLogReadable));
  REQUIRE(log_write(k, writer, "second") == Status::kOk);

  GuestAddr buffer = k.room(sizeof(abi::LogRecord));
  auto read = [&] { return k.value("debuglog_read", reader, 0, buffer, sizeof(abi::LogRecord)); };
  REQUIRE(read() == 40 + 5);
  auto record = k.peek<abi::LogRecord>(buffer);
  REQUIRE(record.sequence == 0);
  REQUIRE(record.timestamp == Time{123});
  REQUIRE(record.pid == k.process()->koid());
  REQUIRE(record.tid == k.main_thread().koid());
  REQUIRE(std::string(record.data.data(), record.datalen) == "first");
  REQUIRE(read() == 40 + 6);
  REQUIRE(k.peek<abi::LogRecord>(buffer).sequence == 1);
  REQUIRE(read() == abi::raw(Status::kShouldWait));
  REQUIRE_FALSE(contains(k.object<Object>(reader)->signals(), Signals::kLogReadable));
  REQUIRE(log_write(k, writer, "third") == Status::kOk);
  REQUIRE(contains(k.object<Object>(reader)->signals(), Signals::kLogReadable));
}

TEST_CASE("a short buffer gets the beginning of a record, and the rest is lost", "[zx_debuglog_read]") {
  KernelRig k;
  Handle log = debuglog(k, abi::LogOptions::kReadable);
  REQUIRE(log_write(k, log, "some text") == Status::kOk);
  REQUIRE(k.value("debuglog_read", log, 0, k.room(44), 44) == 44);
  REQUIRE(k.value("debuglog_read", log, 0, k.room(44), 44) == abi::raw(Status::kShouldWait));
}

TEST_CASE("the log checks rights and options", "[zx_debuglog_create][zx_debuglog_read][zx_debuglog_write]") {
  KernelRig k;
  Handle writer = debuglog(k);
  GuestAddr buffer = k.room(256);
  REQUIRE(k.call("debuglog_create", Handle{0}, 1, buffer) == Status::kInvalidArgs);
  REQUIRE(k.call("debuglog_create", Handle{0x33}, 0, buffer) == Status::kBadHandle);
  REQUIRE(k.call("debuglog_write", writer, 0x20, buffer, 1) == Status::kInvalidArgs);
  REQUIRE(k.call("debuglog_write", writer, 0, GuestAddr(0x10), 1) == Status::kInvalidArgs);
  REQUIRE(k.call("debuglog_write", k.handle(k.job()), 0, buffer, 1) == Status::kWrongType);
  REQUIRE(k.value("debuglog_read", writer, 0, buffer, 256) == abi::raw(Status::kAccessDenied));
  REQUIRE(k.value("debuglog_read", writer, 1, buffer, 256) == abi::raw(Status::kInvalidArgs));
}

TEST_CASE("a slow reader loses the oldest records and can tell", "[zx_debuglog_read]") {
  KernelRig k;
  Handle log = debuglog(k, abi::LogOptions::kReadable);
  GuestAddr text = k.user_text(std::string(216, 'x'));
  for (int i = 0; i < 1000; ++i) REQUIRE(k.call("debuglog_write", log, 0, text, 216) == Status::kOk);
  GuestAddr buffer = k.room(sizeof(abi::LogRecord));
  REQUIRE(k.value("debuglog_read", log, 0, buffer, sizeof(abi::LogRecord)) == 256);
  uint64_t sequence = k.peek<abi::LogRecord>(buffer).sequence;
  REQUIRE(sequence == 1000 - Log::kCapacity / 256);
}

TEST_CASE("debug_write goes to the serial port, 256 bytes at most", "[zx_debug_write]") {
  KernelRig k;
  std::string text(300, 'a');
  REQUIRE(k.call("debug_write", k.user_text(text), 300) == Status::kOk);
  REQUIRE(k.platform().console() == text.substr(0, 256));
  REQUIRE(k.call("debug_write", GuestAddr(0x10), 4) == Status::kInvalidArgs);
}

TEST_CASE("the serial port can be forbidden", "[zx_debug_write]") {
  KernelRig k(Arch::kArm64, {{"kernel.enable-serial-syscalls", "0"}});
  REQUIRE(k.call("debug_write", k.user_text("x"), 1) == Status::kNotSupported);
}

TEST_CASE("chance comes from the seed alone", "[zx_cprng_draw_once]") {
  auto draw = [](uint64_t seed) {
    KernelRig k;
    k.platform().set_seed(seed);
    GuestAddr out = k.room(256);
    REQUIRE(k.call("cprng_draw_once", out, 256) == Status::kOk);
    return k.peek<std::array<uint64_t, 32>>(out);
  };
  REQUIRE(draw(1) == draw(1));
  REQUIRE(draw(1) != draw(2));
}

TEST_CASE("cprng calls take at most 256 bytes", "[zx_cprng_draw_once][zx_cprng_add_entropy]") {
  KernelRig k;
  GuestAddr buffer = k.room(512);
  REQUIRE(k.call("cprng_draw_once", buffer, 257) == Status::kInvalidArgs);
  REQUIRE(k.call("cprng_draw_once", GuestAddr(0x10), 8) == Status::kInvalidArgs);
  REQUIRE(k.call("cprng_add_entropy", buffer, 256) == Status::kOk);
  REQUIRE(k.call("cprng_add_entropy", buffer, 257) == Status::kInvalidArgs);
  REQUIRE(k.call("cprng_add_entropy", GuestAddr(0x10), 8) == Status::kInvalidArgs);
}

TEST_CASE("time is virtual time", "[zx_clock_get_monotonic_via_kernel][zx_ticks_get_via_kernel][zx_clock_get]") {
  KernelRig k;
  k.platform().advance_to(Time{987'654'321});
  REQUIRE(k.value("clock_get_monotonic_via_kernel") == 987'654'321);
  REQUIRE(k.value("ticks_get_via_kernel") == 987'654'321);
  GuestAddr out = k.room(sizeof(Time));
  REQUIRE(k.call("clock_get", abi::raw(Koid{0}), out) == Status::kOk);
  REQUIRE(k.peek<Time>(out) == Time{987'654'321});
  REQUIRE(k.call("clock_get", abi::ClockId::kThread, out) == Status::kOk);
  REQUIRE(k.call("clock_get", 3, out) == Status::kInvalidArgs);
}

TEST_CASE("nanosleep ends at its deadline, not before", "[zx_nanosleep]") {
  KernelRig k;
  Made& sleeper = k.start(k.main_thread(), "nanosleep", Time{1000});
  REQUIRE(sleeper.thread->info_state() == abi::ThreadState::kBlockedSleeping);
  REQUIRE(k.platform().alarm() == Time{1000});
  k.advance_to(Time{999});
  REQUIRE(sleeper.status() == Status::kParked);
  k.advance_to(Time{1000});
  REQUIRE(sleeper.status() == Status::kOk);
}

TEST_CASE("nanosleep until the past only yields", "[zx_nanosleep]") {
  KernelRig k;
  k.platform().advance_to(Time{50});
  for (Time deadline : {Time{0}, Time{-1}, Time::long_ago(), Time{50}, Time{10}}) {
    REQUIRE(k.call("nanosleep", deadline) == Status::kOk);
  }
}

TEST_CASE("legacy_yield takes no options", "[zx_thread_legacy_yield]") {
  KernelRig k;
  REQUIRE(k.call("thread_legacy_yield", 0) == Status::kOk);
  REQUIRE(k.call("thread_legacy_yield", 1) == Status::kInvalidArgs);
}

TEST_CASE("test calls add up as many arguments as they have",
          "[zx_syscall_test_0][zx_syscall_test_1][zx_syscall_test_2][zx_syscall_test_3][zx_syscall_test_4]"
          "[zx_syscall_test_5][zx_syscall_test_6][zx_syscall_test_7][zx_syscall_next_1]") {
  KernelRig k;
  for (int count = 0; count <= 7; ++count) {
    REQUIRE(k.value(fmt::format("syscall_test_{}", count), 1, 2, 3, 4, 5, 6, 7, 8) == count * (count + 1) / 2);
  }
  REQUIRE(k.value("syscall_next_1", 5, 6) == 5);
}

TEST_CASE("arguments are cut to their C types",
          "[zx_syscall_test_8][zx_syscall_test_widening_unsigned_narrow][zx_syscall_test_widening_unsigned_wide]"
          "[zx_syscall_test_widening_signed_narrow][zx_syscall_test_widening_signed_wide]") {
  KernelRig k;
  REQUIRE(k.value("syscall_test_8", 1, 2, 3, 4, 5, 6, 7, 8) == 36);
  REQUIRE(k.value("syscall_test_1", 0xdead'beef'0000'0005) == 5);
  REQUIRE(k.value("syscall_test_2", 0x7fff'ffff, 1) == INT32_MIN);
  uint64_t ones = ~uint64_t{0};
  REQUIRE(k.value("syscall_test_widening_unsigned_narrow", 0, ones, ones, ones) == 0xffff'ffffll + 0xffff + 0xff);
  REQUIRE(k.value("syscall_test_widening_unsigned_wide", 0, ones, ones, ones) == 0xffff'ffffll + 0xffff + 0xff);
  REQUIRE(k.value("syscall_test_widening_signed_wide", ones, ones, ones, ones) == -4);
  REQUIRE(k.value("syscall_test_widening_signed_narrow", 0, ones, ones, ones) == -3);
}

TEST_CASE("task_suspend_token suspends a thread until the token is closed", "[zx_task_suspend_token]") {
  KernelRig k;
  Thread& other = k.thread();
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("task_suspend_token", k.handle(Ref<Thread>(&other)), out) == Status::kOk);
  k.run();
  REQUIRE(other.thread_state() == Thread::State::kSuspended);
  k.close(k.peek<Handle>(out));
  REQUIRE(other.thread_state() == Thread::State::kRunning);
}

TEST_CASE("the wrapper test fails by its arguments", "[zx_syscall_test_wrapper]") {
  KernelRig k;
  REQUIRE(k.value("syscall_test_wrapper", 10, 20, 20) == 50);
  REQUIRE(k.call("syscall_test_wrapper", 1, 20, 30) == Status::kOutOfRange);
  REQUIRE(k.call("syscall_test_wrapper", 1, -1, 30) == Status::kInvalidArgs);
  REQUIRE(k.call("syscall_test_wrapper", INT32_MAX, INT32_MAX, INT32_MAX) == Status::kOutOfRange);
}

TEST_CASE("a handle that cannot be told is gone again", "[zx_syscall_test_handle_create]") {
  KernelRig k;
  GuestAddr out = k.room(sizeof(Handle));
  size_t before = k.process()->handles().size();
  REQUIRE(k.call("syscall_test_handle_create", -7, out) == Status{-7});
  REQUIRE(k.value("syscall_test_handle_create", INT32_MIN, out) == INT32_MIN);
  REQUIRE(k.call("syscall_test_handle_create", 0, GuestAddr(0x10)) == Status::kInvalidArgs);
  REQUIRE(k.process()->handles().size() == before);
  REQUIRE(k.call("syscall_test_handle_create", 0, out) == Status::kOk);
  REQUIRE(k.object<Object>(k.peek<Handle>(out))->type() == ObjectType::kEvent);
}

TEST_CASE("system events need the root job and are the same for all", "[zx_system_get_event]") {
  KernelRig k;
  GuestAddr out = k.room(2 * sizeof(Handle));
  Handle root = k.handle(k.kernel().root_job());
  for (uint32_t kind = 1; kind <= 5; ++kind) {
    REQUIRE(k.call("system_get_event", root, kind, out) == Status::kOk);
    REQUIRE(k.call("system_get_event", root, kind, out + 4) == Status::kOk);
    REQUIRE(k.object<Object>(k.peek<Handle>(out, 0)) == k.object<Object>(k.peek<Handle>(out, 1)));
    REQUIRE(k.process()->handles().find(k.peek<Handle>(out))->rights == abi::kSystemEventRights);
    bool normal = kind == static_cast<uint32_t>(abi::SystemEvent::kMemoryPressureNormal);
    REQUIRE(contains(k.object<Object>(k.peek<Handle>(out))->signals(), Signals::kEventSignaled) == normal);
  }
  REQUIRE(k.call("system_get_event", root, 0, out) == Status::kInvalidArgs);
  REQUIRE(k.call("system_get_event", root, 6, out) == Status::kInvalidArgs);
  REQUIRE(k.call("system_get_event", k.handle(k.job()), 3, out) == Status::kAccessDenied);
  Handle weak = k.handle(k.kernel().root_job(), Rights::kRead);
  REQUIRE(k.call("system_get_event", weak, 1, out) == Status::kAccessDenied);
  REQUIRE(k.call("system_get_event", weak, 2, out) == Status::kOk);
}

}  // namespace jacinth::kernel
