/* The page size of both architectures. */
#pragma once

#include <zircon/generated/limits.h>
