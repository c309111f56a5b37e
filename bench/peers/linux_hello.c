// The smallest Linux program that says something.
#include "bench/peers/linux.h"

int run(int argc, char** argv) {
  (void)argc, (void)argv;
  static const char kHello[] = "Hello from a Linux process.\n";
  linux_call(kWrite, 1, (long)kHello, sizeof kHello - 1, 0, 0, 0);
  return 0;
}
