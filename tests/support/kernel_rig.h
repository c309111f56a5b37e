// A whole kernel on a fake machine: processes and threads are real, guest code is what the test says it calls.
//
//   KernelRig k;
//   Handle event = k.out<Handle>([&](auto out) { return k.call("event_create", 0, out); });
//   auto& sleeper = k.start(k.thread(), "nanosleep", Time{100});
//   k.advance_to(Time{100});
//   REQUIRE(sleeper.status() == Status::kOk);
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "kernel/abi/syscall_info.h"
#include "kernel/syscalls/kernel.h"
#include "tests/support/fake_platform.h"
#include "tests/support/test.h"

namespace jacinth::kernel {

/// A system call that a test made.
struct Made {
  Ref<Thread> thread;
  bool over = false;
  int64_t result = abi::raw(Status::kParked);
  /// kParked while it waits.
  Status status() const { return static_cast<Status>(result); }
};

class KernelRig {
 public:
  /// Little, so that saving it is quick.
  static constexpr uint64_t kRamSize = 8 << 20;

  explicit KernelRig(Arch arch = Arch::kArm64, Options options = {}, std::vector<Injection> injections = {});
  ~KernelRig();

  FakePlatform& platform() { return platform_; }
  Kernel& kernel() { return *kernel_; }
  Core& core() { return kernel_->core(); }
  /// The job of the first process, and that process, and its first thread, who makes the calls unless another is named.
  const Ref<Job>& job() { return job_; }
  const Ref<Process>& process() { return process_; }
  Thread& main_thread() { return *main_; }

  /// A process that has memory and has not begun.
  Ref<Process> make_unstarted(const Ref<Job>& job, std::string_view name = "child");
  /// More of them, started.
  Ref<Process> make_process(std::string_view name = "another") { return make_process(job_, name); }
  Ref<Process> make_process(const Ref<Job>& job, std::string_view name);
  Thread& make_thread(const Ref<Process>& process, std::string_view name = "thread");
  Thread& thread() { return make_thread(process_); }

  /// Makes a call and returns what it gave; it must not park.
  template <class... Arguments>
  Status call(std::string_view name, Arguments... arguments) {
    return call_as(*main_, name, arguments...);
  }
  template <class... Arguments>
  Status call_as(Thread& thread, std::string_view name, Arguments... arguments) {
    Made& made = start(thread, name, arguments...);
    INFO(name);
    REQUIRE((made.over || thread.dying_or_dead()));
    return made.status();
  }
  /// The whole 64 bits of what a call gives.
  template <class... Arguments>
  int64_t value(std::string_view name, Arguments... arguments) {
    Made& made = start(*main_, name, arguments...);
    REQUIRE(made.over);
    return made.result;
  }
  /// Makes a call that may park.
  template <class... Arguments>
  Made& start(Thread& thread, std::string_view name, Arguments... arguments) {
    static_assert(sizeof...(Arguments) <= 8);
    return trap(thread, number(name), {raw_argument(arguments)...});
  }
  Made& trap(Thread& thread, uint64_t number, std::array<uint64_t, 8> arguments);

  /// Lets every thread that can run do so until all calls that can be over are.
  void run();
  void advance_to(Time when);

  /// Saves everything, loads it into a fresh kernel, and goes on with that one. Objects that the test holds must be let
  /// go of before; calls that were started stay known.
  void reload();
  Digest digest();

  // --- memory of a process ---

  /// What every process of the rig has mapped, to read and write.
  static constexpr GuestAddr kMemory{0x1000'0000};
  static constexpr size_t kMemorySize = 1 << 20;

  /// Room for bytes, or a copy of a value, in the first process's memory. All rooms are different.
  GuestAddr room(size_t size);
  template <class T>
  GuestAddr user(const T& value) {
    GuestAddr at = room(sizeof(T));
    poke(at, value);
    return at;
  }
  GuestAddr user_text(std::string_view text);
  template <class T>
  void poke(GuestAddr at, const T& value) {
    REQUIRE(process_->memory().write(at, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  }
  template <class T>
  T peek(GuestAddr at, size_t index = 0) {
    T value = {};
    REQUIRE(process_->memory().read(at + index * sizeof(T), std::as_writable_bytes(std::span(&value, 1))) ==
            Status::kOk);
    return value;
  }

  // --- handles of the first process ---

  Handle handle(const Ref<Process>& owner, Ref<Object> object, Rights rights);
  Handle handle(Ref<Object> object) { return handle(process_, object, abi::default_rights(object->type())); }
  Handle handle(Ref<Object> object, Rights rights) { return handle(process_, std::move(object), rights); }
  template <class T>
  Ref<T> object(Handle handle) {
    Result<Ref<T>> found = process_->handles().get<T>(handle, Rights::kNone);
    REQUIRE(found.has_value());
    return *found;
  }
  void close(Handle handle) {
    REQUIRE(process_->handles().close(handle) == Status::kOk);
    kernel_->settle();
  }

  static uint64_t number(std::string_view name);

 private:
  template <class T>
  static uint64_t raw_argument(T argument) {
    if constexpr (std::is_same_v<T, GuestAddr>) {
      return argument.value;
    } else if constexpr (std::is_same_v<T, Time> || std::is_same_v<T, Duration>) {
      return static_cast<uint64_t>(argument.ns);
    } else if constexpr (std::is_null_pointer_v<T>) {
      return 0;
    } else {
      return static_cast<uint64_t>(argument);
    }
  }
  void collect();
  /// After every step: memory hangs together.
  void check_memory();
  void make_kernel();
  void state(Archive& ar);

  Options options_;
  std::vector<Injection> injections_;
  FakePlatform platform_;
  std::unique_ptr<Kernel> kernel_;
  Ref<Job> job_;
  Ref<Process> process_;
  Thread* main_ = nullptr;
  size_t room_used_ = 0;
  std::deque<Made> made_;  // Stays put: tests hold references.
};

}  // namespace jacinth::kernel
