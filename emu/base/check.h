// CHECK: what we promise ourselves. A failed CHECK is a mistake of Jacinth's, never of a guest's: it stops the
// process in release builds too, after the crash reporters had their say (the trace so far, how to replay it).
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace jacinth {

/// Prints the failed condition and where it stands, runs the reporters, and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view message);

/// Called once with the message when a CHECK fails, before the process aborts. It may write files; it must not CHECK.
using CrashReporter = void (*)(void* context, std::string_view message);
void set_crash_reporter(CrashReporter reporter, void* context);

}  // namespace jacinth

/// CHECK(condition) or CHECK(condition, "format {}", args...).
#define CHECK(condition, ...)                                                                 \
  do {                                                                                        \
    if (!(condition)) [[unlikely]]                                                            \
      ::jacinth::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
  } while (false)
