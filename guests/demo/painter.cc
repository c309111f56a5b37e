// The first child: draws the Mandelbrot set into the shared canvas, a row at a time, and says so.
#include "guests/demo/studio.h"

using namespace guest;
using namespace studio;

namespace {

/// Numbers with 24 bits behind the point: the same on every processor.
constexpr int kPoint = 24;
using Fixed = int64_t;
constexpr Fixed fixed(int numerator, int denominator) { return (Fixed{numerator} << kPoint) / denominator; }
constexpr Fixed times(Fixed a, Fixed b) { return a * b >> kPoint; }

constexpr char kShades[] = " .:-=+*#%";

/// How long the orbit of (x, y) stays near, as a shade.
char shade(Fixed x, Fixed y) {
  Fixed re = 0, im = 0;
  int steps = 0;
  constexpr int kSteps = 60;
  for (; steps < kSteps && times(re, re) + times(im, im) < fixed(4, 1); ++steps) {
    const Fixed next = times(re, re) - times(im, im) + x;
    im = 2 * times(re, im) + y;
    re = next;
  }
  if (steps == kSteps) return kInside;
  return kShades[steps < 8 ? steps / 2 : steps < 16 ? 4 + (steps - 8) / 4 : 6 + (steps - 16) / 15];
}

}  // namespace

int main() {
  Handle channel(zx_take_startup_handle(kChannel)), vmo(zx_take_startup_handle(kCanvas));
  Mapping canvas(vmo, sizeof(Canvas));

  Note order;
  if (!receive(channel, &order)) return 1;
  for (int row = 0; row < kRows; ++row) {
    zx_nanosleep(order.start + order.interval * (row + 1));
    char* cells = canvas.as<Canvas>()->row[row];
    for (int column = 0; column < kColumns; ++column) {
      cells[column] =
          shade(fixed(-21, 10) + fixed(30, 10) / kColumns * column, fixed(-11, 10) + fixed(22, 10) / (kRows - 1) * row);
    }
    send(channel, {.row = row});
  }
  receive(channel, &order);  // Until the parent hangs up: it has seen enough.
  return kRows;
}
