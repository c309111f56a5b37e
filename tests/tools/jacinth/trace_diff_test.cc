// Where two traces part: which thread's difference is the first, and what is shown of it.
#include "tools/jacinth/trace_diff.h"

#include "tests/support/test.h"

namespace jacinth::cli {
namespace {

TraceSequence sequence(std::string who, std::initializer_list<std::pair<int64_t, const char*>> events) {
  TraceSequence sequence{.who = std::move(who), .events = {}};
  for (const auto& [time, text] : events) sequence.events.push_back({Time{time}, text});
  return sequence;
}

}  // namespace

TEST_CASE("trace diff: Runs that differ only in when things happen are the same") {
  TraceSequences a{sequence("one", {{1, "x"}, {2, "y"}}), sequence("two", {{3, "z"}})};
  TraceSequences b{sequence("two", {{1, "z"}}), sequence("one", {{5, "x"}, {9, "y"}})};
  TraceDifference difference = compare_traces(a, b, 3);
  REQUIRE(difference.text.empty());
  REQUIRE(difference.events == 3);
  REQUIRE(difference.differing == 0);
}

TEST_CASE("trace diff: Of several threads that differ, the first to do so is shown") {
  TraceSequences a{sequence("one", {{1, "x"}, {50, "late"}}), sequence("two", {{3, "z"}, {20, "early"}})};
  TraceSequences b{sequence("one", {{1, "x"}, {50, "other"}}), sequence("two", {{3, "z"}, {20, "another"}})};
  TraceDifference difference = compare_traces(a, b, 3);
  REQUIRE(difference.differing == 2);
  REQUIRE(difference.text ==
          "two: 1 event is the same, then\n"
          "  0.000000003 z\n"
          "- 0.000000020 early\n"
          "+ 0.000000020 another\n");
}

TEST_CASE("trace diff: An event more is one line, and what follows is the same again") {
  TraceSequences a{sequence("one", {{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}, {5, "e"}, {6, "f"}})};
  TraceSequences b{sequence("one", {{1, "a"}, {2, "b"}, {3, "new"}, {4, "c"}, {5, "d"}, {6, "e"}, {7, "f"}})};
  REQUIRE(compare_traces(a, b, 1).text ==
          "one: 2 events are the same, then\n"
          "  0.000000002 b\n"
          "+ 0.000000003 new\n"
          "  0.000000003 c\n");
  REQUIRE(compare_traces(b, a, 1).text ==
          "one: 2 events are the same, then\n"
          "  0.000000002 b\n"
          "- 0.000000003 new\n"
          "  0.000000004 c\n");
}

TEST_CASE("trace diff: What only one run has is said") {
  TraceSequences a{sequence("one", {{1, "a"}})};
  TraceSequences b{sequence("one", {{1, "a"}}), sequence("two", {{7, "b"}})};
  REQUIRE(compare_traces(a, b, 3).text == "two: only in the second\n+ 0.000000007 b\n");
  REQUIRE(compare_traces(b, a, 3).text == "two: only in the first\n- 0.000000007 b\n");
}

TEST_CASE("trace diff: A run that ends early shows what is missing") {
  TraceSequences a{sequence("one", {{1, "a"}, {2, "b"}})};
  TraceSequences b{sequence("one", {{1, "a"}})};
  REQUIRE(compare_traces(a, b, 3).text ==
          "one: 1 event is the same, then\n"
          "  0.000000001 a\n"
          "- 0.000000002 b\n");
}

}  // namespace jacinth::cli
