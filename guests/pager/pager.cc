// User pagers: memory that another program brings in when it is touched.
#include <zircon/syscalls-next.h>

#include "guests/lib/guest.h"
#include "guests/pager/served.h"

using namespace guest;

CHILD_IMAGE(pager_child);

namespace {

/// The pager in another process, and the VMO that it serves.
struct Served {
  Handle process, channel, vmo;

  Served() {
    Handle theirs;
    require_ok(zx_channel_create(0, channel.out(), theirs.out()));
    const SpawnHandle given = {PA_HND(PA_USER0, 0), theirs.release()};
    const SpawnRequest request = {.name = "pager_child",
                                  .image = CHILD_BYTES(pager_child),
                                  .image_size = CHILD_SIZE(pager_child),
                                  .handles = &given,
                                  .handle_count = 1};
    require_ok(spawn(&request, process.out()));
    require_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
    uint32_t bytes = 0, handles = 0;
    require_ok(zx_channel_read(channel, 0, nullptr, vmo.out(), 0, 1, &bytes, &handles));
  }
  /// How many reads (times ten) and writes the pager was asked for.
  int64_t end() {
    channel.reset();
    int64_t code = -1;
    expect_ok(wait_for_exit(process, &code));
    return code;
  }
};

TEST("memory that another process brings in is read and written as any other") {
  Served served;
  Mapping mapping(served.vmo, kPages * kPage);
  for (uint64_t page = 0; page < 8; ++page) expect_eq(mapping.as<uint64_t>()[page * 512], first_word(page));
  for (uint64_t page = 0; page < 8; ++page) expect_eq(mapping.as<uint64_t>()[page * 512 + 1], 0);
  for (uint64_t page = 2; page < 5; ++page) mapping.as<uint64_t>()[page * 512] = 77;
  uint64_t word = 0;
  expect_ok(zx_vmo_read(served.vmo, &word, 4 * kPage, sizeof word));
  expect_eq(word, 77);
  expect_eq(served.end(), 83);
}

TEST("calls wait for pages, and fail with what the pager says") {
  Served served;
  uint64_t words[2 * kPage / 8] = {};
  expect_ok(zx_vmo_read(served.vmo, words, 0, sizeof words));
  expect_eq(words[0], first_word(0));
  expect_eq(words[512], first_word(1));
  expect_status(zx_vmo_read(served.vmo, words, kBadPage * kPage, 8), ZX_ERR_IO);
  expect_status(zx_vmo_op_range(served.vmo, ZX_VMO_OP_COMMIT, 12 * kPage, 2 * kPage, nullptr, 0), ZX_ERR_IO);
  expect_ok(zx_vmo_op_range(served.vmo, ZX_VMO_OP_COMMIT, 2 * kPage, 4 * kPage, nullptr, 0));
  // Two pages one by one, the bad page, a run with the bad page in it, a run.
  expect_eq(served.end(), 50);
}

TEST("a message goes through memory that has to be brought in") {
  Served served;
  Mapping mapping(served.vmo, kPages * kPage);
  Channel channel;
  uint32_t bytes = 0, handles = 0;
  expect_ok(zx_channel_write(channel.a, 0, mapping.as<uint64_t>() + 512, 8, nullptr, 0));
  expect_ok(zx_channel_read(channel.b, 0, mapping.as<uint64_t>() + 1024, nullptr, 8, 0, &bytes, &handles));
  expect_eq(mapping.as<uint64_t>()[1024], first_word(1));
  expect_status(zx_channel_write(channel.a, 0, mapping.as<uint64_t>() + kBadPage * 512, 8, nullptr, 0),
                ZX_ERR_INVALID_ARGS);
  expect_eq(served.end(), 31);
}

TEST("sockets and FIFOs move bytes of memory that has to be brought in, once") {
  Served served;
  Mapping mapping(served.vmo, kPages * kPage);
  uint64_t* words = mapping.as<uint64_t>();
  Handle near, far;
  require_ok(zx_socket_create(ZX_SOCKET_STREAM, near.out(), far.out()));
  size_t actual = 0;
  expect_ok(zx_socket_write(near, 0, words, 2 * kPage, &actual));
  expect_eq(actual, 2 * kPage);
  expect_ok(zx_socket_read(far, 0, words + 2 * 512, 2 * kPage, &actual));
  expect_eq(actual, 2 * kPage);
  expect_eq(words[2 * 512], first_word(0));
  expect_eq(words[3 * 512], first_word(1));
  expect_status(zx_socket_read(far, 0, words, 8, &actual), ZX_ERR_SHOULD_WAIT);
  expect_status(zx_socket_write(near, 0, words + kBadPage * 512, 8, &actual), ZX_ERR_INVALID_ARGS);

  Handle in, out;
  require_ok(zx_fifo_create(8, 8, 0, in.out(), out.out()));
  expect_ok(zx_fifo_write(in, 8, words + 4 * 512, 8, &actual));
  expect_eq(actual, 8);
  expect_ok(zx_fifo_read(out, 8, words + 5 * 512, 8, &actual));
  expect_eq(actual, 8);
  expect_eq(words[5 * 512], first_word(4));
  expect_status(zx_fifo_read(out, 8, words, 8, &actual), ZX_ERR_SHOULD_WAIT);
  // Six pages and the bad one; writes to those that were read into.
  expect_eq(served.end(), 73);
}

TEST("a stream waits for the pages that it reads, and for leave to write to them") {
  Served served;
  Handle stream;
  require_ok(zx_stream_create(ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE, served.vmo, 0, stream.out()));
  static uint64_t words[2 * kPage / 8];
  zx_iovec_t buffer = {words, sizeof words};
  size_t actual = 0;
  zx_off_t place = 0;
  expect_ok(zx_stream_readv(stream, 0, &buffer, 1, &actual));
  expect_eq(actual, 2 * kPage);
  expect_eq(words[0], first_word(0));
  expect_eq(words[512], first_word(1));

  expect_ok(zx_stream_writev(stream, 0, &buffer, 1, &actual));
  expect_eq(actual, 2 * kPage);
  expect_ok(zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, 0, &place));
  expect_eq(place, 4 * kPage);
  expect_ok(zx_vmo_read(served.vmo, words, 3 * kPage, 8));
  expect_eq(words[0], first_word(1));

