// Futexes: sleeping on a word of memory.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

zx_status_t wait(const zx_futex_t* word, zx_futex_t value, zx_time_t deadline = ZX_TIME_INFINITE) {
  return zx_futex_wait(word, value, ZX_HANDLE_INVALID, deadline);
}

TEST("a wait for another value than the word has does not sleep") {
  zx_futex_t word = 1;
  expect_status(wait(&word, 2), ZX_ERR_BAD_STATE);
}

TEST("a wait nobody wakes ends at its deadline") {
  zx_futex_t word = 1;
  expect_status(wait(&word, 1, zx_deadline_after(kMillisecond)), ZX_ERR_TIMED_OUT);
}

TEST("waking nobody is fine, on memory that is not there too") {
  zx_futex_t word = 0;
  expect_ok(zx_futex_wake(&word, 100));
  expect_ok(zx_futex_wake(reinterpret_cast<const zx_futex_t*>(0x1000), 1));
}

TEST("a futex is aligned") {
  alignas(8) char bytes[8] = {};
  auto crooked = reinterpret_cast<const zx_futex_t*>(bytes + 2);
  expect_status(wait(crooked, 0, 0), ZX_ERR_INVALID_ARGS);
  expect_status(zx_futex_wake(crooked, 1), ZX_ERR_INVALID_ARGS);
}

TEST("a wake wakes as many as it says") {
  static zx_futex_t word;
  word = 0;
  int woken = 0;
  auto sleep = [&] {
    expect_ok(wait(&word, 0));
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
  };
  Running a("a", sleep), b("b", sleep), c("c", sleep);
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  expect_ok(zx_futex_wake(&word, 2));
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  expect_eq(__atomic_load_n(&woken, __ATOMIC_SEQ_CST), 2);
  expect_ok(zx_futex_wake(&word, 2));
  a.join(), b.join(), c.join();
  expect_eq(woken, 3);
}

TEST("requeued sleepers wake from the other word") {
  static zx_futex_t from, to;
  int woken = 0;
  auto sleep = [&] {
    expect_ok(wait(&from, 0));
    __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
  };
  Running a("a", sleep), b("b", sleep), c("c", sleep);
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  expect_status(zx_futex_requeue(&from, 1, 5, &to, 10, ZX_HANDLE_INVALID), ZX_ERR_BAD_STATE);
  expect_ok(zx_futex_requeue(&from, 1, 0, &to, 10, ZX_HANDLE_INVALID));
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  expect_eq(__atomic_load_n(&woken, __ATOMIC_SEQ_CST), 1);
  expect_ok(zx_futex_wake(&from, 10));  // Nobody sleeps here any more.
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  expect_eq(__atomic_load_n(&woken, __ATOMIC_SEQ_CST), 1);
  expect_ok(zx_futex_wake(&to, 10));
  a.join(), b.join(), c.join();
  expect_eq(woken, 3);
}

/// A lock as C libraries build it: 0 free, 1 held, 2 held and awaited.
class Lock {
 public:
  void acquire() {
    zx_futex_t expected = 0;
    if (__atomic_compare_exchange_n(&state_, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    while (__atomic_exchange_n(&state_, 2, __ATOMIC_ACQUIRE) != 0) wait(&state_, 2);
  }
  void release() {
    if (__atomic_exchange_n(&state_, 0, __ATOMIC_RELEASE) == 2) zx_futex_wake(&state_, 1);
  }

 private:
  zx_futex_t state_ = 0;
};

TEST("a lock made of a futex keeps threads apart") {
  Lock lock;
  int64_t plain = 0;
  auto work = [&] {
    for (int i = 0; i < 500; ++i) {
      lock.acquire();
      const int64_t seen = plain;
      if (i % 50 == 0) zx_nanosleep(0);  // Somebody else's turn, inside the lock.
      plain = seen + 1;
      lock.release();
    }
  };
  Running a("a", work), b("b", work), c("c", work), d("d", work);
  a.join(), b.join(), c.join(), d.join();
  expect_eq(plain, 2000);
}

/// What a thread that frees itself leaves behind.
struct Farewell {
  zx_futex_t word = 0;
  zx_handle_t own_handle = ZX_HANDLE_INVALID;
};

TEST("a thread can say farewell: set a word, wake, close its handle and end, in one call") {
  // [zx_futex_wake_handle_close_thread_exit]
  static Farewell farewell;
  Thread thread;
  zx_vaddr_t stack_top = 0;
  require_ok(thread_create(&thread, "leaver", &stack_top));
  farewell.own_handle = duplicate(thread.handle).release();
  auto leave = [](zx_handle_t, uintptr_t) {
    zx_futex_wake_handle_close_thread_exit(&farewell.word, 1, 7, farewell.own_handle);
  };
  void (*entry)(zx_handle_t, uintptr_t) = leave;
  require_ok(
      zx_thread_start(thread.handle, reinterpret_cast<zx_vaddr_t>(entry), initial_stack_pointer(stack_top), 0, 0));
  while (__atomic_load_n(&farewell.word, __ATOMIC_ACQUIRE) == 0) wait(&farewell.word, 0);
  expect_eq(farewell.word, 7);
  expect_ok(thread_join(&thread));
  expect_status(zx_handle_close(farewell.own_handle), ZX_ERR_BAD_HANDLE);
}

TEST("a thread can unmap its own stack as it ends") {
  // [zx_vmar_unmap_handle_close_thread_exit]
  static zx_vaddr_t stack;
  static zx_handle_t own_handle;
  constexpr size_t kSize = 16 * 4096;
  Handle vmo = make_vmo(kSize), thread;
  require_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, kSize, &stack));
  require_ok(zx_thread_create(zx_process_self(), "leaver", 6, 0, thread.out()));
  own_handle = duplicate(thread).release();
  auto leave = [](zx_handle_t, uintptr_t) {
    zx_vmar_unmap_handle_close_thread_exit(zx_vmar_root_self(), stack, kSize, own_handle);
  };
  void (*entry)(zx_handle_t, uintptr_t) = leave;
  require_ok(zx_thread_start(thread, reinterpret_cast<zx_vaddr_t>(entry), initial_stack_pointer(stack + kSize), 0, 0));
  expect_ok(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, nullptr));
  expect_status(zx_handle_close(own_handle), ZX_ERR_BAD_HANDLE);
  zx_vaddr_t again = 0;  // The place is free.
  zx_info_vmar_t root = {};
  require_ok(zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &root, sizeof root, nullptr, nullptr));
  expect_ok(
      zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_SPECIFIC, stack - root.base, vmo, 0, kSize, &again));
  expect_ok(zx_vmar_unmap(zx_vmar_root_self(), again, kSize));
}

}  // namespace
