// What comes in goes out, byte by byte, until it ends.
#include <unistd.h>

int main(void) {
  char bytes[1000];
  for (ssize_t got; (got = read(0, bytes, sizeof bytes)) > 0;)
    if (write(1, bytes, (size_t)got) != got) return 1;
  return 0;
}
