// Two threads that take turns by a mutex and a condition, `rounds` each.
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long rounds, turn;

static void* play(void* argument) {
  long me = (long)argument;
  for (long round = 0; round < rounds; ++round) {
    pthread_mutex_lock(&mutex);
    while (turn % 2 != me) pthread_cond_wait(&condition, &mutex);
    ++turn;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

int main(int argc, char** argv) {
  rounds = argc > 1 ? atol(argv[1]) : 1;
  pthread_t other;
  if (pthread_create(&other, NULL, play, (void*)1l) != 0) return 1;
  play((void*)0l);
  pthread_join(other, NULL);
  return turn != 2 * rounds;
}
