// Tracing: which lines come when, and that looking changes nothing.
#include "kernel/inspect/strace.h"

#include "kernel/inspect/call_counts.h"
#include "kernel/inspect/process_view.h"
#include "tests/support/kernel_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

class Lines final : public LineSink {
 public:
  void line(std::string_view text) override {
    REQUIRE(text.ends_with('\n'));
    lines.emplace_back(text.substr(0, text.size() - 1));
  }
  /// The lines since the last question.
  std::vector<std::string> take() { return std::exchange(lines, {}); }
  std::vector<std::string> lines;
};

/// A line as the threads of these tests begin it.
std::string at(Thread& thread, std::string_view time, std::string_view text) {
  return fmt::format("{}:{} {:>13} {}", abi::raw(thread.process().koid()), abi::raw(thread.koid()), time, text);
}

using All = std::vector<std::string>;

TEST_CASE("a call that does not wait is one line, with its time and how long it took") {
  KernelRig k;
  Lines lines;
  Strace strace(k.core(), lines, {});
  GuestAddr out = k.room(4);
  k.advance_to(Time{12'000'345'678});

  REQUIRE(k.call("vmo_create", 100, 0, out) == Status::kOk);

  Handle vmo = k.peek<Handle>(out);
  Koid koid = k.process()->handles().find(vmo)->object->koid();
  REQUIRE(lines.take() ==
          All{at(k.main_thread(), "12.000345678",
                 fmt::format("zx_vmo_create(size=100, options=0, out={:#x}<vmo:{}>) = ZX_OK <0.000000000>",
                             abi::raw(vmo), abi::raw(koid)))});
}

TEST_CASE("a call that waits is two lines, and others may stand between") {
  KernelRig k;
  Lines lines;
  Thread& sleeper = k.thread();
  Strace strace(k.core(), lines, {});

  k.start(sleeper, "nanosleep", Time{1'000'000});
  static_cast<void>(k.call("debug_write", k.user_text("hi"), 2));
  k.advance_to(Time{1'500'000});

  REQUIRE(lines.take() ==
          All{
              at(sleeper, "0.000000000", "zx_nanosleep(deadline=0.001000000s <unfinished ...>"),
              at(k.main_thread(), "0.000000000", "zx_debug_write(buffer=\"hi\", buffer_size=2) = ZX_OK <0.000000000>"),
              at(sleeper, "0.001500000", "<... zx_nanosleep resumed>) = ZX_OK <0.001500000>"),
          });
}

TEST_CASE("the end of a thread and of a process are told, with the code") {
  KernelRig k;
  Ref<Process> child = k.make_process("child");
  Thread& thread = *child->threads().begin()->second;
  std::string process_at = fmt::format("{:<9}   0.000000000", abi::raw(child->koid()));
  Lines lines;
  Strace strace(k.core(), lines, {});
  std::string exit_line = at(thread, "0.000000000", "zx_process_exit(retcode=42) = ? <0.000000000>");
  std::string thread_line = at(thread, "0.000000000", "+++ thread exited +++");

  k.start(thread, "process_exit", 42);

  REQUIRE(lines.take() == All{exit_line, thread_line, process_at + " +++ exited with 42 +++"});
}

TEST_CASE("a process that was killed shows the code that the kernel gave") {
  KernelRig k;
  Ref<Process> child = k.make_process("child");
  Lines lines;
  Strace strace(k.core(), lines, {});

  child->kill(-1024);
  k.kernel().settle();

  REQUIRE(lines.take().back().ends_with("+++ exited with ZX_TASK_RETCODE_SYSCALL_KILL +++"));
}

TEST_CASE("only the calls that were asked for are printed") {
  KernelRig k;
  Lines lines;
  StraceOptions options;
  options.filter.calls.resize(KernelRig::number("handle_close") + 1);
  options.filter.calls[KernelRig::number("handle_close")] = true;
  options.filter.calls.resize(1000);
  Thread& sleeper = k.thread();
  Strace strace(k.core(), lines, options);

  static_cast<void>(k.call("event_create", 0, k.room(4)));
  k.start(sleeper, "nanosleep", Time{1'000'000});
  static_cast<void>(k.call("handle_close", 0));
  k.advance_to(Time{1'500'000});

  All seen = lines.take();
  REQUIRE(seen.size() == 1);
  REQUIRE(seen[0].find("zx_handle_close") != std::string::npos);
}

TEST_CASE("a tracer that goes away hears nothing more") {
  KernelRig k;
  Lines lines;
  {
    Strace strace(k.core(), lines, {});
    static_cast<void>(k.call("handle_close", 0));
  }
  static_cast<void>(k.call("handle_close", 0));
  REQUIRE(lines.take().size() == 1);
}

TEST_CASE("tracing changes nothing that the guest could see") {
  auto digest_after = [](bool traced) {
    KernelRig k;
    Lines lines;
    std::optional<Strace> strace;
    GuestAddr text = k.user_text("hello");
    GuestAddr fresh = k.room(100'000);  // Never touched: looking at it must not bring it in.
    if (traced) strace.emplace(k.core(), lines, StraceOptions{});
    static_cast<void>(k.call("debug_write", text, 5));
    static_cast<void>(k.call("debug_write", fresh + 50'000, 5000));
    static_cast<void>(k.call("event_create", 0, k.room(4)));
    static_cast<void>(k.call("handle_close", 0x12345673));
    Hasher hasher;
    k.kernel().state(hasher);
    return hasher.digest();
  };
  REQUIRE(digest_after(true) == digest_after(false));
}

TEST_CASE("pages that nobody wrote are zeros, and looking leaves them away") {
  KernelRig k;
  ProcessView view(*k.process());
  GuestAddr room = k.room(3 * kPageSize);
  uint64_t committed = k.kernel().vm().pmm().count(FrameState::kObject);

  std::array<std::byte, 2 * kPageSize> bytes;
  bytes.fill(std::byte{1});
  REQUIRE(view.peek_all(room, bytes));
  REQUIRE(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }));
  REQUIRE(k.kernel().vm().pmm().count(FrameState::kObject) == committed);
}

TEST_CASE("looking ends at the first byte where nothing is mapped") {
  KernelRig k;
  ProcessView view(*k.process());
  std::array<std::byte, 64> bytes;
  REQUIRE(view.peek(KernelRig::kMemory + KernelRig::kMemorySize - 10, bytes) == 10);
  REQUIRE(view.peek(KernelRig::kMemory + KernelRig::kMemorySize, bytes) == 0);
  REQUIRE(view.peek(GuestAddr(0), bytes) == 0);
  REQUIRE(view.peek(GuestAddr(~uint64_t{0} - 8), bytes) == 0);
}

TEST_CASE("calls are counted by name") {
  KernelRig k;
  CallCounts counts(k.core());
  static_cast<void>(k.call("handle_close", 0));
  static_cast<void>(k.call("handle_close", 0));
  static_cast<void>(k.call("event_create", 0, k.room(4)));
  std::map<std::string, uint64_t> seen;
  counts.for_each([&](std::string_view name, uint64_t count) { seen[std::string(name)] = count; });
  REQUIRE(seen == std::map<std::string, uint64_t>{{"zx_event_create", 1}, {"zx_handle_close", 2}});
}

}  // namespace
}  // namespace jacinth::kernel
