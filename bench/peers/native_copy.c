// What messages of 64 KiB cost when each is copied once in and once out: `native_copy SIZE ROUNDS` has SIZE of them
// waiting, and in each round copies one in behind them and the oldest out.
#include <stdlib.h>
#include <string.h>

enum { kMessage = 65536 };

static char in[kMessage], out[kMessage];

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  size_t places = strtoul(argv[1], NULL, 10) + 1;
  char* waiting = malloc(places * kMessage);
  if (waiting == NULL) return 1;
  memset(waiting, 1, places * kMessage);
  memset(in, 1, sizeof in);
  size_t newest = 0;
  for (long rounds = strtol(argv[2], NULL, 10); rounds > 0; --rounds) {
    memcpy(waiting + newest * kMessage, in, kMessage);
    // The compiler must not see that nobody looks.
    __asm__ volatile("" ::"r"(waiting) : "memory");
    newest = (newest + 1) % places;
    memcpy(out, waiting + newest * kMessage, kMessage);
    __asm__ volatile("" ::"r"(out) : "memory");
  }
  free(waiting);
  return 0;
}
