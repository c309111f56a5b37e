// The generic arm64 board.
#pragma once

#include "boards/board.h"

namespace jacinth::boards {

extern const Board kVirtArm64;

}  // namespace jacinth::boards
