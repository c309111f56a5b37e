// Sockets: streams of bytes and datagrams, with thresholds, and the end of writing.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

struct Socket {
  Handle a, b;
  explicit Socket(uint32_t options = ZX_SOCKET_STREAM) { require_ok(zx_socket_create(options, a.out(), b.out())); }
};

constexpr zx_signals_t kReadable = ZX_SOCKET_READABLE, kWritable = ZX_SOCKET_WRITABLE;

/// How many bytes were written, or the failure.
int64_t write_bytes(zx_handle_t socket, const void* bytes, size_t size) {
  size_t actual = 0;
  zx_status_t status = zx_socket_write(socket, 0, bytes, size, &actual);
  return status == ZX_OK ? static_cast<int64_t>(actual) : status;
}
int64_t write_text(zx_handle_t socket, const char* text) { return write_bytes(socket, text, strlen(text)); }

/// Up to 63 bytes as text.
struct Text {
  char bytes[64] = {};
  size_t size = 0;
  zx_status_t status;
  explicit Text(zx_handle_t socket, size_t most = 63, uint32_t options = 0) {
    status = zx_socket_read(socket, options, bytes, most, &size);
  }
};

zx_info_socket_t info_of(zx_handle_t socket) {
  zx_info_socket_t info = {};
  expect_ok(zx_object_get_info(socket, ZX_INFO_SOCKET, &info, sizeof info, nullptr, nullptr));
  return info;
}

uint8_t big[300000];

/// Bytes that differ from their neighbours and from those a buffer away.
void fill_big() {
  for (size_t i = 0; i < sizeof big; ++i) big[i] = static_cast<uint8_t>(i * 7 + i / 251);
}

TEST("a stream has no borders, and each direction stands for itself") {
  Socket socket;
  expect_eq(write_text(socket.a, "one "), 4);
  expect_eq(write_text(socket.b, "back"), 4);
  expect_eq(write_text(socket.a, "two"), 3);
  expect_text(Text(socket.b, 2).bytes, "on");
  expect_text(Text(socket.b).bytes, "e two");
  expect_status(Text(socket.b).status, ZX_ERR_SHOULD_WAIT);
  expect_text(Text(socket.a).bytes, "back");
}

TEST("signals say whether one can read and write") {
  Socket socket;
  expect_eq(signals_of(socket.a), kWritable);
  write_text(socket.a, "12");
  expect_eq(signals_of(socket.b), kReadable | kWritable);
  Text one(socket.b, 1);
  expect_eq(signals_of(socket.b), kReadable | kWritable);
  Text two(socket.b, 1);
  expect_eq(signals_of(socket.b), kWritable);
}

TEST("peeking leaves what there is") {
  Socket socket;
  expect_status(Text(socket.b, 63, ZX_SOCKET_PEEK).status, ZX_ERR_SHOULD_WAIT);
  write_text(socket.a, "still there");
  expect_text(Text(socket.b, 5, ZX_SOCKET_PEEK).bytes, "still");
  expect_text(Text(socket.b, 63, ZX_SOCKET_PEEK).bytes, "still there");
  expect_eq(signals_of(socket.b), kReadable | kWritable);
  expect_text(Text(socket.b).bytes, "still there");
}

TEST("a stream takes what fits and is writable again once something was read") {
  Socket socket;
  fill_big();
  const uint64_t most = info_of(socket.a).tx_buf_max;
  require(most > 100000 && most < sizeof big);
  expect_eq(write_bytes(socket.a, big, most + 1), most);
  expect_eq(write_bytes(socket.a, big, 1), ZX_ERR_SHOULD_WAIT);
  expect_eq(signals_of(socket.a), 0);

  static uint8_t back[sizeof big];
  size_t actual = 0;
  expect_ok(zx_socket_read(socket.b, 0, back, 5000, &actual));
  expect_eq(actual, 5000);
  expect_eq(signals_of(socket.a), kWritable);
  expect_ok(zx_socket_read(socket.b, 0, back + 5000, sizeof back - 5000, &actual));
  expect_eq(actual, most - 5000);
  expect(memcmp(back, big, most) == 0);
}

