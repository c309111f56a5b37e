// What a test process says when a CHECK or a sanitizer ends it in the middle of a random sequence: which seed it was.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string_view>

// Of the sanitizers, when there are any.
// NOLINTNEXTLINE(readability-identifier-naming,bugprone-reserved-identifier): the name is theirs.
extern "C" void __sanitizer_set_death_callback(void (*)()) __attribute__((weak));

namespace jacinth::test {

/// For as long as it lives. One at a time.
class LastWords {
 public:
  explicit LastWords(std::string_view words) : before_(std::signal(SIGABRT, [](int) { say(); })) {
    size_t length = words.copy(g_text, sizeof g_text - 2);
    g_text[length] = '\n';
    g_text[length + 1] = '\0';
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(say);
  }
  ~LastWords() {
    g_text[0] = '\0';
    std::signal(SIGABRT, before_);
  }
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

 private:
  static void say() {
    ssize_t ignored = write(STDERR_FILENO, g_text, std::strlen(g_text));
    static_cast<void>(ignored);
  }
  static inline char g_text[160];
  void (*before_)(int);
};

}  // namespace jacinth::test
