// Waits for standard input before it reads it, first with poll(), then with select(), and says how much came each time.
#include <poll.h>
#include <stdio.h>
#include <sys/select.h>
#include <unistd.h>

static int polled(int timeout) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  return poll(&input, 1, timeout) == 1 && (input.revents & POLLIN) != 0;
}

static int selected(void) {
  fd_set inputs;
  FD_ZERO(&inputs);
  FD_SET(0, &inputs);
  return select(1, &inputs, NULL, NULL, NULL) == 1 && FD_ISSET(0, &inputs);
}

int main(void) {
  char bytes[8];
  if (!polled(-1)) return 1;
  ssize_t got = read(0, bytes, 3);
  printf("waited %zd", got);
  while (got > 0) {
    if (!selected()) return 2;
    got = read(0, bytes, sizeof bytes);
    if (got > 0) printf(" %zd", got);
  }
  // The end can be read for ever.
  if (got != 0 || !polled(10) || !selected()) return 3;
  printf(" end\n");
  return 0;
}