TEST("datagrams keep their borders, and what does not fit is dropped") {
  Socket socket(ZX_SOCKET_DATAGRAM);
  fill_big();
  write_text(socket.a, "first");
  write_text(socket.a, "second");
  expect_eq(write_bytes(socket.a, big, 5000), 5000);
  expect_eq(info_of(socket.b).rx_buf_available, 5);
  expect_eq(info_of(socket.b).rx_buf_size, 5011);
  expect_text(Text(socket.b, 63, ZX_SOCKET_PEEK).bytes, "first");
  expect_text(Text(socket.b, 4).bytes, "firs");
  expect_text(Text(socket.b).bytes, "second");

  static uint8_t back[6000];
  size_t actual = 0;
  expect_ok(zx_socket_read(socket.b, 0, back, sizeof back, &actual));
  expect_eq(actual, 5000);
  expect(memcmp(back, big, 5000) == 0);
  expect_status(Text(socket.b).status, ZX_ERR_SHOULD_WAIT);
}

TEST("a datagram is written whole or not at all") {
  Socket socket(ZX_SOCKET_DATAGRAM);
  const uint64_t most = info_of(socket.a).tx_buf_max;
  expect_eq(write_bytes(socket.a, big, most + 1), ZX_ERR_OUT_OF_RANGE);
  expect_eq(write_bytes(socket.a, big, most - 1), most - 1);
  expect_eq(write_bytes(socket.a, big, 2), ZX_ERR_SHOULD_WAIT);
  expect_eq(signals_of(socket.a), kWritable);
  expect_eq(write_bytes(socket.a, big, 1), 1);
  expect_eq(signals_of(socket.a), 0);
}

TEST("reading and writing no bytes does nothing") {
  Socket socket;
  char byte = 0;
  expect_status(zx_socket_read(socket.b, 0, &byte, 0, nullptr), ZX_ERR_SHOULD_WAIT);
  expect_ok(zx_socket_write(socket.a, 0, nullptr, 0, nullptr));
  expect_eq(signals_of(socket.b), kWritable);
  write_text(socket.a, "a");
  expect_ok(zx_socket_read(socket.b, 0, nullptr, 0, nullptr));
  expect_text(Text(socket.b).bytes, "a");
  expect_status(zx_socket_read(socket.b, 0, nullptr, 1, nullptr), ZX_ERR_INVALID_ARGS);
  expect_status(zx_socket_write(socket.a, 0, nullptr, 1, nullptr), ZX_ERR_INVALID_ARGS);
}

TEST("what was written before the other end closed can still be read") {
  Socket socket;
  write_text(socket.a, "last words");
  socket.a.reset();
  expect_eq(signals_of(socket.b), kReadable | ZX_SOCKET_PEER_CLOSED);
  expect_text(Text(socket.b).bytes, "last words");
  expect_status(Text(socket.b).status, ZX_ERR_PEER_CLOSED);
  expect_eq(write_text(socket.b, "anybody?"), ZX_ERR_PEER_CLOSED);
}

TEST("an end that may not write any more can be allowed to when all was read") {
  Socket socket;
  write_text(socket.a, "rest");
  expect_ok(zx_socket_set_disposition(socket.a, ZX_SOCKET_DISPOSITION_WRITE_DISABLED, 0));
  expect_eq(signals_of(socket.a), ZX_SOCKET_WRITE_DISABLED);
  expect_eq(signals_of(socket.b), kReadable | kWritable | ZX_SOCKET_PEER_WRITE_DISABLED);
  expect_eq(write_text(socket.a, "more"), ZX_ERR_BAD_STATE);
  expect_status(zx_socket_set_disposition(socket.b, 0, ZX_SOCKET_DISPOSITION_WRITE_ENABLED), ZX_ERR_BAD_STATE);
  expect_text(Text(socket.b).bytes, "rest");
  expect_status(Text(socket.b).status, ZX_ERR_BAD_STATE);
  expect_ok(zx_socket_set_disposition(socket.b, 0, ZX_SOCKET_DISPOSITION_WRITE_ENABLED));
  expect_eq(signals_of(socket.a), kWritable);
  expect_eq(signals_of(socket.b), kWritable);
  write_text(socket.a, "more");
  expect_text(Text(socket.b).bytes, "more");
}

