// Maps addresses where no board has anything, says so, and touches them: `nowhere load` or `nowhere store`.
#include <zircon/syscalls/resource.h>

#include "guests/lib/guest.h"

using namespace guest;

int main(int argc, char** argv) {
  require(argc == 2);
  Handle resource(zx_take_startup_handle(PA_HND(PA_MMIO_RESOURCE, 0))), physical;
  require_ok(zx_vmo_create_physical(resource, 0x9000'0000, 4096, physical.out()));
  Mapping mapping(physical, 4096);
  print("mapped\n");
  volatile uint32_t* words = mapping.as<uint32_t>();
  if (argv[1][0] == 'l') {
    print("read %u\n", words[4]);
  } else {
    words[4] = 1;
  }
  return 1;
}
