// Streams: VMOs with a content size and a place to go on.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

constexpr size_t kPage = 4096;
constexpr const char* kAlphabet = "abcdefghijklmnopqrstuvwxyz";
constexpr uint32_t kBoth = ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE;

uint64_t content_size(zx_handle_t vmo) {
  uint64_t size = 0;
  expect_ok(zx_object_get_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof size));
  return size;
}

/// A page whose content is the text.
Handle make_content(const char* text, uint32_t options = 0) {
  Handle vmo = make_vmo(kPage, options);
  uint64_t size = strlen(text);
  require_ok(zx_vmo_write(vmo, text, 0, size));
  require_ok(zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, sizeof size));
  return vmo;
}

Handle make_stream(zx_handle_t vmo, uint32_t options = kBoth, uint64_t seek = 0) {
  Handle stream;
  require_ok(zx_stream_create(options, vmo, seek, stream.out()));
  return stream;
}

zx_iovec_t buffer_of(const char* text) { return {const_cast<char*>(text), strlen(text)}; }

/// How many bytes were written, or the failure.
int64_t write_text(zx_handle_t stream, const char* text, uint32_t options = 0) {
  zx_iovec_t buffer = buffer_of(text);
  size_t actual = 0;
  zx_status_t status = zx_stream_writev(stream, options, &buffer, 1, &actual);
  return status == ZX_OK ? static_cast<int64_t>(actual) : status;
}

/// Up to 63 bytes from where the stream stands, as text.
struct Text {
  char bytes[64] = {};
  size_t size = 0;
  zx_status_t status;
  explicit Text(zx_handle_t stream, size_t most = 63) {
    zx_iovec_t buffer = {bytes, most};
    status = zx_stream_readv(stream, 0, &buffer, 1, &size);
  }
};

/// The first bytes of a VMO as text.
struct Data {
  char bytes[64] = {};
  explicit Data(zx_handle_t vmo) { expect_ok(zx_vmo_read(vmo, bytes, 0, 63)); }
};

uint64_t place_of(zx_handle_t stream) {
  zx_off_t seek = 0;
  expect_ok(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, 0, &seek));
  return seek;
}

TEST("a stream reads on where it stands, up to the end of the content") {
  Handle vmo = make_content(kAlphabet);
  Handle stream = make_stream(vmo);
  expect_text(Text(stream, 7).bytes, "abcdefg");
  expect_text(Text(stream, 3).bytes, "hij");
  expect_text(Text(stream).bytes, "klmnopqrstuvwxyz");
  Text nothing(stream);
  expect_ok(nothing.status);
  expect_eq(nothing.size, 0);
}

TEST("buffers are filled and written in order") {
  Handle vmo = make_content(kAlphabet);
  Handle stream = make_stream(vmo);
  char first[4] = {}, second[6] = {};
  zx_iovec_t buffers[2] = {{first, 3}, {second, 5}};
  size_t actual = 0;
  expect_ok(zx_stream_readv(stream, 0, buffers, 2, &actual));
  expect_eq(actual, 8);
  expect_text(first, "abc");
  expect_text(second, "defgh");
  zx_iovec_t texts[2] = {buffer_of("12"), buffer_of("345")};
  expect_ok(zx_stream_writev(stream, 0, texts, 2, &actual));
  expect_eq(actual, 5);
  expect_text(Data(vmo).bytes, "abcdefgh12345nopqrstuvwxyz");
}

TEST("reading and writing at an offset leaves the place alone") {
  Handle vmo = make_content(kAlphabet);
  Handle stream = make_stream(vmo);
  char bytes[8] = {};
  zx_iovec_t buffer = {bytes, 7};
  size_t actual = 0;
  expect_ok(zx_stream_readv_at(stream, 0, 24, &buffer, 1, &actual));
  expect_eq(actual, 2);
  expect_text(bytes, "yz");
  expect_ok(zx_stream_readv_at(stream, 0, 1000, &buffer, 1, &actual));
  expect_eq(actual, 0);
  buffer = buffer_of("012");
  expect_ok(zx_stream_writev_at(stream, 0, 7, &buffer, 1, &actual));
  expect_text(Data(vmo).bytes, "abcdefg012klmnopqrstuvwxyz");
  expect_eq(place_of(stream), 0);
}

TEST("a write moves the end of the content, up to that of the VMO") {
  Handle vmo = make_content("abc");
  Handle stream = make_stream(vmo);
  expect_eq(write_text(stream, "0123456"), 7);
  expect_eq(content_size(vmo), 7);
  expect_ok(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_START, kPage - 4, nullptr));
  expect_eq(write_text(stream, "0123456"), 4);
  expect_eq(content_size(vmo), kPage);
  expect_eq(write_text(stream, "0123456"), ZX_ERR_NO_SPACE);
}

