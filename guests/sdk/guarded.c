// A program whose return addresses or buffers lie on a stack of their own: SafeStack on x86-64, ShadowCallStack on
// arm64, in the initial thread and in others.
#include <pthread.h>
#include <string.h>

#include "guests/sdk/claims.h"

__attribute__((noinline)) static int fill(char* buffer, int depth) {
  char local[200];
  memset(local, depth, sizeof local);
  memcpy(buffer, local, 4);
  return depth == 0 ? 0 : buffer[0] - depth + fill(local, depth - 1) + 1;
}

static void* run(void* argument) {
  char buffer[64];
  return (void*)(long)(fill(buffer, 50) + (argument != NULL));
}

int main(void) {
  char buffer[64];
  CLAIM("calls nest in the initial thread", fill(buffer, 100) == 100);
  pthread_t thread;
  void* result = NULL;
  CLAIM("and in another",
        pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, &result) == 0 && result == (void*)50l);
  return claims_end();
}
