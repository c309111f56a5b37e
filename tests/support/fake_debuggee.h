// A machine for tests of debuggers that runs nothing: processes, threads, memory and registers are what the test puts
// there, and each resume ends with the next stop that the test has lined up.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "emu/debug/timeline.h"

namespace jacinth::emu {

class FakeTarget final : public Target {
 public:
  explicit FakeTarget(Arch arch) : arch_(arch) {}

  struct Memory {
    std::vector<std::byte> bytes;
    bool writable = true;
    std::string name;
  };

  void add_thread(TaskId id, std::string name, std::string state) {
    auto found = std::ranges::find(processes_, id.process, &ProcessSummary::koid);
    if (found == processes_.end()) {
      processes_.push_back({.koid = id.process, .name = "program", .threads = {}});
      found = processes_.end() - 1;
    }
    found->threads.push_back({.id = id, .name = std::move(name), .state = std::move(state), .cpu = {}});
    registers_[id.thread] = {};
  }
  void end_process(uint64_t koid) {
    std::erase_if(processes_, [&](const ProcessSummary& process) {
      if (process.koid != koid) return false;
      for (const ThreadSummary& thread : process.threads) registers_.erase(thread.id.thread);
      return true;
    });
  }
  /// In every process.
  Memory& map(GuestAddr base, size_t size, std::string name = "memory") {
    Memory& memory = memory_[base.value];
    memory.bytes.resize(size);
    memory.name = std::move(name);
    return memory;
  }
  void add_file(const std::string& name, std::string_view bytes) {
    auto raw = std::as_bytes(std::span(bytes));
    files_[name] = {raw.begin(), raw.end()};
  }
  Registers& of(uint64_t thread) { return registers_.at(thread); }

  std::vector<LoadedModule> loaded;
  std::vector<std::pair<uint64_t, uint64_t>> auxiliary_values;
  /// Registers with this PC are none that a thread may have.
  static constexpr uint64_t kBadPc = 0xbad0'0000'0000'0000;

  Arch arch() const override { return arch_; }
  std::vector<ProcessSummary> processes() override { return processes_; }
  std::optional<Registers> registers(uint64_t thread) override {
    auto found = registers_.find(thread);
    return found == registers_.end() ? std::nullopt : std::optional(found->second);
  }
  bool set_registers(uint64_t thread, const Registers& registers) override {
    if (!registers_.contains(thread) || registers.pc == kBadPc) return false;
    registers_[thread] = registers;
    return true;
  }
  size_t read(uint64_t process, GuestAddr from, std::span<std::byte> to) override {
    return copy(process, from, to.size(), [&](size_t done, std::byte* at, size_t size, Memory&) {
      std::memcpy(to.data() + done, at, size);
      return true;
    });
  }
  size_t write(uint64_t process, GuestAddr to, std::span<const std::byte> from) override {
    return copy(process, to, from.size(), [&](size_t done, std::byte* at, size_t size, Memory& memory) {
      if (!memory.writable) return false;
      std::memcpy(at, from.data() + done, size);
      return true;
    });
  }
  std::vector<MemoryRegion> regions(uint64_t process) override {
    std::vector<MemoryRegion> regions;
    if (!lives(process)) return regions;
    for (const auto& [base, memory] : memory_)
      regions.push_back({.base = GuestAddr(base),
                         .size = memory.bytes.size(),
                         .read = true,
                         .write = memory.writable,
                         .execute = !memory.writable,
                         .name = memory.name});
    return regions;
  }
  std::vector<LoadedModule> modules(uint64_t process) override {
    return lives(process) ? loaded : std::vector<LoadedModule>();
  }
  std::vector<std::pair<uint64_t, uint64_t>> auxiliary(uint64_t) override { return auxiliary_values; }
  std::optional<std::span<const std::byte>> file(std::string_view name) override {
    auto found = files_.find(std::string(name));
    if (found == files_.end()) return std::nullopt;
    return std::span<const std::byte>(found->second);
  }
  std::string_view call_name(uint64_t number) const override { return number == 7 ? "zx_port_wait" : ""; }
  std::optional<uint64_t> call_number(std::string_view name) const override {
    return name == "zx_port_wait" ? std::optional<uint64_t>(7) : std::nullopt;
  }

 private:
  bool lives(uint64_t process) const {
    return std::ranges::find(processes_, process, &ProcessSummary::koid) != processes_.end();
  }
  template <class F>
  size_t copy(uint64_t process, GuestAddr from, size_t size, F&& each) {
    size_t done = 0;
    while (lives(process) && done < size) {
      uint64_t at = from.value + done;
      auto above = memory_.upper_bound(at);
      if (above == memory_.begin()) break;
      auto& [base, memory] = *std::prev(above);
      if (at - base >= memory.bytes.size()) break;
      size_t piece = std::min<uint64_t>(size - done, memory.bytes.size() - (at - base));
      if (!each(done, memory.bytes.data() + (at - base), piece, memory)) break;
      done += piece;
    }
    return done;
  }

  Arch arch_;
  std::vector<ProcessSummary> processes_;
  std::map<uint64_t, Registers> registers_;
  std::map<uint64_t, Memory> memory_;
  std::map<std::string, std::vector<std::byte>> files_;
};

class FakeTimeline final : public Timeline {
 public:
  explicit FakeTimeline(FakeTarget& target) : target_(target) {}

  /// What the test lined up, and what it finds afterwards.
  std::deque<DebugStop> stops;
  std::vector<Resume> resumes;
  std::vector<Position> sought;
  std::map<uint32_t, StopPoint> points;
  std::vector<CallCatch> calls;
  std::vector<MomentCatch> moments;
  int changes = 0;
  bool exceptions = false;

  Target& target() override { return target_; }
  DebugStop resume(const Resume& resume) override {
    resumes.push_back(resume);
    last_ = {.reason = resume.backwards ? DebugStop::Reason::kHistoryBegin : DebugStop::Reason::kEnded};
    if (!stops.empty()) {
      last_ = stops.front();
      stops.pop_front();
    }
    return last_;
  }
  const DebugStop& last_stop() const override { return last_; }
  Position position() override { return {}; }
  Time now() override { return {}; }
  DebugStop seek(Position where) override {
    sought.push_back(where);
    return last_ = {.reason = DebugStop::Reason::kArrived};
  }
  DebugStop seek(Time) override { return last_ = {.reason = DebugStop::Reason::kArrived}; }
  uint32_t add(const StopPoint& point) override {
    points[next_] = point;
    return next_++;
  }
  void remove(uint32_t point) override { points.erase(point); }
  const StopPoint* point(uint32_t number) const override {
    auto found = points.find(number);
    return found == points.end() ? nullptr : &found->second;
  }
  void catch_calls(std::vector<CallCatch> wanted) override { calls = std::move(wanted); }
  void catch_moments(std::vector<MomentCatch> wanted) override { moments = std::move(wanted); }
  void catch_exceptions(bool on) override { exceptions = on; }
  void changed() override { ++changes; }
  void detach() override {}

 private:
  FakeTarget& target_;
  DebugStop last_{.reason = DebugStop::Reason::kArrived};
  uint32_t next_ = 1;
};

}  // namespace jacinth::emu
