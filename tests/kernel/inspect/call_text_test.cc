// What one system call looks like as text, by the table of calls; no kernel is needed for that.
#include "kernel/inspect/call_text.h"

#include <initializer_list>

#include "kernel/abi/channel.h"
#include "kernel/abi/port_packet.h"
#include "kernel/abi/stream.h"
#include "kernel/abi/wait.h"
#include "tests/kernel/inspect/fake_view.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kA = FakeView::kBase;
constexpr uint64_t kB = FakeView::kBase + 0x100;
constexpr uint64_t kC = FakeView::kBase + 0x200;
constexpr uint64_t kD = FakeView::kBase + 0x300;
constexpr uint64_t kNever = INT64_MAX;

/// One call from its trap to its return, with time in between.
class Traced {
 public:
  Traced(const FakeView& view, std::string_view name, std::initializer_list<uint64_t> arguments, TextLimits limits = {})
      : limits_(limits), text_(view, limits_) {
    Trap trap;
    std::copy(arguments.begin(), arguments.end(), trap.arguments.begin());
    text_.before(abi::syscall_by_name(name), trap, call_);
  }
  std::string begun() {
    std::string out;
    text_.print_begun(call_, out);
    return out;
  }
  std::string rest(int64_t result = 0) {
    std::string out;
    text_.print_rest(call_, result, out);
    out += " = ";
    CallText::print_result(call_, result, out);
    return out;
  }
  /// All in one line, as a call that does not wait is printed.
  std::string line(int64_t result = 0) {
    std::string name(call_.info->name);
    return name + "(" + rest(result);
  }

 private:
  TextLimits limits_;
  CallText text_;
  PendingCall call_;
};

int64_t code(Status status) { return abi::raw(status); }

TEST_CASE("handles show the object behind them, bad ones only their value") {
  FakeView view;
  view.name(0x1f3, ObjectType::kChannel, 1042);
  REQUIRE(Traced(view, "zx_handle_close", {0x1f3}).line() == "zx_handle_close(handle=0x1f3<channel:1042>) = ZX_OK");
  REQUIRE(Traced(view, "zx_handle_close", {0x1f7}).line(code(Status::kBadHandle)) ==
          "zx_handle_close(handle=0x1f7) = ZX_ERR_BAD_HANDLE");
  REQUIRE(Traced(view, "zx_handle_close", {0}).line() == "zx_handle_close(handle=ZX_HANDLE_INVALID) = ZX_OK");
}

TEST_CASE("what a call consumes is shown as it was before") {
  FakeView view;
  view.name(0x1f3, ObjectType::kChannel, 1042);
  view.name(0x203, ObjectType::kVmo, 1050);
  view.put(kA, std::string_view("hello"));
  view.put(kB, uint32_t{0x203});
  Traced traced(view, "zx_channel_write", {0x1f3, 0, kA, 5, kB, 1});
  view.forget(0x203);
  view.put(kA, std::string_view("?????"));

  REQUIRE(traced.line() ==
          "zx_channel_write(handle=0x1f3<channel:1042>, options=0, bytes=\"hello\", num_bytes=5, "
          "handles=[0x203<vmo:1050>], num_handles=1) = ZX_OK");
}

TEST_CASE("results are shown as they are after the call") {
  FakeView view;
  Traced traced(view, "zx_channel_create", {0, kA, kB});
  view.put(kA, uint32_t{0x1f3});
  view.put(kB, uint32_t{0x1f7});
  view.name(0x1f3, ObjectType::kChannel, 1042);
  view.name(0x1f7, ObjectType::kChannel, 1043);

  REQUIRE(traced.line() == "zx_channel_create(options=0, out0=0x1f3<channel:1042>, out1=0x1f7<channel:1043>) = ZX_OK");
}

TEST_CASE("a failed call shows where its results would have gone") {
  FakeView view;
  Traced traced(view, "zx_channel_create", {1, kA, kB});
  REQUIRE(traced.line(code(Status::kInvalidArgs)) ==
          "zx_channel_create(options=0x1, out0=0x7000, out1=0x7100) = ZX_ERR_INVALID_ARGS");
}