  // Up to the page that does not come; and then nothing.
  expect_ok(zx_stream_readv_at(stream, 0, (kBadPage - 1) * kPage, &buffer, 1, &actual));
  expect_eq(actual, kPage);
  expect_status(zx_stream_readv_at(stream, 0, kBadPage * kPage, &buffer, 1, &actual), ZX_ERR_IO);
  expect_eq(served.end() / 10, 7);
}

TEST("a private copy keeps what is written, and shows the rest") {
  Served served;
  Handle copy;
  require_ok(zx_vmo_create_child(served.vmo, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, 0, kPages * kPage, copy.out()));
  Mapping mapping(copy, kPages * kPage);
  mapping.as<uint64_t>()[512] = 99;
  expect_eq(mapping.as<uint64_t>()[1024], first_word(2));
  uint64_t word = 0;
  expect_ok(zx_vmo_read(served.vmo, &word, kPage, sizeof word));
  expect_eq(word, first_word(1));
  expect_eq(mapping.as<uint64_t>()[512], 99);
  expect_eq(served.end(), 20);
}

TEST("several threads wait for one page, and all of them get it") {
  Served served;
  Mapping mapping(served.vmo, kPages * kPage);
  volatile uint64_t* word = mapping.as<uint64_t>() + 3 * 512;
  uint64_t seen[3] = {};
  {
    Running first("first", [&seen, word] { seen[0] = *word; });
    Running second("second", [&seen, word] { seen[1] = *word; });
    seen[2] = *word;
  }
  for (uint64_t value : seen) expect_eq(value, first_word(3));
  expect_eq(served.end(), 10);
}

TEST("what was written is known to the pager until it is written back") {
  Handle port, pager, vmo, aux = make_vmo(4 * kPage);
  require_ok(zx_port_create(0, port.out()));
  require_ok(zx_pager_create(0, pager.out()));
  require_ok(zx_pager_create_vmo(pager, 0, port, 0, 4 * kPage, vmo.out()));
  require_ok(zx_pager_supply_pages(pager, vmo, 0, 4 * kPage, aux, 0));
  Mapping mapping(vmo, 4 * kPage);
  auto dirty_pages = [&] {
    zx_vmo_dirty_range_t ranges[4];
    size_t count = 0, pages = 0;
    expect_ok(zx_pager_query_dirty_ranges(pager, vmo, 0, 4 * kPage, ranges, sizeof ranges, &count, nullptr));
    for (size_t i = 0; i < count; ++i) pages += ranges[i].length / kPage;
    return pages;
  };
  expect_eq(mapping.as()[0], 0);
  expect_eq(dirty_pages(), 0);
  mapping.as()[0] = 1;
  mapping.as()[2 * kPage] = 1;
  expect_eq(dirty_pages(), 2);
  expect_ok(zx_pager_op_range(pager, ZX_PAGER_OP_WRITEBACK_BEGIN, vmo, 0, 4 * kPage, 0));
  mapping.as()[0] = 2;
  expect_ok(zx_pager_op_range(pager, ZX_PAGER_OP_WRITEBACK_END, vmo, 0, 4 * kPage, 0));
  expect_eq(dirty_pages(), 1);
  zx_pager_vmo_stats_t stats = {};
  expect_ok(zx_pager_query_vmo_stats(pager, vmo, ZX_PAGER_RESET_VMO_STATS, &stats, sizeof stats));
  expect_eq(stats.modified, ZX_PAGER_VMO_STATS_MODIFIED);
  expect_ok(zx_pager_query_vmo_stats(pager, vmo, 0, &stats, sizeof stats));
  expect_eq(stats.modified, 0);
  mapping.as()[0] = 3;
  expect_ok(zx_pager_query_vmo_stats(pager, vmo, 0, &stats, sizeof stats));
  expect_eq(stats.modified, ZX_PAGER_VMO_STATS_MODIFIED);
}

}  // namespace
