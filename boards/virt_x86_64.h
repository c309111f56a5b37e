// The generic x86-64 board.
#pragma once

#include "boards/board.h"

namespace jacinth::boards {

extern const Board kVirtX86_64;

}  // namespace jacinth::boards
