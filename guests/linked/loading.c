// A program that loads a library while it runs, calls it, and is called back by it: for debuggers.
#include "guests/lib/print.h"
#include "guests/lib/process.h"
#include "guests/linked/load.h"

typedef int Each(int value);

__attribute__((noinline)) int times_three(int value) {
  __asm__ volatile("");
  return 3 * value;
}

int main(void) {
  static struct LinkMap library = {.name = "libpart.so"};
  uint64_t address = 0;
  need("find the list", zx_object_get_property(zx_process_self(), ZX_PROP_PROCESS_DEBUG_ADDR, &address, 8));
  struct Linked* linked = (struct Linked*)address;
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  need("load a library", load_object(linked->loader, library.name, &vmo));
  int (*part_sum)(int count, Each* each) = (int (*)(int, Each*))map_file(vmo, &library);
  append(linked, &library);
  tell_debugger();
  int sum = part_sum(4, times_three);
  print("the library made %d\n", sum);
  return sum;
}
