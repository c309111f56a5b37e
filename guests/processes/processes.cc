// Processes: how they start, what they return, how they are killed, and what others see of it.
#include "guests/lib/guest.h"

using namespace guest;

CHILD_IMAGE(process_child);

namespace {

/// Starts the child with up to two words and, when given, a channel.
Handle start(const char* what, const char* argument = nullptr, zx_handle_t channel = ZX_HANDLE_INVALID,
             zx_handle_t job = ZX_HANDLE_INVALID) {
  const char* arguments[] = {"process_child", what, argument, nullptr};
  const SpawnHandle given = {PA_HND(PA_USER0, 0), channel};
  const SpawnRequest request = {
      .name = "process_child",
      .image = CHILD_BYTES(process_child),
      .image_size = CHILD_SIZE(process_child),
      .job = job,
      .arguments = arguments,
      .handles = &given,
      .handle_count = channel != ZX_HANDLE_INVALID ? 1u : 0u,
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

TEST("a process returns all 64 bits of what it exits with") {
  const struct {
    const char* text;
    int64_t code;
  } cases[] = {{"0", 0},
               {"1", 1},
               {"255", 255},
               {"256", 256},
               {"-1", -1},
               {"4294967296", 4294967296},
               {"9223372036854775807", INT64_MAX},
               {"-9223372036854775808", INT64_MIN}};
  for (const auto& each : cases) expect_eq(exit_code(start("exit", each.text)), each.code);
}

TEST("a process returns what main returns") { expect_eq(exit_code(start("return", "42")), 42); }

TEST("a process ends with its last thread, and returns 0 then") { expect_eq(exit_code(start("last thread")), 0); }

TEST("any thread can end the process") { expect_eq(exit_code(start("exit from thread")), 77); }

TEST("a killed process says so in its return code, asleep or busy") {
  for (const char* what : {"sleep", "spin"}) {
    Handle process = start(what);
    zx_nanosleep(zx_deadline_after(kMillisecond));
    expect_ok(zx_task_kill(process));
    expect_eq(exit_code(process), ZX_TASK_RETCODE_SYSCALL_KILL);
    expect_ok(zx_task_kill(process));  // Once more does no harm.
  }
}

TEST("a process shows whether it has started and exited") {
  auto flags = [](zx_handle_t process) {
    zx_info_process_t info = {};
    expect_ok(zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof info, nullptr, nullptr));
    return info.flags;
  };
  Handle process = start("sleep");
  expect_eq(flags(process), ZX_INFO_PROCESS_FLAG_STARTED);
  expect_eq(signals_of(process) & ZX_PROCESS_TERMINATED, 0);
  zx_task_kill(process);
  expect_ok(zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, nullptr));
  expect_eq(flags(process), ZX_INFO_PROCESS_FLAG_STARTED | ZX_INFO_PROCESS_FLAG_EXITED);
}

TEST("processes talk over a channel, each in its own memory") {
  Channel channel;
  Handle process = start("echo", nullptr, channel.b.release());
  for (uint64_t i = 1; i <= 100; ++i) {
    uint64_t value = i;
    uint32_t size = 0, handles = 0;
    expect_ok(zx_channel_write(channel.a, 0, &value, sizeof value, nullptr, 0));
    expect_ok(zx_object_wait_one(channel.a, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
    expect_ok(zx_channel_read(channel.a, 0, &value, nullptr, sizeof value, 0, &size, &handles));
    if (value != 2 * i) expect_eq(value, 2 * i);
  }
  channel.a.reset();
  expect_eq(exit_code(process), 0);
}

TEST("a process that dies lets go of its channels") {
  Channel channel;
  Handle process = start("echo", nullptr, channel.b.release());
  zx_nanosleep(zx_deadline_after(kMillisecond));
  zx_task_kill(process);
  expect_ok(zx_object_wait_one(channel.a, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, nullptr));
}

TEST("a process has the name it was made with, and a handle tells its job") {
  Handle job;
  require_ok(zx_job_create(zx_job_default(), 0, job.out()));
  Handle process = start("sleep", nullptr, ZX_HANDLE_INVALID, job);
  char name[ZX_MAX_NAME_LEN] = {};
  expect_ok(zx_object_get_property(process, ZX_PROP_NAME, name, sizeof name));
  expect_text(name, "process_child");
  zx_info_handle_basic_t mine = {}, jobs = {};
  zx_object_get_info(process, ZX_INFO_HANDLE_BASIC, &mine, sizeof mine, nullptr, nullptr);
  zx_object_get_info(job, ZX_INFO_HANDLE_BASIC, &jobs, sizeof jobs, nullptr, nullptr);
  expect_eq(mine.related_koid, jobs.koid);
  zx_task_kill(process);
  exit_code(process);
}

TEST("another process's memory can be read and is really there") {
  Handle process, vmar;
  require_ok(zx_process_create(zx_job_default(), "hollow", 6, 0, process.out(), vmar.out()));
  Handle vmo = make_vmo(4096);
  const char text[] = "written from outside";
  expect_ok(zx_vmo_write(vmo, text, 100, sizeof text));
  zx_vaddr_t address = 0;
  expect_ok(zx_vmar_map(vmar, ZX_VM_PERM_READ, 0, vmo, 0, 4096, &address));
  char copy[sizeof text] = {};
  size_t actual = 0;
  expect_ok(zx_process_read_memory(process, address + 100, copy, sizeof copy, &actual));
  expect_eq(actual, sizeof text);
  expect_text(copy, text);
  expect_status(zx_process_read_memory(process, address + 4096, copy, 1, &actual), ZX_ERR_NO_MEMORY);
}

TEST("a process needs a thread to start, and a thread its own process") {
  Handle process, vmar;
  require_ok(zx_process_create(zx_job_default(), "hollow", 6, 0, process.out(), vmar.out()));
  Handle stranger, event;
  require_ok(zx_thread_create(zx_process_self(), "stranger", 8, 0, stranger.out()));
  require_ok(zx_event_create(0, event.out()));
  expect_status(zx_process_start(process, stranger, 0x1000, 0, duplicate(event).release(), 0), ZX_ERR_ACCESS_DENIED);

  Handle thread;
  require_ok(zx_thread_create(process, "early", 5, 0, thread.out()));
  expect_status(zx_thread_start(thread, 0x1000, 0, 0, 0), ZX_ERR_BAD_STATE);
}

TEST("fifty processes one after the other leave nothing behind") {
  for (int i = 0; i < 50; ++i) {
    Handle process = start("return", "7");
    const int64_t code = exit_code(process);
    if (code != 7) {
      expect_eq(code, 7);
      break;
    }
  }
}

}  // namespace