TEST_CASE("a buffer that was too small still shows the sizes that came out") {
  FakeView view;
  view.name(0x1f3, ObjectType::kChannel, 1042);
  Traced traced(view, "zx_channel_read", {0x1f3, 0, 0, 0, 0, 0, kC, kD});
  view.put(kC, uint32_t{16});
  view.put(kD, uint32_t{2});
  REQUIRE(traced.line(code(Status::kBufferTooSmall)) ==
          "zx_channel_read(handle=0x1f3<channel:1042>, options=0, bytes=NULL, handles=NULL, num_bytes=0, "
          "num_handles=0, actual_bytes=16, actual_handles=2) = ZX_ERR_BUFFER_TOO_SMALL");
}

TEST_CASE("a buffer shows no more than came") {
  FakeView view;
  view.name(0x1f3, ObjectType::kChannel, 1042);
  Traced traced(view, "zx_channel_read", {0x1f3, 0, kA, kB, 64, 4, kC, kD});
  view.put(kA, std::string_view("abcdef"));
  view.put(kC, uint32_t{3});
  view.put(kD, uint32_t{0});
  REQUIRE(traced.line() ==
          "zx_channel_read(handle=0x1f3<channel:1042>, options=0, bytes=\"abc\", handles=[], num_bytes=64, "
          "num_handles=4, actual_bytes=3, actual_handles=0) = ZX_OK");
}

TEST_CASE("long text is cut where the limit says") {
  FakeView view;
  view.put(kA, std::string_view("0123456789abcdef0123456789abcdef0123456789"));
  REQUIRE(Traced(view, "zx_debug_write", {kA, 42}).line() ==
          "zx_debug_write(buffer=\"0123456789abcdef0123456789abcdef\"..., buffer_size=42) = ZX_OK");
  REQUIRE(Traced(view, "zx_debug_write", {kA, 42}, {.bytes = 4}).line() ==
          "zx_debug_write(buffer=\"0123\"..., buffer_size=42) = ZX_OK");
  REQUIRE(Traced(view, "zx_debug_write", {kA, 32}).line() ==
          "zx_debug_write(buffer=\"0123456789abcdef0123456789abcdef\", buffer_size=32) = ZX_OK");
}

TEST_CASE("bytes that are no text are escaped so that each can be told") {
  FakeView view;
  view.name(0x1f3, ObjectType::kSocket, 1042);
  view.put(kA, std::string_view("a\"\\\n\t\0x\0001\x80\xff", 11));
  Traced traced(view, "zx_socket_write", {0x1f3, 0, kA, 11, kB});
  view.put(kB, uint64_t{11});
  REQUIRE(traced.line() ==
          "zx_socket_write(handle=0x1f3<socket:1042>, options=0, buffer=\"a\\\"\\\\\\n\\t\\0x\\x001\\x80\\xff\", "
          "buffer_size=11, actual=11) = ZX_OK");
}

TEST_CASE("memory that cannot be seen stays an address") {
  FakeView view;
  REQUIRE(Traced(view, "zx_debug_write", {0x100, 5}).line(code(Status::kInvalidArgs)) ==
          "zx_debug_write(buffer=0x100, buffer_size=5) = ZX_ERR_INVALID_ARGS");
  REQUIRE(Traced(view, "zx_handle_close_many", {FakeView::kBase + 0xffc, 2}).line(code(Status::kInvalidArgs)) ==
          "zx_handle_close_many(handles=0x7ffc, num_handles=2) = ZX_ERR_INVALID_ARGS");
}

TEST_CASE("an array is cut where the limit says, whatever length the guest claims") {
  FakeView view;
  std::string line = Traced(view, "zx_handle_close_many", {kA, ~uint64_t{0}}, {.elements = 2}).line();
  REQUIRE(line ==
          "zx_handle_close_many(handles=[ZX_HANDLE_INVALID, ZX_HANDLE_INVALID, ...], "
          "num_handles=18446744073709551615) = ZX_OK");
}

