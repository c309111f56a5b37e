#pragma once

#include "boards/board.h"

namespace jacinth::boards {

extern const Board kVirtArm64;

}  // namespace jacinth::boards
