#include "tools/jacinth/call_tests.h"

namespace jacinth::cli {

CallCoverage coverage_of(std::string_view call) {
  CallCoverage coverage;
  for (const CallFact& fact : call_facts()) {
    if (fact.call != call) continue;
    bool is_error = fact.kind == CallFact::Kind::kError;
    ++(is_error ? coverage.errors : coverage.options);
    if (!fact.test.empty()) ++(is_error ? coverage.errors_seen : coverage.options_seen);
  }
  return coverage;
}

}  // namespace jacinth::cli
