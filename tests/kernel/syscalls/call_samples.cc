#include "tests/kernel/syscalls/call_samples.h"

#include <type_traits>

#include "kernel/abi/bti.h"
#include "kernel/abi/clock.h"
#include "kernel/abi/info_memory.h"
#include "kernel/abi/interrupt.h"
#include "kernel/abi/ktrace.h"
#include "kernel/abi/pager.h"
#include "kernel/abi/policy.h"
#include "kernel/abi/profile.h"
#include "kernel/abi/stream.h"
#include "kernel/abi/system.h"
#include "kernel/abi/vmar.h"
#include "kernel/abi/vmo.h"
#include "kernel/hw/resource.h"
#include "kernel/vm/address_space.h"

namespace jacinth::kernel {
namespace {

using Rig = ExceptionRig;
using enum Exemption::What;

constexpr uint64_t kPage = kPageSize;
constexpr uint32_t kVirtualInterrupt = 0x10;
constexpr uint32_t kLogReadable = 0x4000'0000;
constexpr uint32_t kPermReadWrite = 3;

template <class T>
uint64_t as_argument(T value) {
  if constexpr (std::is_same_v<T, GuestAddr>) {
    return value.value;
  } else if constexpr (std::is_same_v<T, Time> || std::is_same_v<T, Duration>) {
    return static_cast<uint64_t>(value.ns);
  } else {
    return static_cast<uint64_t>(value);
  }
}

template <class... Values>
Arguments args(Values... values) {
  return {{as_argument(values)...}};
}

// --- things to call on ---

Handle root_resource(Rig& k) {
  return k.handle(*Resource::create(k.core(), abi::ResourceKind::kRoot, 0, 0, abi::ResourceFlags::kNone, "root"));
}

/// Who may trace, with a trace that has something, and runs or not.
Handle traced(Rig& k, bool runs) {
  Handle root = root_resource(k);
  REQUIRE(k.call("ktrace_control", root, abi::KtraceAction::kStart, 0, nullptr) == Status::kOk);
  if (!runs) REQUIRE(k.call("ktrace_control", root, abi::KtraceAction::kStop, 0, nullptr) == Status::kOk);
  return root;
}

Handle iommu(Rig& k) { return k.make("iommu_create", root_resource(k), 0, k.room(1), 1); }
Handle bti(Rig& k) { return k.make("bti_create", iommu(k), 0, 7); }

Handle root_region(Rig& k) {
  return k.handle(k.process()->memory().root(),
                  abi::default_rights(ObjectType::kVmar) | Rights::kReadWrite | Rights::kExecute);
}

/// With all its pages: writing to it takes none.
Handle vmo(Rig& k, uint64_t pages = 4) {
  Handle made = k.make("vmo_create", pages * kPage, abi::VmoOptions::kResizable);
  REQUIRE(k.call("vmo_op_range", made, abi::VmoOp::kCommit, 0, pages * kPage, nullptr, 0) == Status::kOk);
  return made;
}

struct Mapped {
  Handle region{};
  GuestAddr at;
};
Mapped mapping(Rig& k) {
  Handle region = root_region(k);
  GuestAddr out = k.room(8);
  REQUIRE(k.call("vmar_map", region, kPermReadWrite, 0, vmo(k), 0, 4 * kPage, out) == Status::kOk);
  return {region, k.peek<GuestAddr>(out)};
}

Handle stream(Rig& k) {
  Handle data = vmo(k);
  REQUIRE(k.set_property<uint64_t>(data, abi::Property::kVmoContentSize, 256) == Status::kOk);
  return k.make("stream_create", abi::StreamOptions::kModeRead | abi::StreamOptions::kModeWrite, data, 0);
}
/// A call on a stream with a vector of one part, behind the numbers that the call takes before it.
template <class... Numbers>
Arguments on_stream(Rig& k, bool written, Numbers... numbers) {
  GuestAddr vector = k.user(abi::Iovec{.buffer = k.room(16).value, .capacity = 16});
  Arguments made = args(stream(k), 0, numbers..., vector, 1, k.room(8));
  made.nested = {{"buffer", vector, written}};
  return made;
}

struct Paged {
  Handle pager{}, port{}, vmo{};
};
Paged paged(Rig& k, uint64_t options = 0) {
  Paged made = {.pager = k.make("pager_create", 0), .port = k.port()};
  made.vmo = k.make("pager_create_vmo", made.pager, options, made.port, 0, 4 * kPage);
  return made;
}
Paged supplied(Rig& k) {
  Paged made = paged(k);
  Handle aux = vmo(k, 1);
  REQUIRE(k.call("pager_supply_pages", made.pager, made.vmo, 0, kPage, aux, 0) == Status::kOk);
  return made;
}

Handle readable_log(Rig& k) {
  Handle log = k.make("debuglog_create", root_resource(k), kLogReadable);
  REQUIRE(k.call("debuglog_write", log, 0, k.user_text("line"), 4) == Status::kOk);
  return log;
}

Handle interrupt(Rig& k) { return k.make("interrupt_create", Handle{0}, 0, kVirtualInterrupt); }

Handle exception(Rig& k, Handle task) {
  Handle channel = k.attach(task);
  k.fault(k.victim());
  return k.take(channel).exception;
}

Handle suspended(Rig& k) {
  k.make("task_suspend", k.thread_handle);
  k.run();
  return k.thread_handle;
}

Handle new_process(Rig& k) {
  GuestAddr out = k.room(8);
  REQUIRE(k.call("process_create", k.handle(k.job()), k.user_text("new"), 3, 0, out, out + 4) == Status::kOk);
  return k.peek<Handle>(out);
}
Handle new_thread(Rig& k, Handle process) { return k.make("thread_create", process, k.user_text("t"), 1, 0); }

size_t restricted_size(Rig& k) { return k.core().platform().arch() == Arch::kArm64 ? 264 : 160; }

GuestAddr zeros(Rig& k) { return k.user(uint32_t{0}); }

struct Request {
  GuestAddr args;
  std::vector<Nested> nested;
};
Request channel_call(Rig& k) {
  abi::ChannelCallArgs values = {.wr_bytes = k.user_text("request!").value,
                                 .wr_handles = k.user_handles({k.event()}).value,
                                 .rd_bytes = k.room(16).value,
                                 .wr_num_bytes = 8,
                                 .wr_num_handles = 1,
                                 .rd_num_bytes = 16};
  GuestAddr at = k.user(values);
  return {at, {{"wr_bytes", at}, {"wr_handles", at + offsetof(abi::ChannelCallArgs, wr_handles)}}};
}
Request channel_call_etc(Rig& k) {
  abi::ChannelCallEtcArgs values = {
      .wr_bytes = k.user_text("request!").value,
      .wr_handles = k.user(abi::HandleDisposition{.handle = k.event(), .rights = Rights::kSameRights}).value,
      .wr_num_bytes = 8,
      .wr_num_handles = 1};
  GuestAddr at = k.user(values);
  return {at, {{"wr_bytes", at}, {"wr_handles", at + offsetof(abi::ChannelCallEtcArgs, wr_handles)}}};
}

Handle with_message(Rig& k) {
  auto [a, b] = k.channel();
  k.send(b, "message", {k.event()});
  return a;
}

constexpr std::string_view kLost = "the message is off the channel before it is copied out";
constexpr std::string_view kConsumed = "handles to send are gone whatever becomes of the message";
constexpr std::string_view kNoReply = "there is no reply to deliver";
constexpr std::string_view kCopied = "vm_object_paged.cc copies as if the program did it";
constexpr std::string_view kOnlyName = "only the address counts";

/// A call whose deadline is over, so that no reply comes.
Arguments hasty_call(Rig& k, const Request& request) {
  Arguments made = args(k.channel().first, 0, Time{0}, request.args, k.room(4), k.room(4));
  made.nested = request.nested;
  return made;
}
const std::vector<Exemption> kHastyCall = {{"actual_bytes", kUnused, kNoReply},
                                           {"actual_handles", kUnused, kNoReply},
                                           {"handle", kChanges, kConsumed},
                                           {"wr_bytes", kChanges, kConsumed}};

}  // namespace

std::span<const Sample> call_samples() {
  static const std::vector<Sample> kSamples = {
      // --- the machine ---
      {"clock_adjust", [](Rig& k) { return args(root_resource(k), abi::ClockId::kUtc, 5); }},
      {"debug_send_command", [](Rig& k) { return args(root_resource(k), k.user_text("help"), 4); }},
      {"ktrace_control",
       [](Rig& k) { return args(root_resource(k), abi::KtraceAction::kNewProbe, 0, k.user(std::array<char, 32>{"p"})); }},
      {"ktrace_read",
       [](Rig& k) { return args(traced(k, false), k.room(16), 0, 16, k.room(8)); }},
      {"ktrace_write", [](Rig& k) { return args(traced(k, true), 1, 2, 3); }},
      {"system_powerctl",
       [](Rig& k) { return args(root_resource(k), abi::Powerctl::kEnableAllCpus, 0); },
       {{"arg", kUnused, "the command has none"}}},
      {"system_get_performance_info",
       [](Rig& k) {
         return args(root_resource(k), abi::PerformanceTopic::kPerfScale, 1, k.room(sizeof(abi::CpuPerformanceInfo)),
                     k.room(8));
       }},
      {"system_set_performance_info",
       [](Rig& k) {
         GuestAddr info = k.room(sizeof(abi::CpuPerformanceInfo));
         Handle root = root_resource(k);
         REQUIRE(k.call("system_get_performance_info", root, abi::PerformanceTopic::kPerfScale, 1, info, k.room(8)) ==
                 Status::kOk);
         return args(root, abi::PerformanceTopic::kPerfScale, info, 1);
       }},

      // --- devices ---
      {"iommu_create", [](Rig& k) { return args(root_resource(k), 0, k.room(1), 1, k.room(4)); },
       {{"desc", kOneByte, "the dummy has nothing to describe"}}},
      {"bti_create", [](Rig& k) { return args(iommu(k), 0, 7, k.room(4)); }},
      {"bti_pin",
       [](Rig& k) { return args(bti(k), abi::BtiPinOptions::kPermRead, vmo(k, 1), 0, kPage, k.room(8), 1, k.room(4)); }},
      {"bti_release_quarantine", [](Rig& k) { return args(bti(k)); }},
      {"pmt_unpin",
       [](Rig& k) {
         GuestAddr out = k.room(16);
         REQUIRE(k.call("bti_pin", bti(k), abi::BtiPinOptions::kPermRead, vmo(k, 1), 0, kPage, out, 1, out + 8) ==
                 Status::kOk);
         return args(k.peek<Handle>(out + 8));
       }},
      {"vmo_create_contiguous", [](Rig& k) { return args(bti(k), kPage, 0, k.room(4)); }},
      {"vmo_create_physical", [](Rig& k) { return args(root_resource(k), 0x900'0000, kPage, k.room(4)); }},

      // --- channels ---
      {"channel_create", [](Rig& k) { return args(0, k.room(4), k.room(4)); }},
      {"channel_read",
       [](Rig& k) { return args(with_message(k), 0, k.room(8), k.room(8), 8, 2, k.room(4), k.room(4)); },
       {{"bytes", kChanges, kLost},
        {"handles", kChanges, kLost},
        {"actual_bytes", kChanges, kLost},
        {"actual_handles", kChanges, kLost}}},
      {"channel_read_etc",
       [](Rig& k) { return args(with_message(k), 0, k.room(8), k.room(32), 8, 2, k.room(4), k.room(4)); },
       {{"bytes", kChanges, kLost},
        {"handles", kChanges, kLost},
        {"actual_bytes", kChanges, kLost},
        {"actual_handles", kChanges, kLost}}},
      {"channel_write",
       [](Rig& k) {
         return args(k.channel().first, 0, k.user_text("message"), 7, k.user_handles({k.event(), k.event()}), 2);
       },
       {{"bytes", kChanges, kConsumed}}},
      {"channel_write",
       [](Rig& k) {
         GuestAddr parts = k.user(abi::ChannelIovec{.buffer = k.user_text("message").value, .capacity = 7});
         Arguments made = args(k.channel().first, abi::ChannelWriteOptions::kUseIovec, parts, 1, 0, 0);
         made.nested = {{"buffer", parts}};
         return made;
       },
       {{"handles", kUnused, "there are none"}}},
      {"channel_write_etc",
       [](Rig& k) {
         GuestAddr moved = k.user(abi::HandleDisposition{.handle = k.event(), .rights = Rights::kSameRights});
         return args(k.channel().first, 0, k.user_text("message"), 7, moved, 1);
       },
       {{"bytes", kChanges, kConsumed}}},
      {"channel_call_noretry",
       [](Rig& k) { return hasty_call(k, channel_call(k)); },
       kHastyCall,
       Status::kTimedOut},
      {"channel_call_etc_noretry",
       [](Rig& k) { return hasty_call(k, channel_call_etc(k)); },
       kHastyCall,
       Status::kTimedOut},
      {"channel_call_finish",
       [](Rig& k) { return args(Time{0}, channel_call(k).args, k.room(4), k.room(4)); },
       {{"actual_bytes", kUnused, kNoReply}, {"actual_handles", kUnused, kNoReply}},
       Status::kBadState},
      {"channel_call_etc_finish",
       [](Rig& k) { return args(Time{0}, channel_call_etc(k).args, k.room(4), k.room(4)); },
       {{"actual_bytes", kUnused, kNoReply}, {"actual_handles", kUnused, kNoReply}},
       Status::kBadState},

      // --- clocks and timers ---
      {"clock_create",
       [](Rig& k) {
         return args(abi::ClockOptions::kArgsVersion1, k.user(abi::ClockCreateArgsV1{}), k.room(4));
       }},
      {"clock_get", [](Rig& k) { return args(0, k.room(8)); }},
      {"clock_get_details",
       [](Rig& k) {
         return args(k.make("clock_create", 0, 0), abi::ClockDetailsOptions::kArgsVersion1,
                     k.room(sizeof(abi::ClockDetailsV1)));
       }},
      {"clock_read", [](Rig& k) { return args(k.make("clock_create", 0, 0), k.room(8)); }},
      {"clock_update",
       [](Rig& k) {
         return args(k.make("clock_create", 0, 0),
                     abi::ClockUpdateOptions::kArgsVersion2 | abi::ClockUpdateOptions::kSyntheticValueValid,
                     k.user(abi::ClockUpdateArgsV2{}));
       }},
      {"timer_create", [](Rig& k) { return args(0, 0, k.room(4)); }},
      {"timer_set", [](Rig& k) { return args(k.timer(), Time{1000}, 0); }},
      {"timer_cancel", [](Rig& k) { return args(k.timer()); }},

      // --- chance, the console, the log ---
      {"cprng_draw_once", [](Rig& k) { return args(k.room(16), 16); }},
      {"cprng_add_entropy", [](Rig& k) { return args(k.user_text("entropy"), 7); }},
      {"debug_read",
       [](Rig& k) {
         k.kernel().console_input().feed(Time{0}, "x");
         return args(root_resource(k), k.room(1), 1, k.room(8));
       },
       {{"buffer", kChanges, "a byte that could not be stored is gone"},
        {"buffer", kOneByte, "there is but one"},
        {"actual", kChanges, "the bytes are taken before"}}},
      {"debug_write", [](Rig& k) { return args(k.user_text("text"), 4); }},
      {"debuglog_create", [](Rig& k) { return args(root_resource(k), 0, k.room(4)); }},
      {"debuglog_read",
       [](Rig& k) { return args(readable_log(k), 0, k.room(256), 256); },
       {{"buffer", kChanges, "the record is read before it is copied out"}}},
      {"debuglog_write",
       [](Rig& k) { return args(k.make("debuglog_create", Handle{0}, 0), 0, k.user_text("line"), 4); }},

      // --- events, FIFOs, sockets ---
      {"event_create", [](Rig& k) { return args(0, k.room(4)); }},
      {"eventpair_create", [](Rig& k) { return args(0, k.room(4), k.room(4)); }},
      {"fifo_create", [](Rig& k) { return args(8, 8, 0, k.room(4), k.room(4)); }},
      {"fifo_read",
       [](Rig& k) {
         auto [a, b] = k.fifo(4, 8);
         REQUIRE(k.call("fifo_write", b, 8, k.room(16), 2, nullptr) == Status::kOk);
         return args(a, 8, k.room(16), 2, k.room(8));
       },
       {{"actual_count", kChanges, "elements are read before their number is told"}}},
      {"fifo_write",
       [](Rig& k) { return args(k.fifo(4, 8).first, 8, k.room(16), 2, k.room(8)); },
       {{"actual_count", kChanges, "elements are written before their number is told"}}},
      {"socket_create", [](Rig& k) { return args(0, k.room(4), k.room(4)); }},
      {"socket_read",
       [](Rig& k) {
         auto [a, b] = k.socket();
         REQUIRE(k.call("socket_write", b, 0, k.user_text("bytes"), 5, nullptr) == Status::kOk);
         return args(a, 0, k.room(5), 5, k.room(8));
       },
       {{"actual", kChanges, "bytes are read before their number is told"}}},
      {"socket_write",
       [](Rig& k) { return args(k.socket().first, 0, k.user_text("bytes"), 5, k.room(8)); },
       {{"actual", kChanges, "bytes are written before their number is told"},
        {"buffer", kChanges, "the socket keeps the room that it took for them"}}},
      {"socket_set_disposition", [](Rig& k) { return args(k.socket().first, 1, 0); }},

      // --- futexes ---
      {"futex_wait", [](Rig& k) { return args(zeros(k), 0, 0, Time{0}); }, {}, Status::kTimedOut},
      {"futex_wake", [](Rig& k) { return args(zeros(k), 1); }, {{"value_ptr", kNotRead, kOnlyName}}},
      {"futex_wake_single_owner", [](Rig& k) { return args(zeros(k)); }, {{"value_ptr", kNotRead, kOnlyName}}},
      {"futex_requeue",
       [](Rig& k) { return args(zeros(k), 1, 0, zeros(k), 1, k.handle(Ref<Object>(&k.thread()))); },
       {{"requeue_ptr", kNotRead, kOnlyName}}},
      {"futex_requeue_single_owner",
       [](Rig& k) { return args(zeros(k), 0, zeros(k), 1, k.handle(Ref<Object>(&k.thread()))); },
       {{"requeue_ptr", kNotRead, kOnlyName}}},
      {"futex_get_owner", [](Rig& k) { return args(zeros(k), k.room(8)); }, {{"value_ptr", kNotRead, kOnlyName}}},

      // --- handles ---
      {"handle_close", [](Rig& k) { return args(k.event()); }},
      {"handle_close_many", [](Rig& k) { return args(k.user_handles({k.event(), k.event()}), 2); }},
      {"handle_duplicate", [](Rig& k) { return args(k.event(), Rights::kSameRights, k.room(4)); }},
      {"handle_replace",
       [](Rig& k) { return args(k.event(), Rights::kSameRights, k.room(4)); },
       {{"out", kChanges, "the old handle is gone whatever happens"}}},

      // --- interrupts ---
      {"interrupt_create", [](Rig& k) { return args(root_resource(k), 0, kVirtualInterrupt, k.room(4)); },
       {{"src_obj", kAnyHandle, "a virtual interrupt needs no resource"}}},
      {"interrupt_bind", [](Rig& k) { return args(interrupt(k), k.port(abi::PortOptions::kBindToInterrupt), 1, 0); }},
      {"interrupt_ack",
       [](Rig& k) {
         Handle made = interrupt(k);
         Handle port = k.port(abi::PortOptions::kBindToInterrupt);
         REQUIRE(k.call("interrupt_bind", made, port, 1, 0) == Status::kOk);
         REQUIRE(k.call("interrupt_trigger", made, 0, 0) == Status::kOk);
         k.packet(port);
         return args(made);
       }},
      {"interrupt_destroy", [](Rig& k) { return args(interrupt(k)); }},
      {"interrupt_trigger", [](Rig& k) { return args(interrupt(k), 0, 5); }},
      {"interrupt_wait",
       [](Rig& k) {
         Handle made = interrupt(k);
         REQUIRE(k.call("interrupt_trigger", made, 0, 0) == Status::kOk);
         return args(made, k.room(8));
       },
       {{"out_timestamp", kChanges, "the interrupt counts as handled"}}},

      // --- objects ---
      {"object_get_child",
       [](Rig& k) {
         return args(k.process_handle, abi::raw(k.victim().koid()), Rights::kSameRights, k.room(4));
       }},
      {"object_get_info",
       [](Rig& k) {
         return args(k.event(), abi::InfoTopic::kHandleBasic, k.room(sizeof(abi::InfoHandleBasic)),
                     sizeof(abi::InfoHandleBasic), k.room(8), k.room(8));
       }},
      {"object_get_property", [](Rig& k) { return args(k.thread_handle, abi::Property::kName, k.room(32), 32); }},
      {"object_set_property",
       [](Rig& k) { return args(k.thread_handle, abi::Property::kName, k.user_text("name"), 4); }},
      {"object_signal", [](Rig& k) { return args(k.event(), 0, Signals::kUser0); }},
      {"object_signal_peer", [](Rig& k) { return args(k.eventpair().first, 0, Signals::kUser0); }},
      {"object_wait_async", [](Rig& k) { return args(k.event(), k.port(), 7, Signals::kUser0, 0); }},
      {"object_wait_one",
       [](Rig& k) {
         Handle event = k.event();
         k.signal(event, Signals::kUser0);
         return args(event, Signals::kUser0, Time{0}, k.room(4));
       }},
      {"object_wait_many",
       [](Rig& k) {
         Handle event = k.event();
         k.signal(event, Signals::kUser0);
         return args(k.user(abi::WaitItem{.handle = event, .waitfor = Signals::kUser0}), 1, Time{0});
       }},

      // --- pagers ---
      {"pager_create", [](Rig& k) { return args(0, k.room(4)); }},
      {"pager_create_vmo", [](Rig& k) { return args(k.make("pager_create", 0), 0, k.port(), 0, kPage, k.room(4)); },
       {{"out", kChanges, "the pager has numbered a VMO"}}},
      {"pager_detach_vmo",
       [](Rig& k) {
         Paged p = paged(k);
         return args(p.pager, p.vmo);
       }},
      {"pager_op_range",
       [](Rig& k) {
         Paged p = paged(k);
         return args(p.pager, abi::PagerOp::kFail, p.vmo, 0, kPage, abi::raw(Status::kIo));
       }},
      {"pager_query_dirty_ranges",
       [](Rig& k) {
         Paged p = supplied(k);
         REQUIRE(k.call("vmo_write", p.vmo, k.user_text("x"), 0, 1) == Status::kOk);
         return args(p.pager, p.vmo, 0, kPage, k.room(sizeof(abi::VmoDirtyRange)), sizeof(abi::VmoDirtyRange),
                     k.room(8), k.room(8));
       }},
      {"pager_query_vmo_stats",
       [](Rig& k) {
         Paged p = paged(k);
         return args(p.pager, p.vmo, 0, k.room(sizeof(abi::PagerVmoStats)), sizeof(abi::PagerVmoStats));
       }},
      {"pager_supply_pages",
       [](Rig& k) {
         Paged p = paged(k);
         Handle aux = vmo(k, 1);
         return args(p.pager, p.vmo, 0, kPage, aux, 0);
       }},

      // --- ports ---
      {"port_create", [](Rig& k) { return args(0, k.room(4)); }},
      {"port_queue", [](Rig& k) { return args(k.port(), k.user(abi::PortPacket{})); }},
      {"port_wait",
       [](Rig& k) {
         Handle port = k.port();
         REQUIRE(k.queue(port, 1) == Status::kOk);
         return args(port, Time{0}, k.room(sizeof(abi::PortPacket)));
       },
       {{"packet", kChanges, "the packet is off the port before it is copied out"}}},
      {"port_cancel",
       [](Rig& k) {
         Handle port = k.port();
         Handle event = k.event();
         k.watch(event, port, 3, Signals::kUser0);
         return args(port, event, 3);
       }},

      // --- tasks ---
      {"job_create", [](Rig& k) { return args(k.handle(k.job()), 0, k.room(4)); },
       {{"parent_job", kOrWrite, "programs older than MANAGE_JOB have no other"}}},
      {"job_set_critical", [](Rig& k) { return args(k.inner_job, 0, k.process_handle); }},
      {"job_set_policy",
       [](Rig& k) {
         return args(k.handle(*Job::create(k.job())), 0, abi::PolicyTopic::kBasicV2,
                     k.user(abi::PolicyBasicV2{.condition = abi::PolicyCondition::kNewEvent}), 1);
       }},
      {"process_create",
       [](Rig& k) { return args(k.handle(k.job()), k.user_text("name"), 4, 0, k.room(4), k.room(4)); },
       {{"job", kOrWrite, "programs older than MANAGE_PROCESS have no other"}}},
      {"process_create_shared",
       [](Rig& k) {
         GuestAddr out = k.room(8);
         REQUIRE(k.call("process_create", k.handle(k.job()), k.user_text("new"), 3, 1, out, out + 4) == Status::kOk);
         return args(k.peek<Handle>(out), 0, k.user_text("name"), 4, k.room(4), k.room(4));
       }},
      {"process_start",
       [](Rig& k) {
         Handle process = new_process(k);
         return args(process, new_thread(k, process), 0x10000, 0x20000, k.event(), 0);
       },
       {{"arg1", kNoHandle, "the process starts without one"}}},
      {"process_read_memory",
       [](Rig& k) { return args(k.process_handle, k.kMemory, k.room(16), 16, k.room(8)); },
       {{"buffer", kFaults, kCopied}, {"buffer", kNoNull, kCopied}}},
      {"process_write_memory",
       [](Rig& k) {
         // The page is there already.
         REQUIRE(k.call("process_write_memory", k.process_handle, k.kMemory, k.room(16), 16, k.room(8)) ==
                 Status::kOk);
         return args(k.process_handle, k.kMemory, k.room(16), 16, k.room(8));
       },
       {{"actual", kChanges, "the bytes are written before their number is told"},
        {"buffer", kFaults, kCopied},
        {"buffer", kNoNull, kCopied}}},
      {"profile_create",
       [](Rig& k) {
         abi::ProfileInfo info = {.flags = abi::ProfileFlags::kPriority};
         info.priority = 20;
         return args(k.handle(k.kernel().root_job()), 0, k.user(info), k.room(4));
       }},
      {"object_set_profile",
       [](Rig& k) {
         abi::ProfileInfo info = {.flags = abi::ProfileFlags::kPriority};
         info.priority = 20;
         return args(k.thread_handle, k.make("profile_create", k.handle(k.kernel().root_job()), 0, k.user(info)), 0);
       }},
      {"restricted_read_state", [](Rig& k) { return args(k.room(264), restricted_size(k)); }},
      {"restricted_write_state", [](Rig& k) { return args(k.room(264), restricted_size(k)); }},
      {"resource_create",
       [](Rig& k) {
         return args(root_resource(k), 0, 0x10000, 0x1000, k.user_text("part"), 4, k.room(4));
       }},
      {"system_get_event",
       [](Rig& k) { return args(k.handle(k.kernel().root_job()), abi::SystemEvent::kOutOfMemory, k.room(4)); },
       {{"event", kChanges, "the event is there from now on"}}},
      {"task_create_exception_channel", [](Rig& k) { return args(k.process_handle, 0, k.room(4)); },
       {{"out", kChanges, "the task's end stays until the next one asks"}}},
      {"task_kill", [](Rig& k) { return args(k.process_handle); }},
      {"task_suspend", [](Rig& k) { return args(k.thread_handle, k.room(4)); }},
      {"task_suspend_token", [](Rig& k) { return args(k.thread_handle, k.room(4)); }},
      {"thread_create", [](Rig& k) { return args(k.process_handle, k.user_text("name"), 4, 0, k.room(4)); }},
      {"thread_start",
       [](Rig& k) { return args(new_thread(k, k.process_handle), 0x10000, 0x20000, 0, 0); }},
      {"thread_read_state",
       [](Rig& k) { return args(suspended(k), 0, k.room(512), 512); }},
      {"thread_write_state",
       [](Rig& k) {
         Handle thread = suspended(k);
         GuestAddr state = k.room(512);
         uint64_t size = k.platform().arch() == Arch::kArm64 ? 288 : 160;
         REQUIRE(k.call("thread_read_state", thread, 0, state, size) == Status::kOk);
         return args(thread, 0, state, size);
       }},
      {"exception_get_thread", [](Rig& k) { return args(exception(k, k.thread_handle), k.room(4)); }},
      {"exception_get_process", [](Rig& k) { return args(exception(k, k.process_handle), k.room(4)); }},

      // --- streams ---
      {"stream_create", [](Rig& k) { return args(abi::StreamOptions::kModeRead, vmo(k), 0, k.room(4)); }},
      {"stream_readv", [](Rig& k) { return on_stream(k, true); },
       {{"actual", kChanges, "the stream has moved by then"}, {"buffer", kFaults, kCopied}}},
      {"stream_readv_at", [](Rig& k) { return on_stream(k, true, 8); },
       {{"buffer", kFaults, kCopied}}},
      {"stream_seek", [](Rig& k) { return args(stream(k), 0, 8, k.room(8)); },
       {{"out_seek", kChanges, "the stream has moved by then"}}},
      {"stream_writev", [](Rig& k) { return on_stream(k, false); },
       {{"actual", kChanges, "the bytes are written before their number is told"}, {"buffer", kFaults, kCopied}}},
      {"stream_writev_at", [](Rig& k) { return on_stream(k, false, 8); },
       {{"actual", kChanges, "the bytes are written before their number is told"}, {"buffer", kFaults, kCopied}}},

      // --- memory ---
      {"vmar_allocate", [](Rig& k) { return args(root_region(k), 0, 0, kPage, k.room(4), k.room(8)); }},
      {"vmar_map",
       [](Rig& k) { return args(root_region(k), kPermReadWrite, 0, vmo(k), 0, kPage, k.room(8)); }},
      {"vmar_op_range",
       [](Rig& k) {
         Mapped m = mapping(k);
         return args(m.region, abi::VmarOp::kCommit, m.at, kPage, 0, 0);
       }},
      {"vmar_protect",
       [](Rig& k) {
         Mapped m = mapping(k);
         return args(m.region, 1, m.at, kPage);
       }},
      {"vmar_unmap",
       [](Rig& k) {
         Mapped m = mapping(k);
         return args(m.region, m.at, kPage);
       }},
      {"vmar_destroy",
       [](Rig& k) {
         GuestAddr out = k.room(16);
         REQUIRE(k.call("vmar_allocate", root_region(k), 0, 0, kPage, out, out + 8) == Status::kOk);
         return args(k.peek<Handle>(out));
       }},
      {"vmo_create", [](Rig& k) { return args(kPage, 0, k.room(4)); }},
      {"vmo_create_child", [](Rig& k) { return args(vmo(k), abi::VmoChildOptions::kSnapshot, 0, kPage, k.room(4)); }},
      {"vmo_get_size", [](Rig& k) { return args(vmo(k), k.room(8)); }},
      {"vmo_op_range",
       [](Rig& k) { return args(vmo(k), abi::VmoOp::kCommit, 0, kPage, 0, 0); },
       {{"buffer", kUnused, "the operation has no buffer"}}},
      {"vmo_read", [](Rig& k) { return args(vmo(k), k.room(16), 0, 16); }, {{"buffer", kFaults, kCopied}}},
      {"vmo_write", [](Rig& k) { return args(vmo(k), k.room(16), 0, 16); }, {{"buffer", kFaults, kCopied}}},
      {"vmo_replace_as_executable", [](Rig& k) { return args(vmo(k), 0, k.room(4)); },
       {{"out", kChanges, "the old handle is gone whatever happens"},
        {"handle", kNoType, "vmo.cc looks for a VMO by hand"}}},
      {"vmo_set_cache_policy", [](Rig& k) { return args(vmo(k), 0); }},
      {"vmo_set_size", [](Rig& k) { return args(vmo(k), 2 * kPage); }},
  };
  return kSamples;
}

}  // namespace jacinth::kernel