TEST_CASE("a structure shows its fields, and a variant what its selector makes of it") {
  FakeView view;
  view.name(0x1f3, ObjectType::kPort, 1042);
  abi::PortPacket packet = {};
  packet.key = 7;
  packet.type = abi::PacketType::kUser;
  packet.user.u64[0] = 0x10;
  view.put(kA, packet);
  REQUIRE(Traced(view, "zx_port_queue", {0x1f3, kA}).line() ==
          "zx_port_queue(handle=0x1f3<port:1042>, packet={key=0x7, type=ZX_PKT_TYPE_USER, status=ZX_OK, "
          "payload={u64=[0x10, 0, 0, 0]}}) = ZX_OK");
}

TEST_CASE("signals have the names of the object that they are of") {
  FakeView view;
  view.name(0x1f3, ObjectType::kChannel, 1042);
  Traced traced(view, "zx_object_wait_one", {0x1f3, 5, kNever, kA});
  view.put(kA, uint32_t{3});
  REQUIRE(traced.line() ==
          "zx_object_wait_one(handle=0x1f3<channel:1042>, signals=ZX_CHANNEL_READABLE|ZX_CHANNEL_PEER_CLOSED, "
          "deadline=ZX_TIME_INFINITE, observed=ZX_CHANNEL_READABLE|ZX_CHANNEL_WRITABLE) = ZX_OK");
}

TEST_CASE("a call that waits is printed in two parts") {
  FakeView view;
  view.name(0x1f3, ObjectType::kChannel, 1042);
  Traced traced(view, "zx_object_wait_one", {0x1f3, 1, kNever, kA});

  REQUIRE(traced.begun() ==
          "zx_object_wait_one(handle=0x1f3<channel:1042>, signals=ZX_CHANNEL_READABLE, deadline=ZX_TIME_INFINITE, ");
  view.put(kA, uint32_t{1});
  REQUIRE(traced.rest() == "observed=ZX_CHANNEL_READABLE) = ZX_OK");
}

TEST_CASE("a deadline that passes still shows the signals that were seen") {
  FakeView view;
  view.name(0x1f3, ObjectType::kChannel, 1042);
  Traced traced(view, "zx_object_wait_one", {0x1f3, 1, 5, kA});
  view.put(kA, uint32_t{2});
  REQUIRE(traced.line(code(Status::kTimedOut)) ==
          "zx_object_wait_one(handle=0x1f3<channel:1042>, signals=ZX_CHANNEL_READABLE, deadline=0.000000005s, "
          "observed=ZX_CHANNEL_WRITABLE) = ZX_ERR_TIMED_OUT");
}

TEST_CASE("an array that the call fills in is shown again if it changed") {
  FakeView view;
  view.name(0x1f3, ObjectType::kEvent, 1042);
  struct Item {
    uint32_t handle, waitfor, pending;
  };
  view.put(kA, Item{0x1f3, 8, 0});
  SECTION("in the same line") {
    Traced traced(view, "zx_object_wait_many", {kA, 1, kNever});
    view.put(kA, Item{0x1f3, 8, 8});
    REQUIRE(traced.line() ==
            "zx_object_wait_many(items=[{handle=0x1f3<event:1042>, waitfor=ZX_EVENT_SIGNALED, pending=0}] => "
            "[{handle=0x1f3<event:1042>, waitfor=ZX_EVENT_SIGNALED, pending=ZX_EVENT_SIGNALED}], num_items=1, "
            "deadline=ZX_TIME_INFINITE) = ZX_OK");
  }
  SECTION("after a wait") {
    Traced traced(view, "zx_object_wait_many", {kA, 1, kNever});
    traced.begun();
    view.put(kA, Item{0x1f3, 8, 8});
    REQUIRE(traced.rest() ==
            "items=[{handle=0x1f3<event:1042>, waitfor=ZX_EVENT_SIGNALED, pending=ZX_EVENT_SIGNALED}]) = ZX_OK");
  }
  SECTION("not when it is the same") {
    Traced traced(view, "zx_object_wait_many", {kA, 1, 0});
    REQUIRE(traced.line(code(Status::kTimedOut)) ==
            "zx_object_wait_many(items=[{handle=0x1f3<event:1042>, waitfor=ZX_EVENT_SIGNALED, pending=0}], "
            "num_items=1, deadline=0) = ZX_ERR_TIMED_OUT");
  }
}

