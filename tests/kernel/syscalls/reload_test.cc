// Saving and loading a kernel in the middle of everything.
#include <functional>
#include <vector>

#include "kernel/abi/debuglog.h"
#include "kernel/abi/task.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

/// A story of many steps, none of which holds an object across to the next.
struct Story {
  KernelRig k;
  GuestAddr word = k.user(int32_t{1});
  GuestAddr out = k.room(64);
  Handle child{}, child_thread{}, job{}, token{}, log{}, second{};
  Made* sleeper = nullptr;
  Made* waiter = nullptr;

  Thread& other() { return *k.object<Thread>(second); }

  std::vector<std::function<void()>> steps;

  Story() {
    steps = {
        [this] {
          REQUIRE(k.call("thread_create", k.handle(k.process()), k.user_text("second"), 6, 0, out) == Status::kOk);
          second = k.peek<Handle>(out);
          REQUIRE(k.call("thread_start", second, GuestAddr(0x2000), GuestAddr(0x3000), 1, 2) == Status::kOk);
        },
        [this] { sleeper = &k.start(other(), "nanosleep", Time{5000}); },
        [this] {
          REQUIRE(k.call("job_create", k.handle(k.job()), 0, out) == Status::kOk);
          job = k.peek<Handle>(out);
          REQUIRE(k.call("process_create", job, k.user_text("child"), 5, 0, out, out + 4) == Status::kOk);
          child = k.peek<Handle>(out);
        },
        [this] {
          REQUIRE(k.call("thread_create", child, k.user_text("t"), 1, 0, out) == Status::kOk);
          child_thread = k.peek<Handle>(out);
        },
        [this] {
          REQUIRE(k.call("process_start", child, child_thread, GuestAddr(0x4000), GuestAddr(0x5000), Handle{0}, 7) ==
                  Status::kOk);
        },
        [this] {
          REQUIRE(k.call("task_suspend", child, out) == Status::kOk);
          token = k.peek<Handle>(out);
          k.run();
        },
        [this] { REQUIRE(k.object<Thread>(child_thread)->info_state() == abi::ThreadState::kSuspended); },
        [this] {
          REQUIRE(k.call("debuglog_create", Handle{0}, abi::LogOptions::kReadable, out) == Status::kOk);
          log = k.peek<Handle>(out);
          REQUIRE(k.call("debuglog_write", log, 0, k.user_text("a line"), 6) == Status::kOk);
        },
        [this] { k.close(token); },
        [this] { REQUIRE(k.object<Thread>(child_thread)->info_state() == abi::ThreadState::kRunning); },
        [this] {
          k.advance_to(Time{5000});
          REQUIRE(sleeper->status() == Status::kOk);
        },
        [this] { waiter = &k.start(other(), "futex_wait", word, 1, Handle{0}, Time::never()); },
        [this] { REQUIRE(k.value("debuglog_read", log, 0, out, 64) == 46); },
        [this] { REQUIRE(k.call("cprng_draw_once", out, 32) == Status::kOk); },
        [this] {
          REQUIRE(k.call("futex_wake", word, 1) == Status::kOk);
          k.run();
          REQUIRE(waiter->status() == Status::kOk);
        },
        [this] { REQUIRE(k.call("job_set_critical", job, 0, child) == Status::kOk); },
        [this] { REQUIRE(k.call("task_kill", child) == Status::kOk); },
        [this] {
          REQUIRE(k.object<Job>(job)->return_code() == static_cast<int64_t>(abi::TaskRetcode::kCriticalProcessKill));
        },
    };
  }
};

}  // namespace

TEST_CASE("a thread that dies before it sees its last result is dead like any other") {
  Digest digests[2];
  for (bool reloaded : {false, true}) {
    KernelRig k;
    Thread& sleeper = k.thread();
    Koid koid = sleeper.koid();
    Handle handle = k.handle(Ref<Object>(&sleeper));
    k.start(sleeper, "nanosleep", Time{100});
    k.advance_to(Time{100});
    REQUIRE(sleeper.context().result.has_value());
    if (reloaded) k.reload();
    auto* thread = object_cast<Thread>(k.core().objects().find(koid));
    thread->kill();
    k.run();
    REQUIRE(k.object<Thread>(handle)->thread_state() == Thread::State::kDead);
    digests[reloaded ? 1 : 0] = k.digest();
  }
  REQUIRE(digests[0] == digests[1]);
}

TEST_CASE("a kernel saved and loaded between any two steps goes on the same") {
  Story undisturbed;
  for (auto& step : undisturbed.steps) step();
  Digest end = undisturbed.k.digest();

  for (size_t at = 0; at <= undisturbed.steps.size(); ++at) {
    CAPTURE(at);
    Story story;
    for (size_t i = 0; i < story.steps.size(); ++i) {
      if (i == at) story.k.reload();
      story.steps[i]();
    }
    REQUIRE(story.k.digest() == end);
  }

  Story always;
  for (auto& step : always.steps) {
    step();
    always.k.reload();
  }
  REQUIRE(always.k.digest() == end);
}

TEST_CASE("what only the kernel itself refers to is there after loading") {
  KernelRig k;
  REQUIRE(k.kernel().vdso_vmo().has_value());
  Koid event = k.kernel().watchdog().event(abi::SystemEvent::kImminentOutOfMemory)->koid();
  k.kernel().settle();

  k.reload();

  REQUIRE(k.kernel().watchdog().event(abi::SystemEvent::kImminentOutOfMemory)->koid() == event);
}

}  // namespace jacinth::kernel
