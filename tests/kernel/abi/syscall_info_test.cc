// The table of calls is consistent, row by row, and can be searched.
#include "kernel/abi/syscall_info.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tests/support/test.h"

namespace jacinth::abi {
namespace {

/// The July 2020 calls have numbers from here on, where the target's table will not grow to.
constexpr int kLegacyNumbers = 192;

TEST_CASE("the target's 181 numbers are dense, in the order of the names") {
  int next = 0;
  for (const SyscallInfo& call : syscalls()) {
    if (call.number < 0 || call.legacy) continue;
    INFO(call.name);
    REQUIRE(call.number == next++);
  }
  REQUIRE(next == 181);
}

TEST_CASE("a number finds its call, and other numbers find none") {
  for (const SyscallInfo& call : syscalls())
    if (call.number >= 0) REQUIRE(syscall_by_number(static_cast<uint32_t>(call.number)) == &call);
  REQUIRE(syscall_by_number(181) == nullptr);
  REQUIRE(syscall_by_number(kLegacyNumbers - 1) == nullptr);
  REQUIRE(syscall_by_number(100'000) == nullptr);
  REQUIRE(syscall_by_number(~uint32_t{0}) == nullptr);
}

TEST_CASE("a name finds its call, and other names find none") {
  for (const SyscallInfo& call : syscalls()) REQUIRE(syscall_by_name(call.name) == &call);
  for (const char* name : {"", "a", "zx_", "zx_port_wai", "zx_port_waits", "zy"})
    REQUIRE(syscall_by_name(name) == nullptr);
}

TEST_CASE("every call of the ABI has a row") {
  const auto calls = syscalls();
  const auto count = [&](auto what) { return std::ranges::count_if(calls, what); };
  REQUIRE(count([](const SyscallInfo& call) { return !call.legacy && call.number >= 0; }) == 181);
  REQUIRE(count([](const SyscallInfo& call) {
            return !call.legacy && call.vdso_only && call.name != "zx_status_get_string";
          }) == 16);
  REQUIRE(syscall_by_name("zx_port_wait")->number == 99);
  REQUIRE(syscall_by_name("zx_port_wait")->blocking);
  REQUIRE(syscall_by_name("zx_thread_exit")->noreturn);
  REQUIRE(syscall_by_name("zx_channel_call_noretry")->internal);
  REQUIRE(syscall_by_name("zx_channel_call")->vdso_only);
  REQUIRE(syscall_by_name("zx_clock_get")->legacy);
  REQUIRE(syscall_by_name("zx_clock_get")->number >= kLegacyNumbers);
}

TEST_CASE("every call says in one sentence what it does") {
  for (const SyscallInfo& call : syscalls()) {
    INFO(call.name);
    REQUIRE(call.does.ends_with('.'));
    REQUIRE(call.does.size() <= 160);
  }
}

TEST_CASE("arguments fit into registers and refer to arguments that can mean it") {
  for (const SyscallInfo& call : syscalls()) {
    REQUIRE(call.args.size() <= 8);
    for (const ArgInfo& arg : call.args) {
      INFO(call.name << " " << arg.name);
      const auto other = [&](int8_t index) -> const ArgInfo* {
        REQUIRE(index < static_cast<int>(call.args.size()));
        return index < 0 ? nullptr : &call.args[static_cast<size_t>(index)];
      };
      REQUIRE(arg.pointer == arg.type.ends_with('*'));
      REQUIRE((arg.pointer || arg.direction == Direction::kIn));
      REQUIRE((arg.register_size() >= 1 && arg.register_size() <= 8));
      if (const ArgInfo* length = other(arg.length_arg)) {
        REQUIRE(arg.pointer);
        REQUIRE_FALSE(length->pointer);
      }
      if (const ArgInfo* stride = other(arg.stride_arg)) REQUIRE(stride->value.format == ArgFormat::kSize);
      if (const ArgInfo* actual = other(arg.actual_arg)) {
        REQUIRE(actual->direction == Direction::kOut);
        REQUIRE((actual->value.size == 4 || actual->value.size == 8));
      }
      if (other(arg.selector_arg) != nullptr)
        REQUIRE((arg.value.variants != nullptr || arg.value.format == ArgFormat::kSignals));
      if (arg.value.format == ArgFormat::kVariant) REQUIRE(arg.selector_arg >= 0);
      if (arg.is_handle && arg.value.format == ArgFormat::kHandle) REQUIRE(arg.value.size == 4);
      if (arg.consumed) REQUIRE(arg.is_handle);
      if (arg.rights != Rights::kNone) REQUIRE(arg.is_handle);
    }
  }
}

TEST_CASE("the shape of a few calls, read off the public documentation") {
  const SyscallInfo& read = *syscall_by_name("zx_channel_read");
  REQUIRE(read.args.size() == 8);
  REQUIRE(read.args[2].name == "bytes");
  REQUIRE(read.args[2].length_arg == 4);
  REQUIRE(read.args[2].actual_arg == 6);
  REQUIRE(read.args[3].is_handle);
  REQUIRE(read.args[0].object_types == type_bit(ObjectType::kChannel));
  REQUIRE(read.args[0].rights == Rights::kRead);

  const SyscallInfo& info = *syscall_by_name("zx_object_get_info");
  REQUIRE(info.args[2].value.variants->select(0x10000017).record->name == "zx_info_vmo_t");
  REQUIRE(info.args[2].value.variants->select(23).record->name == "zx_info_vmo_v1_t");
  REQUIRE(info.args[2].value.variants->select(4).format == ArgFormat::kKoid);
  REQUIRE(info.args[2].value.variants->select(0xdead).format == ArgFormat::kBytes);

  REQUIRE(syscall_by_name("zx_process_start")->args[4].consumed);
  REQUIRE(syscall_by_name("zx_debuglog_read")->returns == ReturnKind::kStatusOrCount);
  REQUIRE(syscall_by_name("zx_fifo_read")->args[2].stride_arg == 1);
}

TEST_CASE("the fields of a structure lie inside it and do not overlap") {
  for (const StructInfo* first : structs())
    for (const StructInfo* record : {first, first->on_arm64}) {
      if (record == nullptr) continue;
      unsigned end = 0;
      for (const FieldInfo& field : record->fields) {
        INFO(record->name << "." << field.name);
        // Parts of a union say when they are the ones.
        if (field.when < 0) REQUIRE(field.offset >= end);
        const unsigned last = field.offset + unsigned{field.size} * field.count;
        REQUIRE(last <= record->size);
        if (field.when < 0) end = last;
        if (field.pointer) REQUIRE(field.size == 8);
      }
    }
}

TEST_CASE("a packet's type selects what its payload is") {
  const FieldInfo& payload = struct_by_name("zx_port_packet_t")->fields[3];
  REQUIRE(payload.offset == 16);
  REQUIRE(payload.value.variants->select(0).record->name == "zx_packet_user_t");
  REQUIRE(payload.value.variants->select(1).record->name == "zx_packet_signal_t");
  REQUIRE(payload.value.variants->select(9).record->name == "zx_packet_page_request_t");
  REQUIRE(payload.value.variants->select(2).record->name == "zx_packet_user_t");
  REQUIRE(payload.value.variants->select(4).record->on_arm64 != nullptr);
}

TEST_CASE("sets and structures are found by name, and nothing else is") {
  for (const FlagSet* set : flag_sets()) REQUIRE(flag_set(set->name) == set);
  for (const StructInfo* record : structs()) REQUIRE(struct_by_name(record->name) == record);
  REQUIRE(flag_set("vm_options") == nullptr);
  REQUIRE(struct_by_name("zx_port_packet") == nullptr);
}

TEST_CASE("within a set every name and every single bit is one thing only") {
  for (const FlagSet* set : flag_sets()) {
    std::set<std::string_view> names;
    for (const NamedValue& row : set->values) {
      INFO(row.name);
      REQUIRE(names.insert(row.name).second);
      REQUIRE((set->is_enum || (row.value & ~row.mask) == 0));
    }
  }
}

}  // namespace
}  // namespace jacinth::abi