TEST_CASE("channel_call shows what was sent and what came back") {
  FakeView view;
  view.name(0x1f3, ObjectType::kChannel, 1042);
  abi::ChannelCallArgs args;
  args.wr_bytes = kB;
  args.wr_num_bytes = 4;
  args.rd_bytes = kC;
  args.rd_num_bytes = 64;
  view.put(kA, args);
  view.put(kB, std::string_view("ping"));
  view.put(kC, std::string_view("....pong."));
  Traced traced(view, "zx_channel_call_noretry", {0x1f3, 0, kNever, kA, kD, kD + 4});
  view.put(kC, std::string_view("pong"));
  view.put(kD, uint32_t{4});

  REQUIRE(traced.line() ==
          "zx_channel_call_noretry(handle=0x1f3<channel:1042>, options=0, deadline=ZX_TIME_INFINITE, "
          "args={wr_bytes=\"ping\", wr_handles=NULL, rd_bytes=0x7200, rd_handles=NULL, wr_num_bytes=4, "
          "wr_num_handles=0, rd_num_bytes=64, rd_num_handles=0} => {rd_bytes=\"pong\", rd_handles=NULL}, "
          "actual_bytes=4, actual_handles=0) = ZX_OK");
}

TEST_CASE("records in a buffer of bytes are counted by what came out") {
  FakeView view;
  view.name(0x1f3, ObjectType::kJob, 1042);
  Traced traced(view, "zx_object_get_info", {0x1f3, 8, kA, 80, kB, kC});
  view.put(kA, std::array<uint64_t, 3>{1050, 1060, 99});
  view.put(kB, uint64_t{2});
  view.put(kC, uint64_t{2});
  REQUIRE(traced.line() ==
          "zx_object_get_info(handle=0x1f3<job:1042>, topic=ZX_INFO_JOB_CHILDREN, buffer=[1050, 1060], "
          "buffer_size=80, actual=2, avail=2) = ZX_OK");
}

TEST_CASE("the name that a property holds ends at its first zero") {
  FakeView view;
  view.name(0x1f3, ObjectType::kVmo, 1042);
  Traced traced(view, "zx_object_get_property", {0x1f3, 3, kA, 32});
  view.put(kA, std::string_view("scudo\0\0\0", 8));
  REQUIRE(traced.line() ==
          "zx_object_get_property(handle=0x1f3<vmo:1042>, property=ZX_PROP_NAME, value=\"scudo\", value_size=32) = "
          "ZX_OK");
}

TEST_CASE("a call that never returns leaves its results unknown") {
  FakeView view;
  TextLimits limits;
  CallText text(view, limits);
  PendingCall call;
  Trap trap;
  trap.arguments[0] = 42;
  text.before(abi::syscall_by_name("zx_process_exit"), trap, call);
  std::string out;
  text.print_rest_without_result(call, out);
  REQUIRE(out == "retcode=42)");
}

TEST_CASE("elements of a FIFO are shown as far as they were moved") {
  FakeView view;
  view.name(0x1f3, ObjectType::kFifo, 1042);
  view.put(kA, std::string_view("aabbccdd"));
  view.put(kB, uint64_t{3});
  REQUIRE(Traced(view, "zx_fifo_read", {0x1f3, 2, kA, 4, kB}).line() ==
          "zx_fifo_read(handle=0x1f3<fifo:1042>, elem_size=2, data=\"aabbcc\", count=4, actual_count=3) = ZX_OK");
  REQUIRE(Traced(view, "zx_fifo_write", {0x1f3, 2, kA, 4, 0}).line(code(Status::kShouldWait)) ==
          "zx_fifo_write(handle=0x1f3<fifo:1042>, elem_size=2, data=\"aabbccdd\", count=4, actual_count=NULL) = "
          "ZX_ERR_SHOULD_WAIT");
}

