/* The smallest program that says something. */
#include "guests/lib/print.h"

int main(void) {
  print("Hello from a Zircon process.\n");
  return 0;
}
