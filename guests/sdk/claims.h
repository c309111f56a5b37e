// Claims of a program that is built against an SDK, as TAP on standard output; and how many held.
#pragma once

#include <stdio.h>

static int claims_made;
static int claims_failed;

#define CLAIM(text, holds) claim(text, holds)
static inline void claim(const char* text, int holds) {
  printf("%sok %d - %s\n", holds ? "" : "not ", ++claims_made, text);
  if (!holds) ++claims_failed;
}

static inline int claims_end(void) {
  printf("1..%d\n", claims_made);
  return claims_failed != 0;
}
