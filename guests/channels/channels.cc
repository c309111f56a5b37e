// Channels: messages of bytes and handles, in order, between two ends.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

zx_status_t write_text(zx_handle_t channel, const char* text) {
  return zx_channel_write(channel, 0, text, static_cast<uint32_t>(strlen(text)), nullptr, 0);
}

/// Reads a message of up to 63 bytes as text.
struct Text {
  char bytes[64] = {};
  zx_status_t status;
  explicit Text(zx_handle_t channel) {
    uint32_t size = 0, handles = 0;
    status = zx_channel_read(channel, 0, bytes, nullptr, sizeof bytes - 1, 0, &size, &handles);
  }
};

char big[ZX_CHANNEL_MAX_MSG_BYTES + 1];

TEST("messages arrive whole and in the order they were written") {
  Channel channel;
  expect_ok(write_text(channel.a, "first"));
  expect_ok(write_text(channel.a, ""));
  expect_ok(write_text(channel.a, "third"));
  expect_text(Text(channel.b).bytes, "first");
  Text empty(channel.b);
  expect_ok(empty.status);
  expect_text(empty.bytes, "");
  expect_text(Text(channel.b).bytes, "third");
  expect_status(Text(channel.b).status, ZX_ERR_SHOULD_WAIT);
}

TEST("the two directions know nothing of each other") {
  Channel channel;
  write_text(channel.a, "to b");
  write_text(channel.b, "to a");
  expect_text(Text(channel.a).bytes, "to a");
  expect_text(Text(channel.b).bytes, "to b");
}

TEST("signals say whether there is something to read") {
  Channel channel;
  expect_eq(signals_of(channel.b), ZX_CHANNEL_WRITABLE);
  write_text(channel.a, "1");
  write_text(channel.a, "2");
  expect_eq(signals_of(channel.b), ZX_CHANNEL_WRITABLE | ZX_CHANNEL_READABLE);
  Text one(channel.b);
  expect_eq(signals_of(channel.b), ZX_CHANNEL_WRITABLE | ZX_CHANNEL_READABLE);
  Text two(channel.b);
  expect_eq(signals_of(channel.b), ZX_CHANNEL_WRITABLE);
}

TEST("a message that does not fit stays, and its size is told") {
  Channel channel;
  write_text(channel.a, "twelve bytes");
  char small[4];
  uint32_t size = 0, handles = 7;
  expect_status(zx_channel_read(channel.b, 0, small, nullptr, sizeof small, 0, &size, &handles),
                ZX_ERR_BUFFER_TOO_SMALL);
  expect_eq(size, 12);
  expect_eq(handles, 0);
  expect_text(Text(channel.b).bytes, "twelve bytes");
}

TEST("a message that does not fit is dropped when the reader says so") {
  Channel channel;
  write_text(channel.a, "twelve bytes");
  uint32_t size = 0, handles = 0;
  expect_status(zx_channel_read(channel.b, ZX_CHANNEL_READ_MAY_DISCARD, nullptr, nullptr, 0, 0, &size, &handles),
                ZX_ERR_BUFFER_TOO_SMALL);
  expect_eq(size, 12);
  expect_status(Text(channel.b).status, ZX_ERR_SHOULD_WAIT);
}

TEST("the largest message has 65536 bytes") {
  Channel channel;
  for (uint32_t i = 0; i < sizeof big; ++i) big[i] = static_cast<char>(i * 7);
  expect_ok(zx_channel_write(channel.a, 0, big, ZX_CHANNEL_MAX_MSG_BYTES, nullptr, 0));
  expect_status(zx_channel_write(channel.a, 0, big, ZX_CHANNEL_MAX_MSG_BYTES + 1, nullptr, 0), ZX_ERR_OUT_OF_RANGE);
  memset(big, 0, sizeof big);
  uint32_t size = 0, handles = 0;
  expect_ok(zx_channel_read(channel.b, 0, big, nullptr, sizeof big, 0, &size, &handles));
  expect_eq(size, ZX_CHANNEL_MAX_MSG_BYTES);
  bool same = true;
  for (uint32_t i = 0; i < size; ++i) same = same && big[i] == static_cast<char>(i * 7);
  expect(same);
}

TEST("handles travel: gone here, there under another value, the same object") {
  Channel channel;
  Handle event, kept;
  require_ok(zx_event_create(0, event.out()));
  kept = duplicate(event);
  const zx_handle_t sent = event.release();
  expect_ok(zx_channel_write(channel.a, 0, "e", 1, &sent, 1));
  expect_status(zx_handle_close(sent), ZX_ERR_BAD_HANDLE);

  char byte;
  Handle received;
  uint32_t size = 0, handles = 0;
  expect_ok(zx_channel_read(channel.b, 0, &byte, received.out(), 1, 1, &size, &handles));
  expect_eq(handles, 1);
  expect_ok(zx_object_signal(received, 0, ZX_EVENT_SIGNALED));
  expect_eq(signals_of(kept), ZX_EVENT_SIGNALED);
}

