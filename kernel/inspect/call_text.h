// One system call as text: its arguments before it does its work, its results after, formatted from the table of calls.
//
//   zx_channel_read(handle=0x1f3<channel:1042>, ..., bytes="hello", ..., actual_bytes=5, ...) = ZX_OK
//   '------------- before() ------------------'  '------------------- finish() ------------------'
//
// What the guest passes must be read before the call runs (handles are consumed, buffers reused), what it gets after;
// in between the text lies in a PendingCall, one per thread that is in a call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/guest_view.h"
#include "kernel/inspect/value_text.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

struct PendingCall {
  static constexpr size_t kMaxArgs = 8;

  const abi::SyscallInfo* info = nullptr;  ///< Null for a number that no call has.
  Trap trap;
  std::string text;  ///< The arguments' texts one after the other; that of a result is empty until the end.
  std::array<uint32_t, kMaxArgs> ends = {};     ///< Where each argument's text ends.
  std::array<ObjectType, kMaxArgs> types = {};  ///< What each handle named.
  std::vector<std::byte> before;                ///< Memory that the call may change, as it was.
  size_t printed = 0;                           ///< Arguments that are out already.
};

/// One argument of a call that is over.
struct ArgumentText {
  std::string_view name;  ///< Empty where no call has the number.
  uint64_t value = 0;     ///< As it came in its register.
  std::string text;       ///< Before the call; of a result, after it.
  std::string after;      ///< What the call made of it; empty when that is nothing else.
  bool is_result = false;
};

/// Whether the result is a status that says so: a time or a number of ticks never is.
bool call_failed(const abi::SyscallInfo& info, int64_t result);

class CallText {
 public:
  CallText(const GuestView& view, const TextLimits& limits) : view_(view), limits_(limits) {}

  /// "zx_port_wait"; "syscall_999" for a number that no call has.
  static std::string name(const PendingCall& call);

  /// The call begins: takes the arguments down.
  void before(const abi::SyscallInfo* info, const Trap& trap, PendingCall& call) const;
  /// Appends the name and all arguments up to the first that is a result.
  void print_begun(PendingCall& call, std::string& out) const;
  /// Appends what is still missing of the arguments, results included, and the parenthesis.
  void print_rest(PendingCall& call, int64_t result, std::string& out) const;
  /// The same for a call that never returns: results stay addresses.
  void print_rest_without_result(PendingCall& call, std::string& out) const;
  /// All arguments, none of which is printed yet; `result` is null for a call that never returns.
  std::vector<ArgumentText> arguments(const PendingCall& call, const int64_t* result) const;
  /// Appends "ZX_OK", "12", "0x7000".
  static void print_result(const PendingCall& call, int64_t result, std::string& out);

 private:
  void print_input(ValuePrinter& printer, const PendingCall& call, size_t index) const;
  void print_output(ValuePrinter& printer, const PendingCall& call, size_t index) const;
  bool print_changes(ValuePrinter& printer, const PendingCall& call, size_t index, std::string_view prefix) const;
  Extent extent(const PendingCall& call, const abi::ArgInfo& arg, bool after) const;
  ObjectType object_of(const PendingCall& call, const abi::ArgInfo& arg) const;
  uint64_t selector_of(const PendingCall& call, const abi::ArgInfo& arg) const;
  std::optional<uint64_t> read_out(const PendingCall& call, const abi::ArgInfo& arg, uint64_t address) const;

  const GuestView& view_;
  const TextLimits& limits_;
};

/// All of a call's arguments as they are before it runs, in parentheses: for messages about it.
std::string call_arguments(const GuestView& view, const TextLimits& limits, const Trap& trap);

}  // namespace jacinth::kernel
