// The words of Fuchsia traces, as the format's description has them. tests/support/fxt.py reads whole traces.
#include "tools/jacinth/views/fxt_writer.h"

#include <cstring>

#include "tests/support/test.h"

namespace jacinth::cli {
namespace {

std::vector<uint64_t> words(const std::string& bytes) {
  REQUIRE(bytes.size() % 8 == 0);
  std::vector<uint64_t> words(bytes.size() / 8);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

using Words = std::vector<uint64_t>;

}  // namespace

TEST_CASE("fxt: A trace begins with the magic number, its provider and the length of a tick") {
  std::string out;
  FxtWriter(out).begin("jacinth");
  Words seen = words(out);
  REQUIRE(seen.size() == 6);
  REQUIRE(out.substr(0, 8) == std::string("\x10\x00\x04\x46\x78\x54\x16\x00", 8));
  REQUIRE(seen[1] == (0 | 2 << 4 | 1 << 16 | 1 << 20 | uint64_t{7} << 52));
  REQUIRE(out.substr(16, 8) == std::string("jacinth\0", 8));
  REQUIRE(seen[3] == (0 | 1 << 4 | 2 << 16 | 1 << 20));
  REQUIRE(seen[4] == (1 | 2 << 4));
  REQUIRE(seen[5] == 1'000'000'000);
}

TEST_CASE("fxt: Strings and threads are told once and then named by number") {
  std::string out;
  FxtWriter writer(out);
  writer.event(FxtWriter::EventType::kDurationBegin, Time{7}, {10, 11}, "syscall", "zx_port_wait");
  size_t first = out.size();
  writer.event(FxtWriter::EventType::kDurationEnd, Time{9}, {10, 11}, "syscall", "zx_port_wait");
  REQUIRE(words(out.substr(first)) == Words{4 | 2 << 4 | 3 << 16 | 1 << 24 | uint64_t{1} << 32 | uint64_t{2} << 48, 9});
}

TEST_CASE("fxt: A flow ends with its number, a counter with its own behind its values") {
  std::string out;
  FxtWriter writer(out);
  writer.event(FxtWriter::EventType::kFlowBegin, Time{7}, {10, 11}, "wake", "wake");
  out.clear();
  writer.event(FxtWriter::EventType::kFlowBegin, Time{8}, {10, 11}, "wake", "wake", {}, 5);
  REQUIRE(words(out) == Words{4 | 3 << 4 | 8 << 16 | 1 << 24 | uint64_t{1} << 32 | uint64_t{1} << 48, 8, 5});
}

TEST_CASE("fxt: A context switch says who leaves, how, and who comes") {
  std::string out;
  FxtWriter writer(out);
  writer.context_switch(Time{1}, 0, 0, FxtWriter::ThreadState::kNew, 0, 0, 0);
  out.clear();
  writer.context_switch(Time{20}, 1, 30, FxtWriter::ThreadState::kBlocked, 0, 31, FxtWriter::kIdle);
  Words seen = words(out);
  REQUIRE(seen.size() == 6);
  REQUIRE(seen[0] == (8 | 6 << 4 | 2 << 16 | 1 << 20 | uint64_t{3} << 36 | uint64_t{1} << 60));
  REQUIRE((seen[1] == 20 && seen[2] == 30 && seen[3] == 31));
  REQUIRE(seen[4] == (1 | 1 << 4 | 1 << 16));
  REQUIRE(seen[5] == (1 | 1 << 4 | 2 << 16 | uint64_t{0x8000'0000} << 32));
}

TEST_CASE("fxt: More threads and strings than there are numbers for are written all the same") {
  std::string out;
  FxtWriter writer(out);
  for (uint64_t i = 0; i < 300; ++i)
    writer.event(FxtWriter::EventType::kDurationBegin, Time{1}, {10, 100 + i}, "syscall", "zx_port_wait");
  out.clear();
  writer.event(FxtWriter::EventType::kDurationEnd, Time{2}, {10, 399}, "syscall", "zx_port_wait");
  REQUIRE(words(out) == Words{4 | 4 << 4 | 3 << 16 | uint64_t{1} << 32 | uint64_t{2} << 48, 2, 10, 399});
  for (int i = 0; i < 33'000; ++i)
    writer.event(FxtWriter::EventType::kInstant, Time{3}, {10, 11}, "syscall", std::to_string(i));
}

}  // namespace jacinth::cli
