// A machine with threads and no kernel: a supervisor that schedules round robin and writes down what happens.
#pragma once

#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <vector>

#include "emu/base/check.h"
#include "emu/machine/machine.h"
#include "emu/mmu/page_table.h"
#include "emu/state/archive.h"

namespace jacinth::emu {

class MachineRig : public Supervisor, private FrameSource {
 public:
  static constexpr uint64_t kCode = 0x40'0000;
  static constexpr uint64_t kData = 0x80'0000;

  struct Options {
    Arch arch = Arch::kArm64;
    unsigned cpus = 2;
    bool stepping = false;
    size_t core_limit = 16;
  };

  struct Thread {
    ThreadContext context;
    bool done = false;
  };

  explicit MachineRig(const Options& options)
      : options_(options),
        machine_({.arch = options.arch,
                  .cpus = options.cpus,
                  .ram_base = PhysAddr(0x4000'0000),
                  .ram_size = 8 << 20,
                  .core_limit = options.core_limit,
                  .stepping = options.stepping}),
        current_(options.cpus, nullptr) {
    machine_.set_supervisor(*this);
    code_frame_ = *allocate_frame();
    data_frame_ = *allocate_frame();
  }

  Machine& machine() { return machine_; }

  /// Code that every thread sees at kCode.
  void code(std::initializer_list<uint32_t> arm64, std::initializer_list<uint8_t> x86) {
    std::vector<uint8_t> bytes;
    if (options_.arch == Arch::kArm64) {
      for (uint32_t word : arm64) {
        for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(word >> 8 * i));
      }
    } else {
      bytes.assign(x86);
    }
    std::memcpy(machine_.memory().writable(code_frame_), bytes.data(), bytes.size());
  }

  /// A runnable thread at kCode; with `shared`, in the same address space as that one.
  Thread& thread(uint64_t argument, const Thread* shared = nullptr) {
    auto& made = threads.emplace_back(std::make_unique<Thread>());
    if (shared != nullptr) {
      made->context.page_table = shared->context.page_table;
    } else {
      tables_.push_back(PageTable::create(options_.arch, machine_.memory(), *this));
      PageTable& table = *tables_.back();
      CHECK(table.map(GuestAddr(kCode), code_frame_, {.read = true, .execute = true}, MemoryType::kNormal));
      CHECK(table.map(GuestAddr(kData), data_frame_, {.read = true, .write = true}, MemoryType::kNormal));
      made->context.page_table = table.root();
    }
    Registers& r = made->context.registers;
    r.pc = kCode;
    if (options_.arch == Arch::kX86_64) r.flags = 0x202, r.fpcr = 0x1f80, r.x87_control = 0x37f, r.x87_tag = 0xffff;
    r.gpr[options_.arch == Arch::kArm64 ? 1 : kRbx] = argument;
    ready_.push_back(made.get());
    return *made;
  }

  /// As if a call on another CPU had killed it.
  void kill(Thread& thread) {
    thread.done = true;
    std::erase(ready_, &thread);
    for (Thread*& running : current_) {
      if (running == &thread) running = nullptr;
    }
  }

  uint64_t data(size_t index) {
    uint64_t value = 0;
    std::memcpy(&value, machine_.memory().data(data_frame_ + index * 8), 8);
    return value;
  }

  /// Machine, threads and what happened so far.
  Digest digest() {
    Hasher hasher;
    machine_.state(hasher);
    for (auto& thread : threads) hasher(thread->context.registers, thread->done);
    hasher(log);
    return hasher.digest();
  }

  std::vector<std::unique_ptr<Thread>> threads;
  /// One line per event: time, what, who.
  std::vector<std::array<uint64_t, 3>> log;
  enum Event : uint64_t { kSchedule, kCall, kException, kAlarm };
  /// Takes the registers out of the core in every so many calls; 0: never.
  unsigned look_every = 0;
  std::function<Next(uint64_t number, uint64_t argument)> on_call = [](uint64_t number, uint64_t) {
    return number == 0 ? Next::kSwitch : Next::kContinue;
  };

  /// Whether the thread goes on. Without it, it does not.
  std::function<bool(Thread&, const ExceptionInfo&)> on_exception;

 private:
  uint64_t who(const Thread* thread) const {
    for (size_t i = 0; i < threads.size(); ++i) {
      if (threads[i].get() == thread) return i;
    }
    return ~uint64_t{0};
  }
  void note(Event event, uint64_t detail) { log.push_back({static_cast<uint64_t>(machine_.now().ns), event, detail}); }

  ThreadContext* schedule(unsigned cpu) override {
    if (current_[cpu] != nullptr && !current_[cpu]->done) ready_.push_back(current_[cpu]);
    current_[cpu] = nullptr;
    if (!ready_.empty()) {
      current_[cpu] = ready_.front();
      ready_.pop_front();
      note(kSchedule, cpu << 8 | who(current_[cpu]));
    }
    return current(cpu);
  }
  ThreadContext* current(unsigned cpu) override { return current_[cpu] != nullptr ? &current_[cpu]->context : nullptr; }
  bool work_waiting() const override { return !ready_.empty(); }
  Duration slice(unsigned) const override { return Duration{1'000'000}; }
  Next system_call(unsigned cpu, Cpu& core, ThreadContext&) override {
    uint64_t number = core.trap_number();
    uint64_t arguments[1];
    core.trap_arguments(arguments);
    note(kCall, number << 8 | who(current_[cpu]));
    Next next = on_call(number, arguments[0]);
    if (number == 0) current_[cpu]->done = true;
    if (next == Next::kContinue && look_every != 0 && ++looks_ % look_every == 0) {
      machine_.fetch_registers(current_[cpu]->context);
      current_[cpu]->context.result = 0;
    } else if (next == Next::kContinue) {
      core.set_result(0);
    }
    return next == Next::kContinue && work_waiting() ? Next::kShare : next;
  }
  bool page_fault(unsigned, GuestAddr, AccessKind) override { return false; }
  Next exception(unsigned cpu, const ExceptionInfo& info) override {
    note(kException, info.pc.value);
    if (on_exception && on_exception(*current_[cpu], info)) return Next::kContinue;
    current_[cpu]->done = true;
    return Next::kSwitch;
  }
  void alarm() override { note(kAlarm, 0); }
  std::optional<PhysAddr> allocate_frame() override {
    if (next_frame_ == machine_.memory().page_count()) return std::nullopt;
    return machine_.memory().base() + kPageSize * next_frame_++;
  }
  void free_frame(PhysAddr) override {}

  Options options_;
  uint64_t next_frame_ = 0;
  unsigned looks_ = 0;
  Machine machine_;
  PhysAddr code_frame_;
  PhysAddr data_frame_;
  std::vector<std::unique_ptr<PageTable>> tables_;
  std::deque<Thread*> ready_;
  std::vector<Thread*> current_;
};

}  // namespace jacinth::emu
