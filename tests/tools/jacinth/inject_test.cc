// --inject: what it takes, what it means, and what it says of the rest.
#include "tools/jacinth/inject.h"

#include <algorithm>

#include "kernel/abi/syscall_info.h"
#include "tests/support/test.h"

namespace jacinth::cli {
namespace {

using kernel::Injection;

Injection one(std::string_view text) {
  auto injections = parse_injection(text);
  INFO((injections ? std::string() : injections.error()));
  REQUIRE(injections);
  REQUIRE(injections->size() == 1);
  return injections->front();
}

std::vector<std::string> names(std::string_view text) {
  auto injections = parse_injection(text);
  INFO((injections ? std::string() : injections.error()));
  REQUIRE(injections);
  std::vector<std::string> list;
  for (const Injection& injection : *injections)
    list.emplace_back(abi::syscall_by_number(static_cast<uint32_t>(injection.number))->name);
  return list;
}

bool has(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

std::string complaint(std::string_view text) {
  auto injections = parse_injection(text);
  INFO(text);
  REQUIRE_FALSE(injections);
  REQUIRE(injections.error().find('\n') == std::string::npos);
  return injections.error();
}

bool says(std::string_view text, std::string_view part) {
  std::string said = complaint(text);
  INFO(said);
  REQUIRE(said.find(part) != std::string::npos);
  return true;
}

TEST_CASE("an injection is a call, a result, and when") {
  Injection all = one("zx_vmo_create:error=ZX_ERR_NO_MEMORY");
  REQUIRE(all.number == static_cast<uint64_t>(abi::syscall_by_name("zx_vmo_create")->number));
  REQUIRE(all.result == -4);
  REQUIRE(all.first == 1);
  REQUIRE(all.last == Injection::kForever);
  REQUIRE(all.step == 1);
  REQUIRE(one("vmo_create:error=-4") == all);
  REQUIRE(one("vmo_create:error=no_memory") == all);
  REQUIRE(one("vmo_create:retval=0xfffffffffffffffc:when=1+") == all);
  REQUIRE(one("vmo_create:when=1+1:retval=-4") == all);
}

TEST_CASE("when is as strace has it") {
  auto when = [](std::string_view text) {
    Injection injection = one("vmo_create:retval=0:when=" + std::string(text));
    return std::vector<uint64_t>{injection.first, injection.last, injection.step};
  };
  constexpr uint64_t kForever = Injection::kForever;
  REQUIRE(when("3") == std::vector<uint64_t>{3, 3, 1});
  REQUIRE(when("3+") == std::vector<uint64_t>{3, kForever, 1});
  REQUIRE(when("3+2") == std::vector<uint64_t>{3, kForever, 2});
  REQUIRE(when("3..9") == std::vector<uint64_t>{3, 9, 1});
  REQUIRE(when("3..9+4") == std::vector<uint64_t>{3, 9, 4});
  for (const char* text : {"", "0", "x", "3+x", "3+0", "3..", "9..3", "..3", "+", "3-4", "-1", "3..4..5"})
    REQUIRE(says("vmo_create:retval=0:when=" + std::string(text), "FIRST[..LAST][+[STEP]]"));
}

TEST_CASE("calls are chosen as traces choose them, but for those that cannot be injected") {
  REQUIRE(names("port_*,!zx_port_wait:error=ZX_ERR_BAD_HANDLE").size() > 2);
  REQUIRE_FALSE(has(names("port_*,!zx_port_wait:error=ZX_ERR_BAD_HANDLE"), "zx_port_wait"));
  REQUIRE(has(names("process:error=-1"), "zx_process_create"));
  // They come along in a family without a word.
  REQUIRE_FALSE(has(names("process:error=-1"), "zx_process_exit"));
  REQUIRE_FALSE(has(names("clock:error=-1"), "zx_clock_get_monotonic_via_kernel"));
  REQUIRE(has(names("clock:retval=1"), "zx_clock_get_monotonic_via_kernel"));
  // A function of the vDSO stands for the call that it begins with.
  REQUIRE(names("zx_channel_call:error=-1") == std::vector<std::string>{"zx_channel_call_noretry"});
  REQUIRE(names("ticks_get:retval=7") == std::vector<std::string>{"zx_ticks_get_via_kernel"});
}

TEST_CASE("what cannot be injected is refused by name, with the reason") {
  REQUIRE(says("zx_ticks_per_second:retval=1", "zx_ticks_per_second never reaches the kernel"));
  REQUIRE(says("vmo_create,zx_status_get_string:retval=1", "zx_status_get_string never reaches the kernel"));
  REQUIRE(says("process_exit:retval=1", "zx_process_exit does not return"));
  REQUIRE(says("zx_ticks_get_via_kernel:error=-1", "returns no status: use retval="));
  REQUIRE(says("zx_channel_call_finish:error=-1", "began before a suspension"));
}

TEST_CASE("what is wrong with an injection is said in a line, with what was meant") {
  REQUIRE(says("zx_vmo_crate:error=-1", "did you mean zx_vmo_create?"));
  REQUIRE(says("vmo_create:error=ZX_ERR_NOMEMORY", "did you mean ZX_ERR_NO_MEMORY?"));
  REQUIRE(says("vmo_create:error=4", "-4 is ZX_ERR_NO_MEMORY"));
  REQUIRE(says("vmo_create:error=0", "retval="));
  REQUIRE(says("vmo_create:eror=-4", "did you mean error=?"));
  REQUIRE(says("vmo_create:retval=few", "retval=few is no number"));
  REQUIRE(says("vmo_create", "says no result"));
  REQUIRE(says("vmo_create:when=3", "says no result"));
  REQUIRE(says("vmo_create:error=-1:retval=3", "one result only"));
  REQUIRE(says("vmo_create:error=-1:when=1:when=2", "one when= only"));
  REQUIRE(says("vmo_create:error=-1:delay_enter=5", "strace's alone"));
  REQUIRE(says("", "CALLS:error=STATUS"));
  REQUIRE(says(":error=-1", "CALLS:error=STATUS"));
}

TEST_CASE("where two injections are for one call, the later one counts") {
  std::vector<std::string> texts = {"vmo_*:error=-1", "vmo_create:error=-2:when=2", "port_wait:error=-3"};
  auto all = parse_injections(texts);
  REQUIRE(all);
  auto number = static_cast<uint64_t>(abi::syscall_by_name("zx_vmo_create")->number);
  REQUIRE(std::ranges::count(*all, number, &Injection::number) == 1);
  auto found = std::ranges::find(*all, number, &Injection::number);
  REQUIRE(found->result == -2);
  REQUIRE(found->first == 2);
  REQUIRE(has(names("port_wait:error=-3"), "zx_port_wait"));
}

TEST_CASE("an injection's text means the same when it is read again") {
  for (const char* text : {"zx_vmo_create:error=ZX_ERR_NO_MEMORY", "zx_vmo_create:retval=0:when=3",
                           "zx_vmo_create:retval=7:when=3+", "zx_vmo_create:error=ZX_ERR_NO_MEMORY:when=3+2",
                           "zx_vmo_create:retval=0:when=3..9", "zx_vmo_create:error=-12345:when=3..9+4",
                           "zx_ticks_get_via_kernel:retval=-5", "zx_vmo_create:retval=-1234567890123"}) {
    REQUIRE(injection_text(one(text)) == text);
  }
}

}  // namespace
}  // namespace jacinth::cli
