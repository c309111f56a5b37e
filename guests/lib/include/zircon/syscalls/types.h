/* Structures that calls name in their prototypes, declared before they are defined. */
#pragma once

#include <zircon/types.h>
