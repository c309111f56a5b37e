// The library's own printing: what every other program's account stands on.
#include "guests/lib/guest.h"

namespace {

#define FORMATS(wanted, ...)                                           \
  do {                                                                 \
    char text[128];                                                    \
    const size_t length = format_text(text, sizeof text, __VA_ARGS__); \
    expect_text(text, wanted);                                         \
    expect_eq(length, strlen(wanted));                                 \
  } while (0)

TEST("integers print in decimal, signed and unsigned, at every width") {
  FORMATS("0 -1 2147483647 -2147483648", "%d %i %d %d", 0, -1, INT32_MAX, INT32_MIN);
  FORMATS("4294967295", "%u", UINT32_MAX);
  FORMATS("9223372036854775807 -9223372036854775808", "%ld %lld", INT64_MAX, static_cast<long long>(INT64_MIN));
  FORMATS("18446744073709551615", "%zu", SIZE_MAX);
  FORMATS("-1 255 65535", "%hhd %hhu %hu", 255, 255, 65535);
}

TEST("integers print in hexadecimal") {
  FORMATS("ff FF 0xff 0 deadbeefcafe", "%x %X %#x %#x %lx", 255, 255, 255, 0, 0xdeadbeefcafe);
  FORMATS("0x10", "%p", reinterpret_cast<void*>(16));
}

TEST("fields have widths, fill and sides") {
  FORMATS("[   42] [42   ] [00042] [  -42] [-0042]", "[%5d] [%-5d] [%05d] [%5d] [%05d]", 42, 42, 42, -42, -42);
  FORMATS("[0x00ff] [  0xff]", "[%#06x] [%#6x]", 255, 255);
  FORMATS("[   42] [42   ]", "[%*d] [%*d]", 5, 42, -5, 42);
  FORMATS("+5 -5  5", "%+d %+d % d", 5, -5, 5);
  FORMATS("[  007] [007] []", "[%5.3d] [%.3d] [%.0d]", 7, 7, 0);
}

TEST("strings and characters print whole, cut and padded") {
  FORMATS("text|te|  text|text  |x|%", "%s|%.2s|%6s|%-6s|%c|%%", "text", "text", "text", "text", 'x');
  FORMATS("(null)", "%s", static_cast<const char*>(nullptr));
  FORMATS("ab", "%.*s", 2, "abcdef");
}

TEST("text that does not fit is cut and its whole length told") {
  char small[5];
  expect_eq(format_text(small, sizeof small, "%s", "longer than five"), 16);
  expect_text(small, "long");
}

TEST("lines are written whole, whatever pieces they come in") {
  print("# one ");
  print("line ");
  print("in four ");
  print("pieces\n");
  print("# two\n# lines at once\n");
}

}  // namespace
