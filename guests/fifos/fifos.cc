// FIFOs: rings of elements of one size between two ends.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

struct Element {
  uint64_t number;
  uint64_t twice;
};

struct Fifo {
  Handle a, b;
  explicit Fifo(size_t elem_count) { require_ok(zx_fifo_create(elem_count, sizeof(Element), 0, a.out(), b.out())); }
};

/// Writes elements with numbers from `from` on; how many went in, or a failure.
int64_t write_numbers(zx_handle_t fifo, uint64_t from, size_t count) {
  Element elements[16];
  for (size_t i = 0; i < count; ++i) elements[i] = {from + i, 2 * (from + i)};
  size_t actual = 0;
  zx_status_t status = zx_fifo_write(fifo, sizeof(Element), elements, count, &actual);
  return status == ZX_OK ? static_cast<int64_t>(actual) : status;
}

/// Reads up to `count` elements, which have to go on from `from`; how many came, or a failure.
int64_t read_numbers(zx_handle_t fifo, uint64_t from, size_t count) {
  Element elements[16];
  size_t actual = 0;
  zx_status_t status = zx_fifo_read(fifo, sizeof(Element), elements, count, &actual);
  if (status != ZX_OK) return status;
  for (size_t i = 0; i < actual; ++i) {
    expect_eq(elements[i].number, from + i);
    expect_eq(elements[i].twice, 2 * (from + i));
  }
  return static_cast<int64_t>(actual);
}

TEST("elements arrive in the order they were written, each direction for itself") {
  Fifo fifo(8);
  expect_eq(write_numbers(fifo.a, 1, 3), 3);
  expect_eq(write_numbers(fifo.b, 50, 2), 2);
  expect_eq(read_numbers(fifo.b, 1, 8), 3);
  expect_eq(read_numbers(fifo.a, 50, 1), 1);
  expect_eq(read_numbers(fifo.a, 51, 8), 1);
}

TEST("a full FIFO takes what fits, then nothing") {
  Fifo fifo(8);
  expect_eq(write_numbers(fifo.a, 0, 5), 5);
  expect_eq(write_numbers(fifo.a, 5, 5), 3);
  expect_eq(write_numbers(fifo.a, 8, 1), ZX_ERR_SHOULD_WAIT);
  expect_eq(read_numbers(fifo.b, 0, 8), 8);
  expect_eq(read_numbers(fifo.b, 8, 8), ZX_ERR_SHOULD_WAIT);
}

TEST("elements go round the ring") {
  Fifo fifo(4);
  uint64_t written = 0, read = 0;
  for (int round = 0; round < 100; ++round) {
    int64_t count = write_numbers(fifo.a, written, 3);
    if (count > 0) written += static_cast<uint64_t>(count);
    count = read_numbers(fifo.b, read, 2);
    if (count > 0) read += static_cast<uint64_t>(count);
  }
  expect_eq(read, 200);
}

TEST("signals say whether one can read and write") {
  Fifo fifo(2);
  expect_eq(signals_of(fifo.a), ZX_FIFO_WRITABLE);
  write_numbers(fifo.a, 0, 1);
  expect_eq(signals_of(fifo.a), ZX_FIFO_WRITABLE);
  expect_eq(signals_of(fifo.b), ZX_FIFO_READABLE | ZX_FIFO_WRITABLE);
  write_numbers(fifo.a, 1, 1);
  expect_eq(signals_of(fifo.a), 0);
  read_numbers(fifo.b, 0, 1);
  expect_eq(signals_of(fifo.a), ZX_FIFO_WRITABLE);
  read_numbers(fifo.b, 1, 1);
  expect_eq(signals_of(fifo.b), ZX_FIFO_WRITABLE);
}

TEST("what was written before the other end closed can still be read") {
  Fifo fifo(4);
  write_numbers(fifo.a, 7, 2);
  fifo.a.reset();
  expect_eq(signals_of(fifo.b), ZX_FIFO_READABLE | ZX_FIFO_PEER_CLOSED);
  expect_eq(read_numbers(fifo.b, 7, 4), 2);
  expect_eq(signals_of(fifo.b), ZX_FIFO_PEER_CLOSED);
  expect_eq(read_numbers(fifo.b, 9, 4), ZX_ERR_PEER_CLOSED);
  expect_eq(write_numbers(fifo.b, 0, 1), ZX_ERR_PEER_CLOSED);
}

TEST("a FIFO has at most 4096 bytes in each direction") {
  Handle a, b;
  expect_ok(zx_fifo_create(128, 32, 0, a.out(), b.out()));
  expect_status(zx_fifo_create(128, 33, 0, a.out(), b.out()), ZX_ERR_OUT_OF_RANGE);
  expect_status(zx_fifo_create(0, 8, 0, a.out(), b.out()), ZX_ERR_OUT_OF_RANGE);
  expect_status(zx_fifo_create(8, 0, 0, a.out(), b.out()), ZX_ERR_OUT_OF_RANGE);
}

TEST("elements have one size, and some are asked for") {
  Fifo fifo(4);
  Element element = {};
  size_t actual = 0;
  expect_status(zx_fifo_write(fifo.a, sizeof element + 1, &element, 1, &actual), ZX_ERR_OUT_OF_RANGE);
  expect_status(zx_fifo_write(fifo.a, sizeof element, &element, 0, &actual), ZX_ERR_OUT_OF_RANGE);
  expect_status(zx_fifo_read(fifo.a, sizeof element + 1, &element, 1, &actual), ZX_ERR_OUT_OF_RANGE);
  expect_status(zx_fifo_read(fifo.a, sizeof element, &element, 0, &actual), ZX_ERR_OUT_OF_RANGE);
}

TEST("a buffer that ends too early moves no element at all") {
  Fifo fifo(4);
  Handle vmo = make_vmo(4096);
  Handle region;
  zx_vaddr_t base = 0, at = 0;
  require_ok(zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                              8192, region.out(), &base));
  require_ok(zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC, 0, vmo, 0, 4096, &at));
  auto* last = reinterpret_cast<Element*>(at + 4096 - sizeof(Element));
  size_t actual = 0;
  expect_status(zx_fifo_write(fifo.a, sizeof(Element), last, 2, &actual), ZX_ERR_INVALID_ARGS);
  expect_eq(signals_of(fifo.b), ZX_FIFO_WRITABLE);
  write_numbers(fifo.a, 1, 2);
  expect_status(zx_fifo_read(fifo.b, sizeof(Element), last, 2, &actual), ZX_ERR_INVALID_ARGS);
  expect_eq(read_numbers(fifo.b, 1, 4), 2);
  zx_vmar_destroy(region);
}

TEST("a thread that waits for elements gets them") {
  Fifo fifo(4);
  Running reader("reader", [&] {
    expect_ok(zx_object_wait_one(fifo.b, ZX_FIFO_READABLE, ZX_TIME_INFINITE, nullptr));
    expect_eq(read_numbers(fifo.b, 21, 4), 1);
  });
  zx_nanosleep(zx_deadline_after(kMillisecond));
  write_numbers(fifo.a, 21, 1);
}

}  // namespace
