/* zx_system_get_features. */
#pragma once

#include <zircon/generated/features.h>
