// Unit test results as TAP 12: one line per test case, written when it ends, so that a run that dies half-way has
// still said what passed and which test it was in. What failed follows its line as comments.
//
// Not modelled: TAP's YAML blocks (nothing of ours reads them).
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <catch2/catch.hpp>
#include <string>

namespace jacinth {
namespace {

constexpr double kSlowSeconds = 1.0;

/// Indents every line of `text` as a TAP comment.
std::string as_comment(std::string_view text) {
  std::string result = "#   ";
  for (char c : text) {
    result += c;
    if (c == '\n') result += "#   ";
  }
  return result;
}

class TapReporter final : public Catch::StreamingReporterBase<TapReporter> {
 public:
  explicit TapReporter(const Catch::ReporterConfig& config) : StreamingReporterBase(config) {}

  static std::string getDescription() { return "TAP, one line per test case"; }

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    StreamingReporterBase::testCaseStarting(info);
    fmt::print(stream, "# {}\n", info.name);
    stream.flush();
    failures_.clear();
    timer_.start();
  }

  void assertionStarting(const Catch::AssertionInfo&) override {}

  bool assertionEnded(const Catch::AssertionStats& stats) override {
    const Catch::AssertionResult& result = stats.assertionResult;
    if (result.isOk()) return true;

    failures_ += fmt::format("{}:{}: ", result.getSourceInfo().file, result.getSourceInfo().line);
    failures_ += result.hasExpression() ? result.getExpressionInMacro() : "failed";
    if (result.hasExpandedExpression()) failures_ += fmt::format("\n  is {}", result.getExpandedExpression());
    if (result.hasMessage()) failures_ += fmt::format("\n  {}", result.getMessage());
    for (const Catch::MessageInfo& info : stats.infoMessages) {
      if (info.type == Catch::ResultWas::Info) failures_ += fmt::format("\n  with {}", info.message);
    }
    for (const Catch::SectionInfo& section : sections_) failures_ += fmt::format("\n  in {}", section.name);
    failures_ += '\n';
    return true;
  }

  void sectionStarting(const Catch::SectionInfo& info) override {
    StreamingReporterBase::sectionStarting(info);
    // The outermost section is the test case itself.
    if (depth_++ > 0) sections_.push_back(info);
  }

  void sectionEnded(const Catch::SectionStats& stats) override {
    if (--depth_ > 0) sections_.pop_back();
    StreamingReporterBase::sectionEnded(stats);
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    std::string name = stats.testInfo.name;
    std::replace(name.begin(), name.end(), '#', '+');  // '#' would start a directive.
    bool failed = stats.totals.assertions.failed > 0 && !stats.testInfo.okToFail();
    fmt::print(stream, "{} {} - {}\n", failed ? "not ok" : "ok", ++count_, name);
    if (failed) fmt::print(stream, "{}\n", as_comment(failures_));
    if (double seconds = timer_.getElapsedSeconds(); seconds > kSlowSeconds)
      fmt::print(stream, "#   took {:.1f} s\n", seconds);
    stream.flush();
    StreamingReporterBase::testCaseEnded(stats);
  }

  void testRunEnded(const Catch::TestRunStats& stats) override {
    fmt::print(stream, "1..{}\n", count_);
    stream.flush();
    StreamingReporterBase::testRunEnded(stats);
  }

 private:
  int count_ = 0;
  int depth_ = 0;
  std::vector<Catch::SectionInfo> sections_;
  std::string failures_;
  Catch::Timer timer_;
};

CATCH_REGISTER_REPORTER("cases", TapReporter)

}  // namespace
}  // namespace jacinth
