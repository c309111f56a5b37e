// Channels. zircon/kernel/lib/syscalls/channel.cc and zircon/kernel/object/user_handles.cc.
//
// Handles that a program sends are gone from its table whatever comes of the call; only those that it duplicates stay.
#include "kernel/ipc/channel.h"

#include <algorithm>
#include <array>
#include <vector>

#include "kernel/abi/task.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/handles.h"

namespace jacinth::kernel {
namespace {

using abi::KtraceEvent;

Status channel_create(Call& call, uint32_t options, UserOut<Handle> out0, UserOut<Handle> out1) {
  if (options != 0) return Status::kInvalidArgs;
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewChannel));
  auto [end0, end1] = Channel::create(call.core());
  call.core().trace(KtraceEvent::kChannelCreate, abi::raw(end0->koid()), abi::raw(end1->koid()), options);
  return call.give(out0, end0, out1, end1, abi::default_rights(ObjectType::kChannel));
}

// --- sending ---

/// What goes out, and through which end.
struct Outgoing {
  Ref<Channel> channel;
  Message message;
};

/// The bytes of a message that is written from several places.
Result<Message> gather(UserMemory& memory, UserIn<abi::ChannelIovec> user_parts, uint32_t count) {
  if (count > abi::kChannelMaxMsgIovecs) return Status::kOutOfRange;
  std::vector<abi::ChannelIovec> parts = TRY(user_parts.read_array(count));
  uint64_t size = 0;
  for (const abi::ChannelIovec& part : parts) {
    if (part.reserved != 0) return Status::kInvalidArgs;
    size += part.capacity;
    if (size > abi::kChannelMaxMsgBytes) return Status::kOutOfRange;
  }
  Message message(static_cast<uint32_t>(size));
  std::span<std::byte> rest = message.bytes();
  for (const abi::ChannelIovec& part : parts) {
    if (part.capacity == 0) continue;
    TRY_STATUS(memory.read(GuestAddr(part.buffer), rest.first(part.capacity)));
    rest = rest.subspan(part.capacity);
  }
  return message;
}

/// The channel and the bytes; handles come later.
Result<Outgoing> read_message(Call& call, Handle handle, Rights rights, abi::ChannelWriteOptions options,
                              UserBytesIn bytes, uint32_t num_bytes, uint32_t num_handles) {
  if (!within(options, abi::ChannelWriteOptions::kUseIovec)) return Status::kInvalidArgs;
  Outgoing outgoing = {.channel = TRY(call.get<Channel>(handle, rights))};
  if (num_handles > abi::kChannelMaxMsgHandles) return Status::kOutOfRange;
  if (contains(options, abi::ChannelWriteOptions::kUseIovec)) {
    UserIn<abi::ChannelIovec> parts(call.memory(), bytes.address());
    outgoing.message = TRY(gather(call.memory(), parts, num_bytes));
  } else {
    if (num_bytes > abi::kChannelMaxMsgBytes) return Status::kOutOfRange;
    outgoing.message = Message(num_bytes);
    if (num_bytes > 0) TRY_STATUS(bytes.read(outgoing.message.bytes()));
  }
  return outgoing;
}

/// Whether a handle may go through the channel, as an object of this type, with these rights.
Status sendable(const HandleEntry& entry, const Channel& channel, ObjectType type, Rights rights) {
  if (!contains(entry.rights, Rights::kTransfer)) return Status::kAccessDenied;
  if (entry.object == static_cast<const Object*>(&channel)) return Status::kNotSupported;
  if (type != ObjectType::kNone && entry.object->type() != type) return Status::kWrongType;
  if (rights != Rights::kSameRights && !contains(entry.rights, rights)) return Status::kInvalidArgs;
  return Status::kOk;
}

/// Takes the handle from the sender; it is gone also when it cannot be sent.
Result<HandleOwner> move_handle(Call& call, const Channel& channel, Handle value, ObjectType type, Rights rights) {
  HandleOwner handle = TRY(call.take(value));
  HandleEntry entry = {handle.object(), handle.rights()};
  TRY_STATUS(sendable(entry, channel, type, rights));
  if (rights == Rights::kSameRights || rights == entry.rights) return handle;
  return call.core().handles().duplicate(entry, rights);
}

