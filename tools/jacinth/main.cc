// The program `jacinth`. So far it knows its own version and no command.
#include <fmt/format.h>

int main() {
  fmt::print(stderr, "jacinth: no command yet\n");
  return 2;
}
