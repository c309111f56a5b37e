// A kernel on a fake machine that is given one random event after another: system calls with random, boundary and
// valid-looking arguments, faults, exceptions, time that passes. See fuzz_test.cc for what must hold.
//
// An event is a few numbers that make sense whatever came before, so that any list of them can be run: what an argument
// is gets decided when the event happens, from its own seed and from what the calling process has then.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/strace.h"
#include "kernel/syscalls/kernel.h"
#include "tests/support/fake_platform.h"
#include "tests/support/random.h"

namespace jacinth::kernel::fuzz {

struct Event {
  enum class Kind : uint8_t { kCall, kPageFault, kException, kTime, kThread };
  Kind kind = Kind::kCall;
  const abi::SyscallInfo* call = nullptr;
  uint64_t seed = 0;

  std::string text() const;
};

/// `count` events that hang on `seed` alone.
std::vector<Event> random_events(uint64_t seed, size_t count);

class World {
 public:
  /// `traced`: every call is also written out as strace does, which must change nothing.
  World(uint64_t seed, bool traced);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void run(const Event& event);
  /// Saves everything and goes on with what was loaded. Says what went wrong.
  std::optional<std::string> reload();
  Digest digest();
  /// What of memory does not hang together: page tables and regions; with `frames`, which takes longer, those too.
  std::optional<std::string> memory_fault(bool frames);
  /// Kills every program, and says what is left that should not be.
  std::optional<std::string> end();

  uint64_t calls() const { return calls_; }

 private:
  /// Counts what it is given and forgets it.
  class Counter final : public LineSink {
   public:
    void line(std::string_view text) override { bytes += text.size(); }
    uint64_t bytes = 0;
  };
  /// What there is of everything that a guest can take.
  struct Census {
    size_t objects = 0;
    uint64_t frames = 0;
    uint32_t handles = 0;
    auto operator<=>(const Census&) const = default;
  };

  static constexpr uint64_t kRamSize = 8 << 20;
  static constexpr GuestAddr kMemory{0x1000'0000};
  static constexpr size_t kMemorySize = 256 << 10;
  static constexpr size_t kProcesses = 3;
  static constexpr size_t kThreads = 24;
  /// More than this and a process closes some.
  static constexpr size_t kHandles = 150;
  static constexpr size_t kFewHandles = 12;

  void make_kernel();
  Census census() const;
  void state(Archive& ar);
  /// A thread that can make a call, time having passed and processes having been made as needed.
  Thread& runnable();
  size_t live_processes() const;
  void make_process();
  void advance_to(Time when);
  void kill_all();
  void collect_handles(Process& process);
  void stock(Thread& thread);
  void call(Thread& thread, const Event& event);
  /// Something happens to a thread: it is suspended, killed, begun, or scheduled in another way.
  void disturb(Thread& caller, test::Random random);
  uint64_t argument(Thread& thread, const abi::ArgInfo& info, test::Random& random);
  uint64_t pointer(Thread& thread, const abi::ArgInfo& info, test::Random& random);
  uint64_t handle(uint64_t wanted_types, test::Random& random);
  uint64_t number(const abi::ArgInfo& info, test::Random& random);
  uint32_t word(test::Random& random);

  FakePlatform platform_;
  std::unique_ptr<Kernel> kernel_;
  bool traced_;
  Counter sink_;
  std::unique_ptr<Strace> strace_;
  Census at_first_;
  uint64_t calls_ = 0;
  uint64_t made_ = 0;
  size_t slot_ = 0;  // Of the caller's memory: each pointer of a call gets the next.
  struct Named {
    uint32_t value;
    uint64_t type;
  };
  std::vector<Named> handles_;  // Of the caller.
};

}  // namespace jacinth::kernel::fuzz
