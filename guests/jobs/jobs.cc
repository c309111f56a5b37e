// Jobs: the tree that processes hang in.
#include "guests/lib/guest.h"

using namespace guest;

CHILD_IMAGE(job_child);

namespace {

Handle make_job(zx_handle_t parent) {
  Handle job;
  require_ok(zx_job_create(parent, 0, job.out()));
  return job;
}

Handle start_in(zx_handle_t job, const char* argument = nullptr) {
  const char* arguments[] = {"job_child", argument, nullptr};
  const SpawnRequest request = {
      .name = "job_child",
      .image = CHILD_BYTES(job_child),
      .image_size = CHILD_SIZE(job_child),
      .job = job,
      .arguments = arguments,
  };
  Handle process;
  require_ok(spawn(&request, process.out()));
  return process;
}

int64_t exit_code(zx_handle_t process) {
  int64_t code = 0;
  expect_ok(wait_for_exit(process, &code));
  return code;
}

zx_koid_t koid(zx_handle_t handle) {
  zx_info_handle_basic_t info = {};
  expect_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, nullptr, nullptr));
  return info.koid;
}

constexpr zx_signals_t kEmpty = ZX_JOB_NO_JOBS | ZX_JOB_NO_PROCESSES;

TEST("a job says when it holds neither jobs nor processes") {
  Handle job = make_job(zx_job_default());
  expect_eq(signals_of(job) & kEmpty, kEmpty);
  Handle inner = make_job(job);
  expect_eq(signals_of(job) & kEmpty, ZX_JOB_NO_PROCESSES);
  Handle process = start_in(job);
  expect_eq(signals_of(job) & kEmpty, 0);
  inner.reset();
  expect_eq(signals_of(job) & kEmpty, ZX_JOB_NO_JOBS);
  zx_task_kill(process);
  expect_ok(zx_object_wait_one(job, ZX_JOB_NO_PROCESSES, ZX_TIME_INFINITE, nullptr));
}

TEST("killing a job kills what is below it, at any depth") {
  Handle job = make_job(zx_job_default()), inner = make_job(job), innermost = make_job(inner);
  Handle a = start_in(job), b = start_in(inner), c = start_in(innermost);
  expect_ok(zx_task_kill(job));
  for (const Handle* process : {&a, &b, &c}) expect_eq(exit_code(*process), ZX_TASK_RETCODE_SYSCALL_KILL);
  for (const Handle* each : {&job, &inner, &innermost}) {
    expect_ok(zx_object_wait_one(*each, ZX_JOB_TERMINATED, zx_deadline_after(kSecond), nullptr));
  }
}

TEST("a killed job takes no new members") {
  Handle job = make_job(zx_job_default());
  expect_ok(zx_task_kill(job));
  zx_handle_t none = ZX_HANDLE_INVALID, vmar = ZX_HANDLE_INVALID;
  expect_status(zx_job_create(job, 0, &none), ZX_ERR_BAD_STATE);
  expect_status(zx_process_create(job, "late", 4, 0, &none, &vmar), ZX_ERR_BAD_STATE);
}

TEST("killing one job leaves its neighbour alone") {
  Handle doomed = make_job(zx_job_default()), safe = make_job(zx_job_default());
  Handle victim = start_in(doomed), survivor = start_in(safe, "7");
  zx_task_kill(doomed);
  expect_eq(exit_code(victim), ZX_TASK_RETCODE_SYSCALL_KILL);
  expect_eq(exit_code(survivor), 7);
}

TEST("a job lists its children by their koids, and hands them out") {
  Handle job = make_job(zx_job_default()), inner = make_job(job);
  Handle process = start_in(job);
  zx_koid_t koids[4] = {};
  size_t actual = 0, available = 0;
  expect_ok(zx_object_get_info(job, ZX_INFO_JOB_CHILDREN, koids, sizeof koids, &actual, &available));
  expect_eq(actual, 1);
  expect_eq(koids[0], koid(inner));
  expect_ok(zx_object_get_info(job, ZX_INFO_JOB_PROCESSES, koids, sizeof koids, &actual, &available));
  expect_eq(actual, 1);
  expect_eq(koids[0], koid(process));
  Handle found;
  expect_ok(zx_object_get_child(job, koid(process), ZX_RIGHT_SAME_RIGHTS, found.out()));
  expect_eq(koid(found), koid(process));
  expect_status(zx_object_get_child(job, koid(job), ZX_RIGHT_SAME_RIGHTS, found.out()), ZX_ERR_NOT_FOUND);
  zx_task_kill(job);
  exit_code(process);
}

TEST("a job without handles lives on in its process") {
  Handle process = start_in(make_job(zx_job_default()), "3");
  expect_eq(exit_code(process), 3);
}

TEST("jobs nest, but not for ever") {
  Handle job = make_job(zx_job_default());
  int depth = 1;
  for (;; ++depth) {
    Handle inner;
    const zx_status_t status = zx_job_create(job, 0, inner.out());
    if (status != ZX_OK) {
      expect_status(status, ZX_ERR_OUT_OF_RANGE);
      break;
    }
    job = static_cast<Handle&&>(inner);  // The outer one lives on in the inner.
    if (depth > 40) break;
  }
  expect(depth > 5);
  expect(depth <= 32);
}

}  // namespace
