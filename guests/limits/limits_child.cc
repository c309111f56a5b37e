// Sleeps until it is killed.
#include "guests/lib/guest.h"

int main() { return zx_nanosleep(ZX_TIME_INFINITE) == ZX_OK ? 0 : 1; }