TEST("a channel goes through a channel with the messages it holds") {
  Channel outer, inner;
  write_text(inner.a, "on board");
  const zx_handle_t sent = inner.b.release();
  expect_ok(zx_channel_write(outer.a, 0, nullptr, 0, &sent, 1));
  Handle arrived;
  uint32_t size = 0, handles = 0;
  expect_ok(zx_channel_read(outer.b, 0, nullptr, arrived.out(), 0, 1, &size, &handles));
  expect_text(Text(arrived).bytes, "on board");
}

TEST("64 handles fit into a message, 65 do not") {
  Channel channel;
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  zx_handle_t list[65], received[64];
  for (zx_handle_t& each : list) each = duplicate(event).release();
  expect_ok(zx_channel_write(channel.a, 0, nullptr, 0, list, 64));
  uint32_t size = 0, handles = 0;
  expect_ok(zx_channel_read(channel.b, 0, nullptr, received, 0, 64, &size, &handles));
  expect_eq(handles, 64);
  zx_handle_close_many(received, 64);

  for (int i = 0; i < 64; ++i) list[i] = duplicate(event).release();
  expect_status(zx_channel_write(channel.a, 0, nullptr, 0, list, 65), ZX_ERR_OUT_OF_RANGE);
}

TEST("a write that fails has taken its handles all the same") {
  Channel channel;
  channel.b.reset();
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  const zx_handle_t sent = duplicate(event).release();
  expect_status(zx_channel_write(channel.a, 0, nullptr, 0, &sent, 1), ZX_ERR_PEER_CLOSED);
  expect_status(zx_handle_close(sent), ZX_ERR_BAD_HANDLE);
}

TEST("only a handle that may be transferred can be sent") {
  Channel channel;
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  const zx_handle_t fixed = duplicate(event, ZX_RIGHT_WAIT).release();
  expect_status(zx_channel_write(channel.a, 0, nullptr, 0, &fixed, 1), ZX_ERR_ACCESS_DENIED);
}

TEST("a channel cannot be sent through itself") {
  Channel channel;
  const zx_handle_t self = channel.a;
  expect_status(zx_channel_write(channel.a, 0, nullptr, 0, &self, 1), ZX_ERR_NOT_SUPPORTED);
  channel.a.release();  // It was taken.
}

