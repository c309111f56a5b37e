/* Prints what it was started with, but for its own name, which depends on where it lies. */
#include "guests/lib/print.h"

int main(int argc, char** argv, char** envp) {
  for (int i = 1; i < argc; ++i) print("argument %d: \"%s\"\n", i, argv[i]);
  for (int i = 0; envp[i] != NULL; ++i) print("environment %d: \"%s\"\n", i, envp[i]);
  return 0;
}
