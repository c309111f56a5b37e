// Calls that need no object of their own: the log, the serial port, chance, time, and the ABI's self-tests.
// zircon/kernel/lib/syscalls/{debug,zircon,test,system}.cc.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/abi/debuglog.h"
#include "kernel/abi/time.h"
#include "kernel/event/event.h"
#include "kernel/ipc/debuglog.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/syscalls/once.h"
#include "kernel/syscalls/resources.h"
#include "kernel/syscalls/vmo_transfer.h"

namespace jacinth::kernel {
namespace {

/// cprng calls take at most this much at a time.
constexpr size_t kCprngMax = 256;

// --- the log and the serial port ---

Status debuglog_create(Call& call, Handle resource, abi::LogOptions options, UserOut<Handle> out) {
  if (resource != Handle::kInvalid) TRY_STATUS(validate_root_resource(call, resource));
  if (!within(options, abi::LogOptions::kReadable)) return Status::kInvalidArgs;
  bool readable = contains(options, abi::LogOptions::kReadable);
  Rights rights = abi::default_rights(ObjectType::kDebuglog);
  if (readable) rights |= Rights::kRead;
  return call.give(out, make_object<Debuglog>(call.core(), readable), rights);
}

Status debuglog_write(Call& call, Handle handle, abi::LogWriteOptions options, UserBytesIn buffer, size_t size) {
  if (!within(options, abi::LogWriteOptions::kLocal)) return Status::kInvalidArgs;
  TRY(call.get<Debuglog>(handle, Rights::kWrite));
  std::string text = TRY(buffer.text(std::min(size, Log::kMaxText)));
  call.core().log().write(call.process().koid(), call.thread().koid(), static_cast<uint8_t>(abi::LogSeverity::kInfo),
                          static_cast<uint8_t>(options), text);
  return Status::kOk;
}

/// Reads one record; returns its size. What a short buffer has no room for is lost.
int64_t debuglog_read(Call& call, Handle handle, uint32_t options, UserBytesOut buffer, size_t size) {
  if (options != 0) return abi::raw(Status::kInvalidArgs);
  Result<Ref<Debuglog>> log = call.get<Debuglog>(handle, Rights::kRead);
  if (!log) return abi::raw(log.error());
  if (buffer.prepare(std::min(size, sizeof(abi::LogRecord))) == Status::kParked) return abi::raw(Status::kParked);
  const Log::Record* record = (*log)->read();
  if (record == nullptr) return abi::raw(Status::kShouldWait);

  abi::LogRecord out;
  size_t length = std::min(record->text.size(), out.data.size());
  out.sequence = record->sequence;
  out.datalen = static_cast<uint16_t>(length);
  out.severity = record->severity;
  out.flags = record->flags;
  out.timestamp = record->timestamp;
  out.pid = record->pid;
  out.tid = record->tid;
  std::memcpy(out.data.data(), record->text.data(), length);
  size_t written = std::min(size, offsetof(abi::LogRecord, data) + length);
  Status status = buffer.write(std::as_bytes(std::span(&out, 1)).first(written));
  return status == Status::kOk ? static_cast<int64_t>(written) : abi::raw(status);
}

/// Straight to the serial port, at most 256 bytes of it.
Status debug_write(Call& call, UserBytesIn buffer, size_t size) {
  if (call.core().option("kernel.enable-serial-syscalls", 1) == 0) return Status::kNotSupported;
  call.core().platform().console_write(TRY(buffer.text(std::min(size, abi::kDebugWriteMax))));
  return Status::kOk;
}

/// Waits for one byte, and takes with it what else has come by then. Return is a line feed.
Status debug_read(Call& call, Handle resource, UserBytesOut buffer, size_t size, UserOut<size_t> actual) {
  bool full = call.core().option("kernel.enable-serial-syscalls", 1) != 0 &&
              !call.core().option_is("kernel.enable-serial-syscalls", "output-only");
  if (!full) return Status::kNotSupported;
  TRY_STATUS(validate_resource(call, resource, abi::ResourceSystemBase::kDebug));
  auto read = [&]() -> Result<uint64_t> {
    if (size == 0) return 0;
    ConsoleInput& input = call.kernel().console_input();
    std::string text(input.arrived(call.now(), size));
    if (text.empty()) return call.park(input.readers(), BlockReason::kConsole, input.next());
    if (buffer.prepare(text.size()) == Status::kParked) return Status::kParked;
    std::ranges::replace(text, '\r', '\n');
    Status status = buffer.write(std::as_bytes(std::span(text)));
    // The byte that had no place is gone.
    input.drop(status == Status::kOk ? text.size() : 1);
    if (status != Status::kOk) return status;
    return text.size();
  };
  return act_and_tell(call, actual, read, NullOut::kRefused);
}

/// Runs a line as the kernel's console would: what it has to say, it prints, and then all is well.
Status debug_send_command(Call& call, Handle resource, UserBytesIn buffer, size_t size) {
  if (!debugging_syscalls(call)) return Status::kNotSupported;
  TRY_STATUS(validate_resource(call, resource, abi::ResourceSystemBase::kDebug));
  if (size > abi::kDebugWriteMax) return Status::kInvalidArgs;
  std::string line = TRY(buffer.text(size));
  line.resize(std::min(line.find_first_of(std::string_view("\0\n", 2)), line.size()));
  std::string_view words = line;
  words.remove_prefix(std::min(words.find_first_not_of(' '), words.size()));
  std::string_view command = words.substr(0, words.find(' '));
  Platform& platform = call.core().platform();
  if (command.empty()) return Status::kOk;
  if (command == "echo") {
    words.remove_prefix(std::min(words.find_first_not_of(' ', command.size()), words.size()));
    platform.console_write(std::string(words) + "\n");
    return Status::kOk;
  }
  platform.console_write("command \"" + std::string(command) + "\" not found\n");
  return call.unsupported("the kernel's console: " + std::string(command), Status::kOk);
}

// --- chance ---

Status cprng_draw_once(Call& call, UserBytesOut buffer, size_t size) {
  if (size > kCprngMax) return Status::kInvalidArgs;
  std::array<std::byte, kCprngMax> bytes;
  std::span<std::byte> drawn(bytes.data(), size);
  call.core().random(drawn);
  return buffer.write(drawn);
}

/// All chance comes from the run's seed: what programs add changes nothing, which nobody can tell.
Status cprng_add_entropy(Call&, UserBytesIn buffer, size_t size) {
  if (size > kCprngMax) return Status::kInvalidArgs;
  return buffer.text(size).status();
}

// --- time ---

Time clock_get_monotonic(Call& call) { return call.now(); }

/// The call of July 2020. Programs of that time ask it for UTC when they were given no clock object.
Status clock_get(Call& call, abi::ClockId clock, UserOut<Time> out) {
  switch (clock) {
    case abi::ClockId::kMonotonic: return out.write(call.now());
    case abi::ClockId::kUtc: return out.write(call.now() + call.kernel().utc_offset());
    case abi::ClockId::kThread:
      return out.write(Time{call.core().tasks().scheduler().runtime(call.thread(), call.now()).ns});
  }
  return Status::kInvalidArgs;
}

/// The other call of July 2020: sets what UTC is ahead of the monotonic clock.
Status clock_adjust(Call& call, Handle resource, abi::ClockId clock, int64_t offset) {
  TRY_STATUS(validate_root_resource(call, resource));
  if (clock == abi::ClockId::kMonotonic) return Status::kAccessDenied;
  if (clock != abi::ClockId::kUtc) return Status::kInvalidArgs;
  call.kernel().utc_offset() = Duration{offset};
  return Status::kOk;
}

/// One tick is a nanosecond.
int64_t ticks_get(Call& call) { return call.now().ns; }

Status nanosleep(Call& call, Time deadline) {
  if (call.resumed()) {
    return call.woken_with() == Status::kTimedOut ? Status::kOk : call.woken_with();
  }
  if (deadline.ns <= 0) {
    call.core().tasks().scheduler().yield(call.thread().turn().cpu, call.now());
    return Status::kOk;
  }
  Status status = call.park(BlockReason::kSleeping, deadline);
  return status == Status::kTimedOut ? Status::kOk : status;
}

// --- tests of the ABI itself ---

using I = int32_t;

/// Returns its argument; the handle that it makes for kOk lets tests see what becomes of it when it cannot be stored.
int32_t test_handle_create(Call& call, int32_t result, UserOut<Handle> out) {
  if (result != abi::raw(Status::kOk)) return result;
  Status status = call.give(out, make_object<Event>(call.core()), abi::default_rights(ObjectType::kEvent));
  return abi::raw(status);
}

/// Sums wrap around, as the real ones do in practice.
template <class... Arguments>
int32_t sum(Call&, Arguments... arguments) {
  return static_cast<int32_t>((uint32_t{0} + ... + static_cast<uint32_t>(arguments)));
}

template <class Wide, class A, class B, class C>
Wide widening(Call&, Wide a, A b, B c, C d) {
  return static_cast<Wide>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b) + static_cast<uint64_t>(c) +
                           static_cast<uint64_t>(d));
}
constexpr auto kSigned = widening<int64_t, int32_t, int16_t, int8_t>;
constexpr auto kUnsigned = widening<uint64_t, uint32_t, uint16_t, uint8_t>;