Result<HandleOwner> duplicate_handle(Call& call, const Channel& channel, Handle value, ObjectType type, Rights rights) {
  HandleEntry entry = TRY(call.entry(value, Rights::kNone));
  TRY_STATUS(sendable(entry, channel, type, rights));
  if (!contains(entry.rights, Rights::kDuplicate)) return Status::kAccessDenied;
  return call.core().handles().duplicate(entry, rights == Rights::kSameRights ? entry.rights : rights);
}

Result<HandleOwner> handle_for_message(Call& call, const Channel& channel, Handle value) {
  return move_handle(call, channel, value, ObjectType::kNone, Rights::kSameRights);
}

Result<HandleOwner> handle_for_message(Call& call, const Channel& channel, abi::HandleDisposition& disposition) {
  auto handle = [&]() -> Result<HandleOwner> {
    const auto& [operation, value, type, rights, result] = disposition;
    switch (operation) {
      case abi::HandleOp::kMove: return move_handle(call, channel, value, type, rights);
      case abi::HandleOp::kDuplicate: return duplicate_handle(call, channel, value, type, rights);
    }
    TRY(call.take(value));
    return Status::kInvalidArgs;
  }();
  if (!handle) disposition.result = handle.error();
  return handle;
}

/// Puts the handles into the message: every one of them, also behind one that fails. The first failure is returned.
template <class UserHandles>
Status attach_handles(Call& call, Outgoing& outgoing, UserHandles user_handles, uint32_t count) {
  using Item = std::remove_cvref_t<decltype(user_handles.read().value())>;
  std::array<Item, abi::kChannelMaxMsgHandles> buffer;
  std::span<Item> items(buffer.data(), count);
  TRY_STATUS(user_handles.read_array(items));

  Status status = Status::kOk;
  outgoing.message.handles.reserve(count);
  for (Item& item : items) {
    Result<HandleOwner> handle = handle_for_message(call, *outgoing.channel, item);
    if (handle) {
      outgoing.message.handles.push_back(std::move(*handle));
    } else if (status == Status::kOk) {
      status = handle.error();
    }
  }
  // Only then: whoever sends has set the results to kOk.
  if constexpr (std::is_same_v<Item, abi::HandleDisposition>) {
    if (status != Status::kOk)
      return call.tell(user_handles.address(), std::as_bytes(std::span<const Item>(items)), status);
  }
  return status;
}

/// What a call that fails early does to the handles it was given.
Status consume_handles(Call& call, UserIn<Handle> handles, uint32_t count) {
  return close_handles(call, handles, count);
}

Status consume_handles(Call& call, UserInOut<abi::HandleDisposition> dispositions, uint32_t count) {
  if (dispositions.prepare(count) == Status::kParked) return Status::kParked;
  for (uint64_t i = 0; i < count; ++i) {
    Result<abi::HandleDisposition> disposition = dispositions.read(i);
    if (!disposition) return disposition.status();
    if (disposition->operation == abi::HandleOp::kDuplicate || disposition->handle == Handle::kInvalid) continue;
    static_cast<void>(call.take(disposition->handle));
  }
  return Status::kOk;
}

/// The message that the arguments describe. However this fails, the handles to be moved are consumed.
template <class UserHandles>
Result<Outgoing> take_message(Call& call, Handle handle, Rights rights, abi::ChannelWriteOptions options,
                              UserBytesIn bytes, uint32_t num_bytes, UserHandles handles, uint32_t num_handles,
                              uint32_t min_size) {
  Result<Outgoing> outgoing = read_message(call, handle, rights, options, bytes, num_bytes, num_handles);
  if (outgoing && outgoing->message.size() < min_size) outgoing = Status::kInvalidArgs;
  if (!outgoing) {
    // A page that is on its way is no failure: the call runs again.
    if (outgoing.error() != Status::kParked && consume_handles(call, handles, num_handles) == Status::kParked)
      return Status::kParked;
    return outgoing;
  }
  if (num_handles > 0) TRY_STATUS(attach_handles(call, *outgoing, handles, num_handles));
  return outgoing;
}

void trace_message(Call& call, KtraceEvent event, Koid channel, uint64_t bytes, size_t handles) {
  call.core().trace(event, abi::raw(channel), bytes, handles);
}

