// The second child: counts the cells of each row that belong to the set, and raises the event at the hundredth.
#include "guests/demo/studio.h"

using namespace guest;
using namespace studio;

int main() {
  Handle channel(zx_take_startup_handle(kChannel)), vmo(zx_take_startup_handle(kCanvas));
  Handle event(zx_take_startup_handle(kEvent));
  Mapping canvas(vmo, sizeof(Canvas), ZX_VM_PERM_READ);

  int64_t total = 0;
  for (Note note; receive(channel, &note);) {
    const char* cells = canvas.as<Canvas>()->row[note.row];
    note.cells = 0;
    for (int column = 0; column < kColumns; ++column) note.cells += cells[column] == kInside;
    const int64_t before = total;
    total += note.cells;
    note.total = total;
    if (before < kMany && total >= kMany) expect_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    send(channel, note);
  }
  return static_cast<int>(total);  // The parent hung up.
}