/// Fails by its arguments, for tests of a wrapper in the vDSO.
Status test_wrapper(Call&, int32_t a, int32_t b, int32_t c) {
  if (a < 0 || b < 0 || c < 0) return Status::kInvalidArgs;
  int64_t sum = int64_t{a} + b + c;
  return sum > 50 ? Status::kOutOfRange : static_cast<Status>(sum);
}

constexpr std::string_view kSum = "Returns the sum of its arguments, for tests of the calling convention.";
constexpr std::string_view kWidening = "Returns the sum of arguments of four widths.";

constexpr auto kRows = std::to_array<Row>({
    {"zx_clock_adjust", bind<clock_adjust>, Support::kFull, "A call of July 2020: moves the UTC of zx_clock_get."},
    {"zx_clock_get", bind<clock_get>, Support::kFull,
     "A call of July 2020. UTC begins with the machine, at the start of 1970, until zx_clock_adjust moves it."},
    {"zx_clock_get_monotonic_via_kernel", bind<clock_get_monotonic>, Support::kFull, "Virtual time."},
    {"zx_cprng_add_entropy", bind<cprng_add_entropy>, Support::kFull,
     "Checks its arguments; all chance comes from the run's seed."},
    {"zx_cprng_draw_once", bind<cprng_draw_once>, Support::kFull, "Draws from the run's seed."},
    {"zx_debug_read", bind<debug_read>, Support::kFull,
     "Bytes of `jacinth run --console-input`, which arrive in virtual time as 115200 baud carry them."},
    {"zx_debug_send_command", bind<debug_send_command>, Support::kPartial,
     "The console knows echo; of others it prints, as of unknown ones there, that it did not find them."},
    {"zx_debug_write", bind<debug_write>, Support::kFull,
     "Writes to the serial port, unless kernel.enable-serial-syscalls is 0."},
    {"zx_debuglog_create", bind<debuglog_create>, Support::kFull, "Needs no resource, as in 2021."},
    {"zx_debuglog_read", bind<debuglog_read>, Support::kFull, "Records of the 2022 layout, with sequence numbers."},
    {"zx_debuglog_write", bind<debuglog_write>, Support::kFull,
     "Takes the 224 bytes of July 2020; readers get the 216 that fit a record of 2022. Each line is also printed."},
    {"zx_nanosleep", bind<nanosleep>, Support::kFull, "Exact, but for the timer slack of the job's policy."},
    {"zx_syscall_next_1", bind<sum<I>>, Support::kFull, kSum},
    {"zx_syscall_test_0", bind<sum<>>, Support::kFull, kSum},
    {"zx_syscall_test_1", bind<sum<I>>, Support::kFull, kSum},
    {"zx_syscall_test_2", bind<sum<I, I>>, Support::kFull, kSum},
    {"zx_syscall_test_3", bind<sum<I, I, I>>, Support::kFull, kSum},
    {"zx_syscall_test_4", bind<sum<I, I, I, I>>, Support::kFull, kSum},
    {"zx_syscall_test_5", bind<sum<I, I, I, I, I>>, Support::kFull, kSum},
    {"zx_syscall_test_6", bind<sum<I, I, I, I, I, I>>, Support::kFull, kSum},
    {"zx_syscall_test_7", bind<sum<I, I, I, I, I, I, I>>, Support::kFull, kSum},
    {"zx_syscall_test_8", bind<sum<I, I, I, I, I, I, I, I>>, Support::kFull, kSum},
    {"zx_syscall_test_handle_create", bind<test_handle_create>, Support::kFull,
     "Returns its argument and makes an event, for tests of handle clean-up."},
    {"zx_syscall_test_widening_signed_narrow", bind<kSigned>, Support::kFull, kWidening},
    {"zx_syscall_test_widening_signed_wide", bind<kSigned>, Support::kFull, kWidening},
    {"zx_syscall_test_widening_unsigned_narrow", bind<kUnsigned>, Support::kFull, kWidening},
    {"zx_syscall_test_widening_unsigned_wide", bind<kUnsigned>, Support::kFull, kWidening},
    {"zx_syscall_test_wrapper", bind<test_wrapper>, Support::kFull, "Fails by its arguments, for tests of a wrapper."},
    {"zx_ticks_get_via_kernel", bind<ticks_get>, Support::kFull, "A tick is a nanosecond of virtual time."},
});

}  // namespace

std::span<const Row> misc_rows() { return kRows; }

}  // namespace jacinth::kernel
