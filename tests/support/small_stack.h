// Runs a piece of a test on a stack of 64 KiB: deep recursion crashes there.
#pragma once

#include <pthread.h>

#include <functional>

#include "tests/support/test.h"

namespace jacinth {

inline void on_small_stack(const std::function<void()>& body) {
  // Catch's assertions need more than that: the body acts, the test looks at what came of it.
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 64 * 1024) == 0);
  pthread_t thread;
  auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&body)) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

}  // namespace jacinth
