// Programs that take all there is: threads, processes and jobs without end. There is an error for each, and life after.
#include "guests/lib/guest.h"

using namespace guest;

CHILD_IMAGE(limits_child);

namespace {

constexpr size_t kMany = 10'000;
constexpr size_t kLittleStack = 512;

alignas(16) char stacks[kMany][kLittleStack];
int32_t word;

void sleep_on_word(uintptr_t, uintptr_t) {
  zx_futex_wait(&word, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
  zx_thread_exit();
}

bool out_of_something(zx_status_t status) { return status == ZX_ERR_NO_MEMORY || status == ZX_ERR_NO_RESOURCES; }

size_t count(zx_handle_t handle, uint32_t topic) {
  size_t actual = 0, available = 0;
  zx_koid_t none;
  require_ok(zx_object_get_info(handle, topic, &none, 0, &actual, &available));
  return available;
}

Handle new_job() {
  Handle job;
  require_ok(zx_job_create(zx_job_default(), 0, job.out()));
  return job;
}

zx_status_t start_child(zx_handle_t job, zx_handle_t* process) {
  const SpawnRequest request = {
      .name = "one-of-many", .image = CHILD_BYTES(limits_child), .image_size = CHILD_SIZE(limits_child), .job = job};
  return spawn(&request, process);
}

TEST("ten thousand threads, all asleep at once, and all gone again") {
  static zx_handle_t threads[kMany];
  size_t started = 0;
  zx_status_t status = ZX_OK;
  for (; started < kMany; ++started) {
    status = zx_thread_create(zx_process_self(), "many", 4, 0, &threads[started]);
    if (status != ZX_OK) break;
    status = zx_thread_start(threads[started], reinterpret_cast<zx_vaddr_t>(sleep_on_word),
                             initial_stack_pointer(reinterpret_cast<zx_vaddr_t>(stacks[started + 1])), 0, 0);
    require_ok(status);
  }
  expect(started == kMany || out_of_something(status));
  expect_eq(count(zx_process_self(), ZX_INFO_PROCESS_THREADS), started + 1);
  require_ok(zx_nanosleep(zx_deadline_after(kSecond)));
  word = 1;
  require_ok(zx_futex_wake(&word, UINT32_MAX));
  for (size_t i = 0; i < started; ++i) {
    require_ok(zx_object_wait_one(threads[i], ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, nullptr));
    require_ok(zx_handle_close(threads[i]));
  }
  expect_eq(count(zx_process_self(), ZX_INFO_PROCESS_THREADS), 1);
}

TEST("processes until there is no memory for one more, and the job takes all of them along") {
  Handle job = new_job();
  size_t made = 0;
  zx_status_t status = ZX_OK;
  for (; made < kMany; ++made) {
    zx_handle_t process, region;
    status = zx_process_create(job, "many", 4, 0, &process, &region);
    if (status != ZX_OK) break;
  }
  expect(made == kMany || out_of_something(status));
  expect_eq(count(job, ZX_INFO_JOB_PROCESSES), made);
  require_ok(zx_task_kill(job));
  expect_ok(zx_object_wait_one(job, ZX_JOB_TERMINATED, ZX_TIME_INFINITE, nullptr));
  expect_eq(count(job, ZX_INFO_JOB_PROCESSES), 0);
}

TEST("the same with processes that run") {
  for (int round = 0; round < 2; ++round) {
    Handle job = new_job();
    size_t running = 0;
    zx_status_t status = ZX_OK;
    for (; running < kMany; ++running) {
      zx_handle_t process;
      status = start_child(job, &process);
      if (status != ZX_OK) break;
      // Not all of them: they are what the memory is for.
      require_ok(zx_handle_close(process));
    }
    expect(running > 50);
    expect(running == kMany || out_of_something(status));
    require_ok(zx_task_kill(job));
    expect_ok(zx_object_wait_one(job, ZX_JOB_TERMINATED, ZX_TIME_INFINITE, nullptr));
  }
  Handle job = new_job();
  Handle process;
  expect_ok(start_child(job, process.out()));
  require_ok(zx_task_kill(job));
}

TEST("a bomb of jobs goes no deeper than it may, and dies with its root") {
  Handle root = new_job();
  static zx_handle_t jobs[1000];
  zx_handle_t deepest = root;
  size_t depth = 0;
  for (size_t i = 0; i < 1000; ++i) {
    zx_status_t status = zx_job_create(deepest, 0, &jobs[i]);
    if (status != ZX_OK) {
      expect_status(status, ZX_ERR_OUT_OF_RANGE);
      // As wide as it likes then.
      require_ok(zx_job_create(root, 0, &jobs[i]));
      if (i % 100 == 0) deepest = jobs[i];
      continue;
    }
    deepest = jobs[i];
    ++depth;
    zx_handle_t process, region;
    require_ok(zx_process_create(deepest, "bomb", 4, 0, &process, &region));
  }
  expect(depth >= 28);
  require_ok(zx_task_kill(root));
  for (zx_handle_t job : jobs) {
    expect_ok(zx_object_wait_one(job, ZX_JOB_TERMINATED, ZX_TIME_INFINITE, nullptr));
    require_ok(zx_handle_close(job));
  }
}

TEST("a thread can start anywhere, with any stack, and only its process dies of it") {
  const zx_vaddr_t entries[] = {0, 1, 0xdeadbeef, 0x7fff'ffff'f000, 0x7fff'ffff'ffff, ZX_PAGE_SIZE};
  const zx_vaddr_t bottoms[] = {0, 1, 8, 0xffff'ffff'ffff'ffff, 0x8000'0000'0000'0000, 0x7fff'ffff'ffff, 0xdeadbeef};
  for (zx_vaddr_t entry : entries) {
    for (zx_vaddr_t stack : bottoms) {
      Handle job = new_job(), process, region, thread;
      require_ok(zx_process_create(job, "anywhere", 8, 0, process.out(), region.out()));
      require_ok(zx_thread_create(process, "anywhere", 8, 0, thread.out()));
      zx_status_t status = zx_process_start(process, thread, entry, stack, ZX_HANDLE_INVALID, 0);
      if (status != ZX_OK) {
        expect_status(status, ZX_ERR_INVALID_ARGS);
        continue;
      }
      int64_t code = 0;
      require_ok(wait_for_exit(process, &code));
      expect_eq(code, ZX_TASK_RETCODE_EXCEPTION_KILL);
    }
  }
  const zx_vaddr_t nowhere[] = {0xffff'8000'0000'0000, 0x8000'0000'0000'0000, 0xffff'ffff'ffff'fffc};
  for (zx_vaddr_t entry : nowhere) {
    Handle thread;
    require_ok(zx_thread_create(zx_process_self(), "nowhere", 7, 0, thread.out()));
    expect_status(zx_thread_start(thread, entry, 0, 0, 0), ZX_ERR_INVALID_ARGS);
  }
}

}  // namespace
