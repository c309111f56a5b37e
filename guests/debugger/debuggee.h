// What the debuggee tells of itself before it begins: where the things are that a debugger would know from symbols.
#pragma once

#include <stdint.h>

struct Landmarks {
  uint64_t twice_and_one;  // uint64_t(uint64_t): 2 * n + 1, in three instructions
  uint64_t total;          // uint64_t: the sum so far
  uint64_t spin;           // goes round until its second argument, in a register, is not zero
};
