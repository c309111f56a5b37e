// Threads of both kinds, what they share and what each has of its own.
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>

#include "guests/sdk/claims.h"

enum { kThreads = 8, kRounds = 2000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int counter;
static __thread int own = 5;
static thread_local char own_text[100];

static void* count(void* argument) {
  for (int i = 0; i < kRounds; ++i) {
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
    own += 1;
  }
  snprintf(own_text, sizeof own_text, "thread %d", (int)(long)argument);
  return (void*)(long)(own + own_text[7] - '0');
}

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int ball;
static void* play(void* argument) {
  int me = (int)(long)argument;
  for (int i = 0; i < 500; ++i) {
    pthread_mutex_lock(&mutex);
    while (ball % 2 != me) pthread_cond_wait(&condition, &mutex);
    ++ball;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static once_flag flag = ONCE_FLAG_INIT;
static atomic_int onces;
static void once_body(void) { ++onces; }
static tss_t key;
static atomic_int destroyed;
static void destroy(void* value) { destroyed += (int)(long)value; }
static int c11(void* argument) {
  call_once(&flag, once_body);
  tss_set(key, (void*)1l);
  (void)argument;
  return 7;
}

static sem_t semaphore;
static void* post(void* argument) {
  thrd_sleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  sem_post(&semaphore);
  return argument;
}

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static void* meet(void* argument) {
  pthread_rwlock_rdlock(&lock);
  pthread_rwlock_unlock(&lock);
  pthread_barrier_wait(&barrier);
  return argument;
}

static void* deep(void* argument) {
  volatile char room[200000];
  memset((void*)room, 1, sizeof room);
  return (void*)(long)(room[100] + (argument != NULL));
}

int main(void) {
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, count, (void*)i);
  int right = 1;
  for (long i = 0; i < kThreads; ++i) {
    void* result;
    pthread_join(threads[i], &result);
    right &= (long)result == 5 + kRounds + i;
  }
  CLAIM("a mutex keeps threads apart", counter == kThreads * kRounds);
  CLAIM("each thread has its own variables", right && own == 5);

  pthread_create(&threads[0], NULL, play, (void*)0l);
  pthread_create(&threads[1], NULL, play, (void*)1l);
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  CLAIM("two threads take turns by a condition", ball == 1000);

  thrd_t c11_threads[4];
  tss_create(&key, destroy);
  int result = 0;
  right = 1;
  for (int i = 0; i < 4; ++i) right &= thrd_create(&c11_threads[i], c11, NULL) == thrd_success;
  for (int i = 0; i < 4; ++i) right &= thrd_join(c11_threads[i], &result) == thrd_success && result == 7;
  CLAIM("threads of C11 run and tell their results", right);
  CLAIM("call_once calls once", onces == 1);
  CLAIM("what a thread leaves behind is destroyed", destroyed == 4);

  sem_init(&semaphore, 0, 0);
  pthread_create(&threads[0], NULL, post, NULL);
  CLAIM("a semaphore wakes who waits", sem_wait(&semaphore) == 0);
  pthread_join(threads[0], NULL);

  pthread_barrier_init(&barrier, NULL, 3);
  pthread_rwlock_wrlock(&lock);
  for (int i = 0; i < 2; ++i) pthread_create(&threads[i], NULL, meet, NULL);
  pthread_rwlock_unlock(&lock);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  CLAIM("a barrier lets all go on", 1);

  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 10000000;
  if (until.tv_nsec >= 1000000000) ++until.tv_sec, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  zx_time_t before = zx_clock_get_monotonic();
  CLAIM("a wait ends when its time is up",
        pthread_cond_timedwait(&condition, &mutex, &until) != 0 && zx_clock_get_monotonic() - before >= 9000000);
  pthread_mutex_unlock(&mutex);

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  void* value;
  CLAIM("a thread gets the stack that it asks for", pthread_create(&threads[0], &attributes, deep, NULL) == 0 &&
                                                        pthread_join(threads[0], &value) == 0 && value == (void*)1l);
  char name[ZX_MAX_NAME_LEN] = "";
  CLAIM("a thread has its handle",
        zx_object_get_property(thrd_get_zx_handle(thrd_current()), ZX_PROP_NAME, name, sizeof name) == ZX_OK &&
            strcmp(name, "initial-thread") == 0);
  CLAIM("the day is one in 2020 or later", time(NULL) > 1577836800);
  zx_time_t utc = 0;
  clock_gettime(CLOCK_REALTIME, &until);
  zx_time_t day = until.tv_sec * 1000000000ll + until.tv_nsec;
  CLAIM("the kernel's UTC is the wall clock's",
        zx_clock_get(ZX_CLOCK_UTC, &utc) == ZX_OK && utc >= day && utc - day < 100000000);
  return claims_end();
}