TEST("a VMO that can grow does") {
  Handle vmo = make_content("", ZX_VMO_RESIZABLE);
  Handle stream = make_stream(vmo, kBoth, kPage - 3);
  expect_eq(write_text(stream, "0123456"), 7);
  expect_eq(content_size(vmo), kPage + 4);
  uint64_t size = 0;
  expect_ok(zx_vmo_get_size(vmo, &size));
  expect_eq(size, 2 * kPage);
}

TEST("what lies between the old content and a write further on becomes zeros") {
  Handle vmo = make_content("abc");
  Handle stream = make_stream(vmo);
  expect_ok(zx_vmo_write(vmo, "xxxxxxxxxx", 3, 10));
  zx_iovec_t buffer = buffer_of("!");
  size_t actual = 0;
  expect_ok(zx_stream_writev_at(stream, 0, 9, &buffer, 1, &actual));
  Data data(vmo);
  expect(memcmp(data.bytes, "abc\0\0\0\0\0\0!xxx", 13) == 0);
  expect_eq(content_size(vmo), 10);
}

TEST("appending goes to the end, by call or by mode") {
  Handle vmo = make_content("text");
  Handle stream = make_stream(vmo);
  expect_eq(write_text(stream, "1", ZX_STREAM_APPEND), 1);
  expect_eq(place_of(stream), 5);
  Handle appending = make_stream(vmo, ZX_STREAM_MODE_WRITE | ZX_STREAM_MODE_APPEND);
  expect_eq(write_text(appending, "2"), 1);
  expect_text(Data(vmo).bytes, "text12");
  uint8_t mode = 0;
  expect_ok(zx_object_set_property(appending, ZX_PROP_STREAM_MODE_APPEND, &mode, sizeof mode));
  expect_ok(zx_stream_seek(appending, ZX_STREAM_SEEK_ORIGIN_START, 0, nullptr));
  expect_eq(write_text(appending, "T"), 1);
  expect_text(Data(vmo).bytes, "Text12");
}

TEST("seeking counts from the start, the place or the end") {
  Handle vmo = make_content(kAlphabet);
  Handle stream = make_stream(vmo, kBoth, 9);
  zx_off_t seek = 0;
  expect_ok(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, 3, &seek));
  expect_eq(seek, 12);
  expect_ok(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_END, -2, &seek));
  expect_eq(seek, 24);
  expect_text(Text(stream).bytes, "yz");
  expect_status(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_START, -1, &seek), ZX_ERR_INVALID_ARGS);
  expect_status(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_END, -27, &seek), ZX_ERR_INVALID_ARGS);
  expect_status(zx_stream_seek(stream, 3, 0, &seek), ZX_ERR_INVALID_ARGS);
}

TEST("a stream can do what its modes say, and these what the VMO's handle may") {
  Handle vmo = make_content(kAlphabet);
  Handle reader = make_stream(vmo, ZX_STREAM_MODE_READ);
  expect_eq(write_text(reader, "x"), ZX_ERR_ACCESS_DENIED);
  Handle writer = make_stream(vmo, ZX_STREAM_MODE_WRITE);
  expect_status(Text(writer).status, ZX_ERR_ACCESS_DENIED);
  Handle none = make_stream(vmo, 0);
  expect_status(zx_stream_seek(none, ZX_STREAM_SEEK_ORIGIN_START, 0, nullptr), ZX_ERR_ACCESS_DENIED);
  Handle read_only = duplicate(vmo, ZX_RIGHT_READ), stream;
  expect_status(zx_stream_create(ZX_STREAM_MODE_WRITE, read_only, 0, stream.out()), ZX_ERR_ACCESS_DENIED);
  expect_status(zx_stream_create(8, vmo, 0, stream.out()), ZX_ERR_INVALID_ARGS);
}

TEST("a buffer that is not there is not found, and what came before it counts") {
  Handle vmo = make_content(kAlphabet);
  Handle stream = make_stream(vmo);
  char bytes[8] = {};
  zx_iovec_t buffers[2] = {{bytes, 3}, {nullptr, 5}};
  size_t actual = 0;
  expect_status(zx_stream_readv(stream, 0, buffers + 1, 1, &actual), ZX_ERR_NOT_FOUND);
  expect_status(zx_stream_writev(stream, 0, buffers + 1, 1, &actual), ZX_ERR_NOT_FOUND);
  expect_eq(place_of(stream), 0);
  expect_status(zx_stream_readv(stream, 0, nullptr, 1, &actual), ZX_ERR_INVALID_ARGS);
}

TEST("duplicates share the place, streams of one VMO its content") {
  Handle vmo = make_content(kAlphabet);
  Handle stream = make_stream(vmo), twin = duplicate(stream), other = make_stream(vmo);
  Text skipped(stream, 5);
  expect_text(Text(twin, 3).bytes, "fgh");
  expect_text(Text(other, 3).bytes, "abc");
  zx_info_stream_t info = {};
  expect_ok(zx_object_get_info(other, ZX_INFO_STREAM, &info, sizeof info, nullptr, nullptr));
  expect_eq(info.options, kBoth);
  expect_eq(info.seek, 3);
  expect_eq(info.content_size, 26);
}

}  // namespace