TEST_CASE("the data of a socket is shown in short, with what came of it") {
  FakeView view;
  view.name(0x1f3, ObjectType::kSocket, 1042);
  view.put(kA, std::string_view("a line that is longer than what is shown"));
  view.put(kB, uint64_t{6});
  REQUIRE(Traced(view, "zx_socket_write", {0x1f3, 0, kA, 40, kB}, {.bytes = 8}).line() ==
          "zx_socket_write(handle=0x1f3<socket:1042>, options=0, buffer=\"a line t\"..., buffer_size=40, actual=6) = "
          "ZX_OK");
  REQUIRE(Traced(view, "zx_socket_read", {0x1f3, 8, kA, 40, kB}).line() ==
          "zx_socket_read(handle=0x1f3<socket:1042>, options=ZX_SOCKET_PEEK, buffer=\"a line\", buffer_size=40, "
          "actual=6) = ZX_OK");
  REQUIRE(Traced(view, "zx_socket_set_disposition", {0x1f3, 1, 2}).line() ==
          "zx_socket_set_disposition(handle=0x1f3<socket:1042>, disposition=ZX_SOCKET_DISPOSITION_WRITE_DISABLED, "
          "disposition_peer=ZX_SOCKET_DISPOSITION_WRITE_ENABLED) = ZX_OK");
}

TEST_CASE("buffers of a stream are shown as far as they were filled, one after the other") {
  FakeView view;
  view.name(0x1f3, ObjectType::kStream, 1042);
  view.put(kA, abi::Iovec{.buffer = kB, .capacity = 4});
  view.put(kA + 16, abi::Iovec{.buffer = kC, .capacity = 4});
  view.put(kB, std::string_view("abcd"));
  view.put(kC, std::string_view("efgh"));
  view.put(kD, uint64_t{6});
  std::string before =
      "zx_stream_readv(handle=0x1f3<stream:1042>, options=0, vector=[{buffer=0x7100, capacity=4}, "
      "{buffer=0x7200, capacity=4}]";
  REQUIRE(Traced(view, "zx_stream_readv", {0x1f3, 0, kA, 2, kD}).line() ==
          before + " => [{buffer=\"abcd\", capacity=4}, {buffer=\"ef\", capacity=4}], num_vector=2, actual=6) = ZX_OK");
  REQUIRE(Traced(view, "zx_stream_readv", {0x1f3, 0, kA, 2, kD}).line(code(Status::kNotFound)) ==
          before + ", num_vector=2, actual=0x7300) = ZX_ERR_NOT_FOUND");
  REQUIRE(
      Traced(view, "zx_stream_writev", {0x1f3, 1, kA, 2, kD}).line() ==
      "zx_stream_writev(handle=0x1f3<stream:1042>, options=ZX_STREAM_APPEND, vector=[{buffer=\"abcd\", capacity=4}, "
      "{buffer=\"efgh\", capacity=4}], num_vector=2, actual=6) = ZX_OK");
}

TEST_CASE("a number that no call has is shown with its registers") {
  FakeView view;
  Trap trap;
  trap.number = 9999;
  trap.arguments = {1, 2, 3, 4, 5, 6, 7, 8};
  REQUIRE(call_arguments(view, {}, trap) == "(0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8)");
}

TEST_CASE("every call can be printed, whatever its registers hold") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    FakeView view(arch);
    view.name(1, ObjectType::kChannel, 1042);
    for (const abi::SyscallInfo& info : abi::syscalls()) {
      for (uint64_t value :
           {uint64_t{0}, uint64_t{1}, kA, kA + FakeView::kSize - 4, uint64_t{48}, ~uint64_t{0}, uint64_t{1} << 63}) {
        for (int64_t result : {int64_t{0}, int64_t{1}, code(Status::kBufferTooSmall), code(Status::kInvalidArgs)}) {
          INFO(info.name << " " << value << " " << result);
          Traced traced(view, info.name, {value, value, value, value, value, value, value, value});
          if (value % 2 == 0) traced.begun();
          std::string line = traced.rest(result);
          REQUIRE(line.find(") = ") != std::string::npos);
          REQUIRE(line.size() < 20000);
        }
      }
    }
  }
}

}  // namespace
}  // namespace jacinth::kernel