TEST("only who may manage a socket disables its ends") {
  Socket socket;
  Handle weak = duplicate(socket.a, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
  expect_status(zx_socket_set_disposition(weak, ZX_SOCKET_DISPOSITION_WRITE_DISABLED, 0), ZX_ERR_ACCESS_DENIED);
  expect_status(zx_socket_set_disposition(socket.a, 3, 0), ZX_ERR_INVALID_ARGS);
  expect_status(zx_socket_set_disposition(socket.a, 0, 3), ZX_ERR_INVALID_ARGS);
}

TEST("thresholds have signals of their own") {
  Socket socket;
  size_t threshold = 4;
  expect_ok(zx_object_set_property(socket.b, ZX_PROP_SOCKET_RX_THRESHOLD, &threshold, sizeof threshold));
  threshold = info_of(socket.a).tx_buf_max - 4;
  expect_ok(zx_object_set_property(socket.a, ZX_PROP_SOCKET_TX_THRESHOLD, &threshold, sizeof threshold));
  expect_eq(signals_of(socket.a), kWritable | ZX_SOCKET_WRITE_THRESHOLD);
  write_text(socket.a, "123");
  expect_eq(signals_of(socket.b), kReadable | kWritable);
  write_text(socket.a, "45");
  expect_eq(signals_of(socket.a), kWritable);
  expect_eq(signals_of(socket.b), kReadable | kWritable | ZX_SOCKET_READ_THRESHOLD);
  Text two(socket.b, 2);
  expect_eq(signals_of(socket.a), kWritable | ZX_SOCKET_WRITE_THRESHOLD);
  expect_eq(signals_of(socket.b), kReadable | kWritable);

  size_t got = 0;
  expect_ok(zx_object_get_property(socket.b, ZX_PROP_SOCKET_RX_THRESHOLD, &got, sizeof got));
  expect_eq(got, 4);
  threshold = info_of(socket.a).tx_buf_max + 1;
  expect_status(zx_object_set_property(socket.a, ZX_PROP_SOCKET_TX_THRESHOLD, &threshold, sizeof threshold),
                ZX_ERR_INVALID_ARGS);
  threshold = 0;
  expect_ok(zx_object_set_property(socket.a, ZX_PROP_SOCKET_TX_THRESHOLD, &threshold, sizeof threshold));
  expect_eq(signals_of(socket.a), kWritable);
}

TEST("after a write from bad memory, signals and contents agree") {
  Socket socket;
  Handle vmo = make_vmo(4 * 4096);
  Mapping memory(vmo, 4 * 4096);
  expect_status(zx_socket_write(socket.a, 0, memory.as<>(), 8 * 4096, nullptr), ZX_ERR_INVALID_ARGS);
  bool readable = (signals_of(socket.b) & kReadable) != 0;
  expect_eq(readable, Text(socket.b, 1).status == ZX_OK);
}

TEST("megabytes go through between two threads") {
  constexpr size_t kTotal = 2 << 20;
  Socket socket;
  fill_big();
  Running writer("writer", [&] {
    size_t done = 0;
    while (done < kTotal) {
      const size_t at = done % 250000, size = 250000 - at < kTotal - done ? 250000 - at : kTotal - done;
      int64_t written = write_bytes(socket.a, big + at, size);
      if (written > 0) {
        done += static_cast<size_t>(written);
      } else {
        expect_ok(zx_object_wait_one(socket.a, kWritable, ZX_TIME_INFINITE, nullptr));
      }
    }
    socket.a.reset();
  });
  static uint8_t back[30000];
  size_t done = 0;
  bool same = true;
  while (true) {
    size_t actual = 0;
    zx_status_t status = zx_socket_read(socket.b, 0, back, sizeof back, &actual);
    if (status == ZX_ERR_PEER_CLOSED) break;
    if (status == ZX_ERR_SHOULD_WAIT) {
      zx_object_wait_one(socket.b, kReadable | ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, nullptr);
      continue;
    }
    for (size_t i = 0; i < actual; ++i) same = same && back[i] == big[(done + i) % 250000];
    done += actual;
  }
  writer.join();
  expect_eq(done, kTotal);
  expect(same);
}

}  // namespace
