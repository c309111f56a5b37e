// The smallest program: one line, arguments and environment, an exit code.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  printf("hello from %s\n", argv[0] != NULL ? "argv" : "nowhere");
  for (int i = 1; i < argc; ++i) printf("argument %d: %s\n", i, argv[i]);
  const char* value = getenv("GREETING");
  if (value != NULL) printf("GREETING=%s\n", value);
  fprintf(stderr, "to standard error\n");
  fputs("\xc3\xa4\xe2\x82\xac\x01\xff\n", stdout);
  return argc > 1 ? 40 + argc : 0;
}
