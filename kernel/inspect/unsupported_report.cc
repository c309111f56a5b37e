#include "kernel/inspect/unsupported_report.h"

#include <fmt/format.h>

#include <iterator>

#include "kernel/abi/format.h"
#include "kernel/inspect/call_text.h"
#include "kernel/inspect/guest_code.h"
#include "kernel/inspect/process_view.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

std::string unsupported_use_text(Thread& thread, const UnsupportedUse& use, GuestCode& code) {
  ProcessView view(thread.process());
  std::string site = call_site_text(code, thread);
  return fmt::format("{}{}{} is not supported: {} gets {}{}", use.call, call_arguments(view, {}, use.trap),
                     use.option.empty() ? "" : fmt::format(" with {}", use.option), describe(thread),
                     abi::format_status(use.status), site.empty() ? "" : fmt::format("; called from {}", site));
}

std::string unsupported_summary(const UnsupportedLedger& ledger) {
  std::string text;
  for (const auto& [key, use] : ledger.uses())
    fmt::format_to(std::back_inserter(text), "  {}{}: {} time{}, gave {}\n", use.call,
                   use.option.empty() ? "" : fmt::format(" with {}", use.option), use.count, use.count == 1 ? "" : "s",
                   abi::format_status(use.status));
  return text;
}

}  // namespace jacinth::kernel