void note_overfull(Call& call, Channel::Written written) {
  if (written == Channel::Written::kOverfull) call.raise(abi::ExceptionPolicyCode::kChannelFullWrite);
}

template <class UserHandles>
Status write_message(Call& call, Handle handle, abi::ChannelWriteOptions options, UserBytesIn bytes, uint32_t num_bytes,
                     UserHandles handles, uint32_t num_handles) {
  Outgoing outgoing =
      TRY(take_message(call, handle, Rights::kWrite, options, bytes, num_bytes, handles, num_handles, 0));
  trace_message(call, KtraceEvent::kChannelWrite, outgoing.channel->koid(), outgoing.message.size(), num_handles);
  note_overfull(call, TRY(outgoing.channel->write(call.process().koid(), std::move(outgoing.message))));
  return Status::kOk;
}

Status channel_write(Call& call, Handle handle, abi::ChannelWriteOptions options, UserBytesIn bytes, uint32_t num_bytes,
                     UserIn<Handle> handles, uint32_t num_handles) {
  return write_message(call, handle, options, bytes, num_bytes, handles, num_handles);
}

Status channel_write_etc(Call& call, Handle handle, abi::ChannelWriteOptions options, UserBytesIn bytes,
                         uint32_t num_bytes, UserInOut<abi::HandleDisposition> handles, uint32_t num_handles) {
  return write_message(call, handle, options, bytes, num_bytes, handles, num_handles);
}

// --- receiving ---

/// Where a message goes.
template <class Item>
struct Destination {
  UserBytesOut bytes;
  UserOut<Item> handles;
  UserOut<uint32_t> actual_bytes;
  UserOut<uint32_t> actual_handles;
};

void describe(Handle& item, Handle value, const HandleOwner&) { item = value; }
void describe(abi::HandleInfo& item, Handle value, const HandleOwner& handle) {
  item = {.handle = value, .type = handle.object()->type(), .rights = handle.rights()};
}

/// Writes bytes, then handles (their order is part of the contract), with the values that the handles will have.
template <class Item>
Status write_contents(Call& call, const Message& message, const Destination<Item>& to) {
  if (message.size() > 0) TRY_STATUS(to.bytes.write(message.bytes()));
  std::array<Item, abi::kChannelMaxMsgHandles> items;
  for (size_t i = 0; i < message.handles.size(); ++i) {
    describe(items[i], call.handles().value_of(message.handles[i]), message.handles[i]);
  }
  return to.handles.write_array(std::span<const Item>(items.data(), message.handles.size()));
}

/// The message was read: its handles are the caller's now.
void take_handles(Call& call, Message message) {
  for (HandleOwner& handle : message.handles) call.handles().add(std::move(handle));

  Core::CommonCounters& counters = call.core().common_counters();
  ++counters.channel_messages;
  constexpr std::array<uint32_t, 6> kLimits = {0, 64, 256, 1024, 4096, 16384};
  size_t size_class = 0;
  while (size_class < kLimits.size() && message.size() > kLimits[size_class]) ++size_class;
  ++*counters.channel_bytes[size_class];
}

template <class Item>
Status read_message_into(Call& call, Handle handle, abi::ChannelReadOptions options, uint32_t num_bytes,
                         uint32_t num_handles, const Destination<Item>& to) {
  Ref<Channel> channel = TRY(call.get<Channel>(handle, Rights::kRead));
  if (!within(options, abi::ChannelReadOptions::kMayDiscard)) return Status::kNotSupported;
  const Message& message = *TRY(channel->oldest(call.process().koid()));
  auto handle_count = static_cast<uint32_t>(message.handles.size());
  bool fits = message.size() <= num_bytes && handle_count <= num_handles;

  Status status = to.actual_bytes.write_unless_null(message.size());
  if (status == Status::kOk) status = to.actual_handles.write_unless_null(handle_count);
  if (status == Status::kOk && !fits) status = Status::kBufferTooSmall;
  if (status == Status::kOk) status = write_contents(call, message, to);

  // A message that cannot be written is lost, as on Zircon; but not while the page for it is on its way.
  if (status == Status::kParked) return status;
  if (!fits && !contains(options, abi::ChannelReadOptions::kMayDiscard)) return status;
  trace_message(call, KtraceEvent::kChannelRead, channel->koid(), message.size(), handle_count);
  Message taken = channel->take_oldest();
  if (status == Status::kOk) take_handles(call, std::move(taken));
  return status;
}

