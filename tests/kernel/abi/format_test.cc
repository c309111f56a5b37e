// Values as text: what a reader of strace sees of flags, numbers, times and signals.
#include "kernel/abi/format.h"

#include <limits>
#include <string>

#include "tests/support/test.h"

namespace jacinth::abi {
namespace {

std::string flags(const char* set, uint64_t value) {
  INFO(set);
  REQUIRE(flag_set(set) != nullptr);
  return format_flags(*flag_set(set), value);
}

std::string enumeration(const char* set, uint64_t value) {
  INFO(set);
  REQUIRE(flag_set(set) != nullptr);
  return format_enum(*flag_set(set), value);
}

/// An argument of a call, as if `value` stood in its register.
std::string argument(const char* call, size_t index, uint64_t value) {
  return format_arg(syscall_by_name(call)->args[index], value);
}

TEST_CASE("flags are named from the lowest bit up, and what has no name follows in hexadecimal") {
  REQUIRE(flags("vm_option", 0x3) == "ZX_VM_PERM_READ|ZX_VM_PERM_WRITE");
  REQUIRE(flags("vm_option", 0x8003) == "ZX_VM_PERM_READ|ZX_VM_PERM_WRITE|0x8000");
  REQUIRE(flags("vm_option", 0x8000) == "0x8000");
  REQUIRE(flags("vm_option", 0) == "0");
  REQUIRE(flags("clock_create", uint64_t{1} << 40) == "0x10000000000");
}

TEST_CASE("a number inside flags is named as a number") {
  REQUIRE(flags("vm_option", 0x15000001) == "ZX_VM_PERM_READ|ZX_VM_ALIGN_2MB");
  REQUIRE(flags("vm_option", 0x09000001) == "ZX_VM_PERM_READ|0x9000000");
  REQUIRE(flags("interrupt_create", 0x16) == "ZX_INTERRUPT_MODE_LEVEL_LOW|ZX_INTERRUPT_VIRTUAL");
  REQUIRE(flags("resource_create", 0x10000) == "ZX_RSRC_KIND_MMIO|ZX_RSRC_FLAG_EXCLUSIVE");
  REQUIRE(flags("resource_create", 0x10007) == "ZX_RSRC_FLAG_EXCLUSIVE|0x7");
  REQUIRE(flags("clock_update", (uint64_t{2} << 58) | 8) ==
          "ZX_CLOCK_UPDATE_OPTION_REFERENCE_VALUE_VALID|ZX_CLOCK_ARGS_VERSION(2)");
}

TEST_CASE("no bits at all are 0, or what the header calls it") {
  REQUIRE(flags("channel_read", 0) == "0");
  REQUIRE(flags("wait_async", 0) == "ZX_WAIT_ASYNC_ONCE");
  REQUIRE(format_rights(Rights::kNone) == "ZX_RIGHT_NONE");
  REQUIRE(format_rights(Rights::kSameRights) == "ZX_RIGHT_SAME_RIGHTS");
}

TEST_CASE("alternatives without a name stay numbers, in the base that suits them") {
  REQUIRE(enumeration("vmo_op", 10) == "ZX_VMO_OP_ZERO");
  REQUIRE(enumeration("vmo_op", 5) == "5");
  REQUIRE(enumeration("info_topic", 0x10000003) == "ZX_INFO_PROCESS");
  REQUIRE(enumeration("info_topic", 3) == "ZX_INFO_PROCESS_V1");
  REQUIRE(enumeration("info_topic", 0x20000003) == "0x20000003");
  REQUIRE(enumeration("task_retcode", static_cast<uint64_t>(-1028)) == "ZX_TASK_RETCODE_EXCEPTION_KILL");
  REQUIRE(enumeration("task_retcode", static_cast<uint64_t>(-3)) == "-3");
}

TEST_CASE("signals have the names of the object that they are on") {
  constexpr Signals bits = Signals::kSignaled | Signals::kUser1;
  REQUIRE(format_signals(ObjectType::kEvent, bits) == "ZX_EVENT_SIGNALED|ZX_USER_SIGNAL_1");
  REQUIRE(format_signals(ObjectType::kProcess, bits) == "ZX_PROCESS_TERMINATED|ZX_USER_SIGNAL_1");
  REQUIRE(format_signals(ObjectType::kNone, bits) == "__ZX_OBJECT_SIGNALED|ZX_USER_SIGNAL_1");
  REQUIRE(format_signals(ObjectType::kPort, Signals::kHandleClosed) == "ZX_SIGNAL_HANDLE_CLOSED");
  REQUIRE(format_signals(ObjectType::kChannel, Signals::kReadable | Signals::kPeerClosed) ==
          "ZX_CHANNEL_READABLE|ZX_CHANNEL_PEER_CLOSED");
  REQUIRE(format_signals(ObjectType::kChannel, static_cast<Signals>(0x10)) == "0x10");
  REQUIRE(format_signals(static_cast<ObjectType>(63), Signals::kReadable) == "__ZX_OBJECT_READABLE");
  REQUIRE(format_signals(static_cast<ObjectType>(1000), Signals::kReadable) == "__ZX_OBJECT_READABLE");
  REQUIRE(format_signals(ObjectType::kEvent, Signals::kNone) == "0");
}

TEST_CASE("times show nanoseconds and name both ends") {
  REQUIRE(format_time(Time{12'000'345'678}) == "12.000345678s");
  REQUIRE(format_time(Time{-1}) == "-0.000000001s");
  REQUIRE(format_time(Time{0}) == "0");
  REQUIRE(format_time(Time::never()) == "ZX_TIME_INFINITE");
  REQUIRE(format_time(Time::long_ago()) == "ZX_TIME_INFINITE_PAST");
  REQUIRE(format_time(Time{std::numeric_limits<int64_t>::min() + 1}) == "-9223372036.854775807s");
}

TEST_CASE("durations use the largest unit without a fraction") {
  REQUIRE(format_duration(Duration{3'000'000'000}) == "3s");
  REQUIRE(format_duration(Duration{10'000'000}) == "10ms");
  REQUIRE(format_duration(Duration{1'500'000}) == "1500us");
  REQUIRE(format_duration(Duration{-5}) == "-5ns");
  REQUIRE(format_duration(Duration{0}) == "0");
}

TEST_CASE("an argument is as wide as its type, whatever else the register holds") {
  constexpr uint64_t dirt = 0xdead'beef'0000'0000;

  REQUIRE(argument("zx_handle_close", 0, dirt | 0x1f3) == "0x1f3");
  REQUIRE(argument("zx_handle_close", 0, dirt) == "ZX_HANDLE_INVALID");
  REQUIRE(argument("zx_futex_wait", 1, dirt | 0xffff'ffff) == "-1");
  REQUIRE(argument("zx_ioports_request", 1, dirt | 0x3f8) == "0x3f8");
  REQUIRE(argument("zx_syscall_test_widening_signed_narrow", 3, 0x1ff) == "-1");
  REQUIRE(argument("zx_syscall_test_widening_unsigned_narrow", 3, 0x1ff) == "255");
}

TEST_CASE("arguments are printed by what they mean") {
  REQUIRE(argument("zx_object_wait_one", 2, static_cast<uint64_t>(Time::never().ns)) == "ZX_TIME_INFINITE");
  REQUIRE(argument("zx_timer_set", 2, 10'000'000) == "10ms");
  REQUIRE(argument("zx_vmo_create", 0, 0x3000) == "0x3000");
  REQUIRE(argument("zx_vmo_create", 0, 100) == "100");
  REQUIRE(argument("zx_vmo_op_range", 1, 1) == "ZX_VMO_OP_COMMIT");
  REQUIRE(argument("zx_port_wait", 2, 0) == "NULL");
  REQUIRE(argument("zx_port_wait", 2, 0x7000) == "0x7000");
  REQUIRE(argument("zx_process_exit", 0, static_cast<uint64_t>(-1024)) == "ZX_TASK_RETCODE_SYSCALL_KILL");
  REQUIRE(argument("zx_process_exit", 0, 42) == "42");
  REQUIRE(argument("zx_pci_enable_bus_master", 1, 2) == "2");
  REQUIRE(argument("zx_pci_enable_bus_master", 1, 1) == "true");
}

TEST_CASE("every scalar argument of every call prints something, whatever the register holds") {
  for (const SyscallInfo& call : syscalls())
    for (const ArgInfo& arg : call.args)
      for (uint64_t value : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, uint64_t{0x8000'0000'8000'8080}}) {
        INFO(call.name << " " << arg.name << " " << value);
        const bool in_memory = !arg.pointer && arg.value.format == ArgFormat::kVariant;
        REQUIRE(format_arg(arg, value).empty() == in_memory);
      }
}

}  // namespace
}  // namespace jacinth::abi
