#include "emu/base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace jacinth {
namespace {

CrashReporter g_reporter = nullptr;
void* g_context = nullptr;

}  // namespace

void set_crash_reporter(CrashReporter reporter, void* context) {
  g_reporter = reporter;
  g_context = context;
}

void check_failed(const char* file, int line, const char* condition, std::string_view message) {
  std::string text = fmt::format("jacinth: internal error at {}:{}: {}{}{}", file, line, condition,
                                 message.empty() ? "" : ": ", message);
  std::fprintf(stderr, "%s\n", text.c_str());
  // A reporter that fails a CHECK itself must not come back here for ever.
  CrashReporter reporter = std::exchange(g_reporter, nullptr);
  if (reporter != nullptr) reporter(g_context, text);
  std::abort();
}

}  // namespace jacinth
