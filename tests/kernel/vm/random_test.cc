// Long random sequences of memory operations, beside a naive model (vm_model.h): VMOs and children of all kinds, pins,
// loans, pagers, what the kernel takes back, mappings, want of memory, saving and loading. After each step: all
// contents, who is charged for how many pages, how many frames are in use, what is dirty, and what the page tables
// hold. A sequence that fails is cut down to the steps that matter before it is shown.
//
// JACINTH_TEST_SEED=<number> runs one sequence, each attempt at cutting it down in a process of its own, so that a
// failed CHECK counts as a failure like any other; JACINTH_TEST_VM_STEPS=<number> runs so many steps.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/kernel/vm/vm_pair.h"
#include "tests/support/last_words.h"
#include "tests/support/shrink.h"
#include "tests/support/test.h"

namespace jacinth::kernel::model {
namespace {

constexpr size_t kStepsPerSequence = 500;
constexpr size_t kSteps = 250'000;

struct Failure {
  size_t step = 0;
  std::string what;
};

std::optional<Failure> run(uint64_t seed, const std::vector<Step>& steps) {
  test::LastWords words(fmt::format("random memory operations: JACINTH_TEST_SEED={} did it", seed));
  Pair pair(seed % 4 != 0);
  for (size_t i = 0; i < steps.size(); ++i) {
    try {
      pair.run(steps[i]);
    } catch (const Difference& difference) {
      return Failure{i, difference.what};
    }
  }
  return std::nullopt;
}

/// The step at which it fails, found out by a child, which may die of it.
std::optional<size_t> failing_step(uint64_t seed, const std::vector<Step>& steps) {
  if (std::getenv("JACINTH_TEST_SEED") == nullptr) {
    std::optional<Failure> failure = run(seed, steps);
    return failure ? std::optional(failure->step) : std::nullopt;
  }
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // What it prints has been seen once.
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
    _exit(run(seed, steps) ? 1 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::nullopt : std::optional(steps.size() - 1);
}

void try_seed(uint64_t seed) {
  std::vector<Step> steps = random_steps(seed, kStepsPerSequence);
  std::optional<size_t> failed = failing_step(seed, steps);
  if (!failed) return;
  steps.resize(*failed + 1);
  steps = test::shrink(std::move(steps), [&](const std::vector<Step>& fewer) { return failing_step(seed, fewer); });
  std::string text;
  for (const Step& step : steps) text += "  " + step.text() + "\n";
  fmt::print(stderr, "seed {}:\n{}", seed, text);
  std::optional<Failure> failure = run(seed, steps);
  FAIL(fmt::format("seed {}: {}\n{}", seed, failure ? failure->what : "only once", text));
}

TEST_CASE("Random sequences of memory operations do what the naive model does") {
  const char* more = std::getenv("JACINTH_TEST_VM_STEPS");
  size_t wanted = more != nullptr ? std::strtoull(more, nullptr, 10) : kSteps;
  for (uint64_t seed : test::seeds(wanted / kStepsPerSequence)) try_seed(seed);
}

TEST_CASE("A failing sequence is cut down to the steps and operands that matter") {
  // Fails when a 7 comes some time after a step whose first operand is 5 or more.
  auto fails = [](const std::vector<Step>& steps) -> std::optional<size_t> {
    bool armed = false;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (armed && steps[i].operands[1] == 7) return i;
      armed = armed || steps[i].operands[0] >= 5;
    }
    return std::nullopt;
  };
  std::vector<Step> steps = random_steps(1, 5000);
  REQUIRE(fails(steps));
  steps = test::shrink(std::move(steps), fails);
  REQUIRE(steps.size() == 2);
  REQUIRE(steps[0].operands[0] >= 5);
  REQUIRE(steps[0].operands[1] == 0);
  REQUIRE(steps[1].operands[0] == 0);
  REQUIRE(steps[1].operands[1] == 7);
}

}  // namespace
}  // namespace jacinth::kernel::model