Status channel_read(Call& call, Handle handle, abi::ChannelReadOptions options, UserBytesOut bytes,
                    UserOut<Handle> handles, uint32_t num_bytes, uint32_t num_handles, UserOut<uint32_t> actual_bytes,
                    UserOut<uint32_t> actual_handles) {
  return read_message_into<Handle>(call, handle, options, num_bytes, num_handles,
                                   {bytes, handles, actual_bytes, actual_handles});
}

Status channel_read_etc(Call& call, Handle handle, abi::ChannelReadOptions options, UserBytesOut bytes,
                        UserOut<abi::HandleInfo> handles, uint32_t num_bytes, uint32_t num_handles,
                        UserOut<uint32_t> actual_bytes, UserOut<uint32_t> actual_handles) {
  return read_message_into<abi::HandleInfo>(call, handle, options, num_bytes, num_handles,
                                            {bytes, handles, actual_bytes, actual_handles});
}

// --- calling ---

/// Where a reply goes and how much of it; kept in the call's scratch, as the guest may change its copy meanwhile.
struct ReplyRoom {
  uint64_t bytes = 0;
  uint64_t handles = 0;
  uint32_t num_bytes = 0;
  uint32_t num_handles = 0;
};

template <class Args>
void keep_reply_room(Call& call, const Args& args) {
  call.state().scratch = {args.rd_bytes, args.rd_handles, uint64_t{args.rd_num_bytes} << 32 | args.rd_num_handles};
}

ReplyRoom kept_reply_room(Call& call) {
  const auto& scratch = call.state().scratch;
  return {scratch[0], scratch[1], static_cast<uint32_t>(scratch[2] >> 32), static_cast<uint32_t>(scratch[2])};
}

template <class Item>
Status write_reply(Call& call, const Message& reply, const ReplyRoom& room, UserOut<uint32_t> actual_bytes,
                   UserOut<uint32_t> actual_handles) {
  auto handle_count = static_cast<uint32_t>(reply.handles.size());
  if (reply.size() > room.num_bytes || handle_count > room.num_handles) return Status::kBufferTooSmall;
  TRY_STATUS(actual_bytes.write(reply.size()));
  TRY_STATUS(actual_handles.write(handle_count));
  UserMemory& memory = call.memory();
  return write_contents<Item>(call, reply,
                              {UserBytesOut(memory, GuestAddr(room.bytes)),
                               UserOut<Item>(memory, GuestAddr(room.handles)), actual_bytes, actual_handles});
}

/// Waits for the reply of the thread's call and hands it out. A suspension leaves the call in progress.
template <class Item>
Status await_reply(Call& call, Time deadline, UserOut<uint32_t> actual_bytes, UserOut<uint32_t> actual_handles) {
  MessageWaiter& waiter = call.thread().message_waiter();
  if (!waiter.ended()) {
    Status status = call.park(BlockReason::kChannel, deadline);
    if (status != Status::kTimedOut && !waiter.ended()) return status;
  }
  Status status = waiter.status();
  if (status == Status::kOk) {
    status = write_reply<Item>(call, waiter.reply(), kept_reply_room(call), actual_bytes, actual_handles);
    if (status == Status::kParked) return status;
  }
  // From here on the call is over; a reply that could not be handed out is lost.
  Message reply;
  static_cast<void>(waiter.finish(reply));
  if (status == Status::kOk) take_handles(call, std::move(reply));
  return status;
}

template <class Item, class Args, class UserHandles>
Status call_noretry(Call& call, Handle handle, abi::ChannelWriteOptions options, Time deadline, UserIn<Args> user_args,
                    UserOut<uint32_t> actual_bytes, UserOut<uint32_t> actual_handles) {
  if (call.state().scratch.empty()) {
    Args args = TRY(user_args.read());
    UserMemory& memory = call.memory();
    Outgoing outgoing = TRY(take_message(
        call, handle, Rights::kRead | Rights::kWrite, options, UserBytesIn(memory, GuestAddr(args.wr_bytes)),
        args.wr_num_bytes, UserHandles(memory, GuestAddr(args.wr_handles)), args.wr_num_handles, sizeof(uint32_t)));
    MessageWaiter& waiter = call.thread().message_waiter();
    if (waiter.active()) {
      // The vDSO would have finished the call that was interrupted: this is somebody else.
      call.process().kill(static_cast<int64_t>(abi::TaskRetcode::kVdsoKill));
      return Status::kBadState;
    }
    trace_message(call, KtraceEvent::kChannelWrite, outgoing.channel->koid(), outgoing.message.size(),
                  outgoing.message.handles.size());
    note_overfull(call, TRY(outgoing.channel->begin_call(call.process().koid(), std::move(outgoing.message), waiter)));
    keep_reply_room(call, args);
  }
  return await_reply<Item>(call, deadline, actual_bytes, actual_handles);
}

