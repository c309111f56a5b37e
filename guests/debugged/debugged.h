/* What the two programs that are debugged say to each other: numbers, one way and back. */
#pragma once

#include "guests/lib/zircon.h"

/* PA_USER0 of the child's startup handles is its end of the channel. */
enum { kNumbers = 5 };