TEST("what was written before the other end closed can still be read") {
  Channel channel;
  write_text(channel.a, "last words");
  channel.a.reset();
  expect_eq(signals_of(channel.b), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
  expect_text(Text(channel.b).bytes, "last words");
  expect_status(Text(channel.b).status, ZX_ERR_PEER_CLOSED);
  expect_eq(signals_of(channel.b), ZX_CHANNEL_PEER_CLOSED);
  expect_status(write_text(channel.b, "anybody?"), ZX_ERR_PEER_CLOSED);
}

TEST("a channel with nobody left takes its messages' handles with it") {
  Channel channel, passenger;
  const zx_handle_t sent = passenger.b.release();
  expect_ok(zx_channel_write(channel.a, 0, nullptr, 0, &sent, 1));
  channel.a.reset();
  expect_eq(signals_of(passenger.a), ZX_CHANNEL_WRITABLE);
  channel.b.reset();
  expect_eq(signals_of(passenger.a), ZX_CHANNEL_PEER_CLOSED);
}

TEST("a thread that waits for a message gets it") {
  Channel channel;
  char text[64] = {};
  Running reader("reader", [&] {
    uint32_t size = 0, handles = 0;
    expect_ok(zx_object_wait_one(channel.b, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
    expect_ok(zx_channel_read(channel.b, 0, text, nullptr, sizeof text, 0, &size, &handles));
  });
  zx_nanosleep(zx_deadline_after(kMillisecond));
  write_text(channel.a, "good morning");
  reader.join();
  expect_text(text, "good morning");
}

struct Request {
  uint32_t txid;
  uint32_t value;
};

/// Calls with `request`, gets the answer into `reply`.
zx_status_t call(zx_handle_t channel, const Request& request, Request* reply, zx_time_t deadline) {
  uint32_t size = 0, handles = 0;
  zx_channel_call_args_t args = {};
  args.wr_bytes = &request;
  args.wr_num_bytes = sizeof request;
  args.rd_bytes = reply;
  args.rd_num_bytes = sizeof *reply;
  return zx_channel_call(channel, 0, deadline, &args, &size, &handles);
}

TEST("a call gets the reply with its own transaction, the rest goes to the queue") {
  // [zx_channel_call]
  Channel channel;
  Running server("server", [&] {
    Request request;
    uint32_t size = 0, handles = 0;
    zx_object_wait_one(channel.b, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr);
    expect_ok(zx_channel_read(channel.b, 0, &request, nullptr, sizeof request, 0, &size, &handles));
    expect(request.txid & 0x80000000);
    write_text(channel.b, "by the way");
    request.value += 1;
    expect_ok(zx_channel_write(channel.b, 0, &request, sizeof request, nullptr, 0));
  });
  Request reply = {};
  expect_ok(call(channel.a, {.txid = 0, .value = 41}, &reply, ZX_TIME_INFINITE));
  expect_eq(reply.value, 42);
  expect_text(Text(channel.a).bytes, "by the way");
}

TEST("two calls at once each get their own reply, in whatever order they come") {
  // [zx_channel_call]
  Channel channel;
  Running server("server", [&] {
    Request requests[2];
    for (Request& request : requests) {
      uint32_t size = 0, handles = 0;
      zx_object_wait_one(channel.b, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr);
      zx_channel_read(channel.b, 0, &request, nullptr, sizeof request, 0, &size, &handles);
    }
    expect(requests[0].txid != requests[1].txid);
    for (int i = 1; i >= 0; --i) {
      requests[i].value *= 10;
      zx_channel_write(channel.b, 0, &requests[i], sizeof requests[i], nullptr, 0);
    }
  });
  Request replies[2] = {};
  Running other("other", [&] { expect_ok(call(channel.a, {0, 1}, &replies[0], ZX_TIME_INFINITE)); });
  expect_ok(call(channel.a, {0, 2}, &replies[1], ZX_TIME_INFINITE));
  other.join();
  expect_eq(replies[0].value, 10);
  expect_eq(replies[1].value, 20);
}

TEST("a call without a reply ends at its deadline, or when the other end closes") {
  // [zx_channel_call]
  Channel channel;
  Request reply = {};
  expect_status(call(channel.a, {0, 1}, &reply, zx_deadline_after(kMillisecond)), ZX_ERR_TIMED_OUT);
  Running closer("closer", [&] {
    zx_nanosleep(zx_deadline_after(kMillisecond));
    channel.b.reset();
  });
  expect_status(call(channel.a, {0, 1}, &reply, ZX_TIME_INFINITE), ZX_ERR_PEER_CLOSED);
}

TEST("a call can send handles with fewer rights, and learns what came back") {
  Channel channel;
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  Running server("server", [&] {
    Request request;
    zx_handle_t sent = ZX_HANDLE_INVALID;
    uint32_t size = 0, handles = 0;
    zx_object_wait_one(channel.b, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr);
    expect_ok(zx_channel_read(channel.b, 0, &request, &sent, sizeof request, 1, &size, &handles));
    expect_status(zx_object_signal(sent, 0, ZX_EVENT_SIGNALED), ZX_ERR_ACCESS_DENIED);
    expect_ok(zx_channel_write(channel.b, 0, &request, sizeof request, &sent, 1));
  });
  Request request = {}, reply = {};
  zx_handle_disposition_t sent[1] = {};
  sent[0].operation = ZX_HANDLE_OP_DUPLICATE;
  sent[0].handle = event;
  sent[0].rights = ZX_RIGHT_WAIT | ZX_RIGHT_TRANSFER;
  zx_handle_info_t received[1] = {};
  zx_channel_call_etc_args_t args = {};
  args.wr_bytes = &request;
  args.wr_num_bytes = sizeof request;
  args.wr_handles = sent;
  args.wr_num_handles = 1;
  args.rd_bytes = &reply;
  args.rd_num_bytes = sizeof reply;
  args.rd_handles = received;
  args.rd_num_handles = 1;
  uint32_t size = 0, handles = 0;
  expect_ok(zx_channel_call_etc(channel.a, 0, ZX_TIME_INFINITE, &args, &size, &handles));
  expect_eq(handles, 1);
  Handle back(received[0].handle);
  expect_eq(received[0].type, ZX_OBJ_TYPE_EVENT);
  expect_eq(received[0].rights, ZX_RIGHT_WAIT | ZX_RIGHT_TRANSFER);
}

TEST("write_etc duplicates or moves, and read_etc says what arrived") {
  Channel channel;
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  zx_handle_disposition_t sent[1] = {};
  sent[0].operation = ZX_HANDLE_OP_DUPLICATE;
  sent[0].handle = event;
  sent[0].type = ZX_OBJ_TYPE_EVENT;
  sent[0].rights = ZX_RIGHT_WAIT | ZX_RIGHT_TRANSFER;
  expect_ok(zx_channel_write_etc(channel.a, 0, nullptr, 0, sent, 1));
  expect_eq(signals_of(event), 0);  // Still ours.

  zx_handle_info_t received[1] = {};
  uint32_t size = 0, handles = 0;
  expect_ok(zx_channel_read_etc(channel.b, 0, nullptr, received, 0, 1, &size, &handles));
  Handle arrived(received[0].handle);
  expect_eq(received[0].type, ZX_OBJ_TYPE_EVENT);
  expect_eq(received[0].rights, ZX_RIGHT_WAIT | ZX_RIGHT_TRANSFER);
  expect_status(zx_object_signal(arrived, 0, ZX_EVENT_SIGNALED), ZX_ERR_ACCESS_DENIED);
}

}  // namespace