template <class Item, class Args>
Status call_finish(Call& call, Time deadline, UserIn<Args> user_args, UserOut<uint32_t> actual_bytes,
                   UserOut<uint32_t> actual_handles) {
  if (call.state().scratch.empty()) {
    Args args = TRY(user_args.read());
    if (!call.thread().message_waiter().active()) return Status::kBadState;
    keep_reply_room(call, args);
  }
  return await_reply<Item>(call, deadline, actual_bytes, actual_handles);
}

Status channel_call_noretry(Call& call, Handle handle, abi::ChannelWriteOptions options, Time deadline,
                            UserIn<abi::ChannelCallArgs> args, UserOut<uint32_t> actual_bytes,
                            UserOut<uint32_t> actual_handles) {
  return call_noretry<Handle, abi::ChannelCallArgs, UserIn<Handle>>(call, handle, options, deadline, args, actual_bytes,
                                                                    actual_handles);
}

Status channel_call_finish(Call& call, Time deadline, UserIn<abi::ChannelCallArgs> args, UserOut<uint32_t> actual_bytes,
                           UserOut<uint32_t> actual_handles) {
  return call_finish<Handle>(call, deadline, args, actual_bytes, actual_handles);
}

Status channel_call_etc_noretry(Call& call, Handle handle, abi::ChannelWriteOptions options, Time deadline,
                                UserIn<abi::ChannelCallEtcArgs> args, UserOut<uint32_t> actual_bytes,
                                UserOut<uint32_t> actual_handles) {
  return call_noretry<abi::HandleInfo, abi::ChannelCallEtcArgs, UserInOut<abi::HandleDisposition>>(
      call, handle, options, deadline, args, actual_bytes, actual_handles);
}

Status channel_call_etc_finish(Call& call, Time deadline, UserIn<abi::ChannelCallEtcArgs> args,
                               UserOut<uint32_t> actual_bytes, UserOut<uint32_t> actual_handles) {
  return call_finish<abi::HandleInfo>(call, deadline, args, actual_bytes, actual_handles);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_channel_call_etc_finish", bind<channel_call_etc_finish>, Support::kFull,
     "Goes on with a call that a suspension interrupted."},
    {"zx_channel_call_etc_noretry", bind<channel_call_etc_noretry>, Support::kFull,
     "Handles go out by disposition and come in with type and rights."},
    {"zx_channel_call_finish", bind<channel_call_finish>, Support::kFull,
     "Goes on with a call that a suspension interrupted."},
    {"zx_channel_call_noretry", bind<channel_call_noretry>, Support::kFull,
     "A second call before the first is finished kills the process, as the vDSO never makes one."},
    {"zx_channel_create", bind<channel_create>, Support::kFull, "Any option is ZX_ERR_INVALID_ARGS."},
    {"zx_channel_read", bind<channel_read>, Support::kFull,
     "A message for a bad pointer is lost with its handles; unknown options are ZX_ERR_NOT_SUPPORTED."},
    {"zx_channel_read_etc", bind<channel_read_etc>, Support::kFull,
     "A message for a bad pointer is lost with its handles; unknown options are ZX_ERR_NOT_SUPPORTED."},
    {"zx_channel_write", bind<channel_write>, Support::kFull,
     "Consumes the handles in any case; more than 3500 unread messages raise a policy exception."},
    {"zx_channel_write_etc", bind<channel_write_etc>, Support::kFull,
     "Consumes the handles that it moves in any case; results are written only when a handle failed."},
});

}  // namespace

std::span<const Row> channel_rows() { return kRows; }

}  // namespace jacinth::kernel
