// What jobs.cc starts: sleeps for good, or returns its argument.
#include "guests/lib/guest.h"

int main(int argc, char** argv) {
  if (argc > 1) return argv[1][0] - '0';
  zx_nanosleep(ZX_TIME_INFINITE);
  return 0;
}
