// CHECK stops the process, in every build, and says where.
#include "emu/base/check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "tests/support/test.h"

namespace jacinth {
namespace {

struct Ending {
  int status = 0;
  std::string errors;
};

/// Runs `body` in a child process; how it ended and what it said.
template <class Body>
Ending in_child(Body&& body) {
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // Not the test runner's: it would report this test as failed.
    dup2(pipe_ends[1], STDERR_FILENO);
    close(pipe_ends[0]);
    body();
    _exit(0);
  }
  close(pipe_ends[1]);
  Ending ending;
  char buffer[256];
  for (ssize_t size; (size = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    ending.errors.append(buffer, static_cast<size_t>(size));
  }
  close(pipe_ends[0]);
  REQUIRE(waitpid(child, &ending.status, 0) == child);
  return ending;
}

bool aborted(const Ending& ending) { return WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGABRT; }

TEST_CASE("a CHECK that holds does nothing and is evaluated once") {
  int calls = 0;
  CHECK(++calls == 1, "{}", calls);
  REQUIRE(calls == 1);
}

TEST_CASE("a failed CHECK names the place, the condition and the message, and aborts") {
  Ending ending = in_child([] { CHECK(1 + 1 == 3, "sums are {}", "wrong"); });
  REQUIRE(aborted(ending));
  REQUIRE(ending.errors.find("check_test.cc:") != std::string::npos);
  REQUIRE(ending.errors.find("1 + 1 == 3: sums are wrong\n") != std::string::npos);
}

TEST_CASE("the crash reporter hears of it once, even when it fails a CHECK itself") {
  Ending ending = in_child([] {
    static int calls = 0;
    set_crash_reporter(
        [](void* context, std::string_view message) {
          ++*static_cast<int*>(context);
          fmt::print(stderr, "reporter {}: {}\n", calls, message);
          CHECK(calls == 0);
        },
        &calls);
    CHECK(false);
  });
  REQUIRE(aborted(ending));
  REQUIRE(ending.errors.find("reporter 1: jacinth: internal error at ") != std::string::npos);
  REQUIRE(ending.errors.find("calls == 0") != std::string::npos);
  REQUIRE(ending.errors.find("reporter 2") == std::string::npos);
}

}  // namespace
}  // namespace jacinth
