// The SDK's own packages in use: its event loop (built from its sources), and a file system that a thread of the
// program serves while another uses it through the C library.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lib/async-loop/default.h>
#include <lib/async-loop/loop.h>
#include <lib/async/default.h>
#include <lib/async/receiver.h>
#include <lib/async/task.h>
#include <lib/async/time.h>
#include <lib/async/wait.h>
#include <lib/memfs/memfs.h>
#include <lib/sync/completion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zircon/syscalls.h>

#include "guests/sdk/claims.h"

static char order[20];
static void note(char letter) { order[strlen(order)] = letter; }

struct lettered_task {
  async_task_t task;
  char letter;
  zx_status_t status;
};
static void run_task(async_dispatcher_t* dispatcher, async_task_t* task, zx_status_t status) {
  struct lettered_task* mine = (struct lettered_task*)task;
  mine->status = status;
  note(mine->letter);
  (void)dispatcher;
}

static int messages;
static void read_message(async_dispatcher_t* dispatcher, async_wait_t* wait, zx_status_t status,
                         const zx_packet_signal_t* signal) {
  char byte;
  uint32_t size;
  if (status != ZX_OK) return;
  if ((signal->observed & ZX_CHANNEL_READABLE) != 0) {
    if (zx_channel_read(wait->object, 0, &byte, NULL, 1, 0, &size, NULL) == ZX_OK) ++messages;
    async_begin_wait(dispatcher, wait);
  } else {
    async_loop_quit(async_loop_from_dispatcher(dispatcher));
  }
}

static zx_packet_user_t got;
static void receive(async_dispatcher_t* dispatcher, async_receiver_t* receiver, zx_status_t status,
                    const zx_packet_user_t* data) {
  got = *data;
  (void)dispatcher, (void)receiver, (void)status;
}

static void events(void) {
  async_loop_t* loop;
  CLAIM("a loop is made", async_loop_create(&kAsyncLoopConfigAttachToCurrentThread, &loop) == ZX_OK);
  async_dispatcher_t* dispatcher = async_loop_get_dispatcher(loop);
  CLAIM("it is the thread's own", async_get_default_dispatcher() == dispatcher);
  zx_time_t now = async_now(dispatcher);
  struct lettered_task tasks[] = {
      {{.handler = run_task, .deadline = now + ZX_MSEC(30)}, 'c', -1},
      {{.handler = run_task, .deadline = now + ZX_MSEC(10)}, 'a', -1},
      {{.handler = run_task, .deadline = now + ZX_MSEC(20)}, 'b', -1},
      {{.handler = run_task, .deadline = now + ZX_MSEC(25)}, 'x', -1},
      {{.handler = run_task, .deadline = now + ZX_SEC(1000)}, 'z', -1},
  };
  int posted = 1;
  for (int i = 0; i < 5; ++i) posted &= async_post_task(dispatcher, &tasks[i].task) == ZX_OK;
  CLAIM("tasks are posted and one is taken back", posted && async_cancel_task(dispatcher, &tasks[3].task) == ZX_OK);
  CLAIM("nothing is due yet", async_loop_run_until_idle(loop) == ZX_OK && order[0] == 0);
  CLAIM("they run in the order of their times",
        async_loop_run(loop, now + ZX_MSEC(40), false) == ZX_ERR_TIMED_OUT && strcmp(order, "abc") == 0);

  zx_handle_t near, far;
  zx_channel_create(0, &near, &far);
  async_wait_t wait = {.handler = read_message, .object = far, .trigger = ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED};
  CLAIM("it waits for a channel", async_begin_wait(dispatcher, &wait) == ZX_OK);
  for (int i = 0; i < 5; ++i) zx_channel_write(near, 0, "m", 1, NULL, 0);
  zx_handle_close(near);
  CLAIM("until the other side is gone",
        async_loop_run(loop, ZX_TIME_INFINITE, false) == ZX_ERR_CANCELED && messages == 5);
  CLAIM("and can go on", async_loop_reset_quit(loop) == ZX_OK);
  zx_handle_close(far);

  async_receiver_t receiver = {.handler = receive};
  zx_packet_user_t packet = {.u64 = {1, 2, 3, 4}};
  CLAIM("a packet comes through", async_queue_packet(dispatcher, &receiver, &packet) == ZX_OK &&
                                      async_loop_run_until_idle(loop) == ZX_OK && got.u64[3] == 4);
  async_loop_destroy(loop);
  CLAIM("its end cancels what was left", tasks[4].status == ZX_ERR_CANCELED && order[3] == 'z');
}

static void files(void) {
  async_loop_t* loop;
  memfs_filesystem_t* memory;
  CLAIM("a loop runs in a thread", async_loop_create(&kAsyncLoopConfigNoAttachToCurrentThread, &loop) == ZX_OK &&
                                       async_loop_start_thread(loop, "files", NULL) == ZX_OK);
  CLAIM("a file system is put into the namespace",
        memfs_install_at(async_loop_get_dispatcher(loop), "/memory", &memory) == ZX_OK);
  int fd = open("/memory/a", O_RDWR | O_CREAT | O_EXCL, 0666);
  char bytes[10] = "";
  CLAIM("a file in it is written and read", fd >= 0 && write(fd, "served", 6) == 6 && lseek(fd, 0, SEEK_SET) == 0 &&
                                                read(fd, bytes, 9) == 6 && strcmp(bytes, "served") == 0);
  struct stat info;
  CLAIM("its size is known", fstat(fd, &info) == 0 && info.st_size == 6);
  close(fd);
  CLAIM("it moves", mkdir("/memory/d", 0777) == 0 && rename("/memory/a", "/memory/d/b") == 0);
  DIR* folder = opendir("/memory/d");
  char names[100] = "";
  for (struct dirent* entry; folder != NULL && (entry = readdir(folder)) != NULL;) strcat(names, entry->d_name);
  if (folder != NULL) closedir(folder);
  CLAIM("it is listed", strcmp(names, ".b") == 0);
  CLAIM("it goes", unlink("/memory/d/b") == 0 && rmdir("/memory/d") == 0 && stat("/memory/d", &info) < 0);
  async_loop_shutdown(loop);  // Before it leaves: who serves it must not be at it.
  CLAIM("it leaves the namespace",
        memfs_uninstall_unsafe(memory, "/memory") == ZX_OK && open("/memory/a", O_RDONLY) < 0);
  async_loop_destroy(loop);

  zx_handle_t root;
  sync_completion_t done = SYNC_COMPLETION_INIT;
  async_loop_create(&kAsyncLoopConfigNoAttachToCurrentThread, &loop);
  async_loop_start_thread(loop, "files", NULL);
  CLAIM("another is made without a name",
        memfs_create_filesystem(async_loop_get_dispatcher(loop), &memory, &root) == ZX_OK);
  memfs_free_filesystem(memory, &done);
  CLAIM("and ends", sync_completion_wait(&done, ZX_SEC(10)) == ZX_OK &&
                        zx_object_wait_one(root, ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL) == ZX_OK);
  async_loop_destroy(loop);
}

int main(void) {
  events();
  files();
  return claims_end();
}
