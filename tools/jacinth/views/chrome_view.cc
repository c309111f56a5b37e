// The time line of a run as JSON of trace events, which chrome://tracing and Perfetto open.
//
// The format has no records of the scheduler: CPUs are threads of a process of their own, with what they run as slices.
// Times are microseconds with three digits behind the point.
#include <fmt/format.h>

#include "kernel/inspect/timeline.h"
#include "tools/jacinth/json_text.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {
namespace {

using kernel::Leaves;
using kernel::TimelineThread;

/// Whose threads the CPUs are.
constexpr uint64_t kCpus = 0;

class ChromeView final : public View, private kernel::TimelineSink {
 public:
  ChromeView(const ViewOptions& options, const Viewed& viewed)
      : output_(viewed.output), timeline_(begin_file(viewed), *this, options.strace.limits, options.strace.filter) {}

  void finish() override {
    timeline_.finish();
    for (const auto& [cpu, name] : on_cpu_) end_of_cpu(core_->now(), cpu, name);
    output_.write("\n],\"displayTimeUnit\":\"ns\"}\n");
  }

 private:
  kernel::Core& begin_file(const Viewed& viewed) {
    core_ = &viewed.system.kernel().core();
    output_.write("{\"traceEvents\":[");
    process(kCpus, "CPUs");
    for (unsigned cpu = 0; cpu < viewed.system.machine().cpu_count(); ++cpu)
      name("thread_name", {kCpus, cpu}, fmt::format("CPU {}", cpu));
    return *core_;
  }

  /// Begins an event; its fields follow, and write().
  void start(char phase, TimelineThread thread) {
    text_ = first_ ? "\n" : ",\n";
    first_ = false;
    fmt::format_to(std::back_inserter(text_), "{{\"ph\":\"{}\",\"pid\":{},\"tid\":{}", phase, thread.process,
                   thread.thread);
  }
  void start(char phase, TimelineThread thread, Time at, std::string_view category, std::string_view name) {
    start(phase, thread);
    fmt::format_to(std::back_inserter(text_), ",\"ts\":{}.{:03}", at.ns / 1000, at.ns % 1000);
    text_ += ",\"cat\":";
    append_json(text_, category);
    text_ += ",\"name\":";
    append_json(text_, name);
  }
  void write() {
    text_ += '}';
    output_.write(text_);
  }
  void arguments(std::span<const Text> list) {
    if (list.empty()) return;
    text_ += ",\"args\":{";
    for (size_t i = 0; i < list.size(); ++i) {
      if (i > 0) text_ += ',';
      append_json(text_, list[i].name);
      text_ += ':';
      append_json(text_, list[i].value);
    }
    text_ += '}';
  }
  void name(std::string_view what, TimelineThread thread, std::string_view name) {
    start('M', thread);
    text_ += ",\"name\":";
    append_json(text_, what);
    text_ += ",\"args\":{\"name\":";
    append_json(text_, name);
    text_ += '}';
    write();
  }

  void process(uint64_t koid, std::string_view text) override { name("process_name", {koid, 0}, text); }
  void thread(TimelineThread thread, std::string_view text) override {
    if (kernel::is_idle(thread)) return;
    names_[thread.thread] = text;
    name("thread_name", thread, text);
  }
  void end_of_cpu(Time at, unsigned cpu, const std::string& text) {
    start('E', {kCpus, cpu}, at, "cpu", text);
    write();
  }
  void switched(Time at, unsigned cpu, TimelineThread, Leaves how, TimelineThread to, int) override {
    if (auto before = on_cpu_.find(cpu); before != on_cpu_.end()) {
      constexpr std::array<std::string_view, 4> kLeaves = {"ready", "suspended", "blocked", "dead"};
      std::array<Text, 1> left{{{"leaves", kLeaves[static_cast<size_t>(how)]}}};
      start('E', {kCpus, cpu}, at, "cpu", before->second);
      arguments(left);
      write();
      on_cpu_.erase(before);
    }
    if (kernel::is_idle(to)) return;
    std::string text = fmt::format("{} ({}:{})", names_[to.thread], to.process, to.thread);
    start('B', {kCpus, cpu}, at, "cpu", text);
    write();
    on_cpu_.emplace(cpu, std::move(text));
  }
  void woken(Time at, unsigned, TimelineThread thread) override {
    start('i', thread, at, "wake", "woken");
    text_ += ",\"s\":\"t\"";
    write();
  }
  void begin(Time at, TimelineThread thread, std::string_view category, std::string_view text) override {
    start('B', thread, at, category, text);
    write();
  }
  void end(Time at, TimelineThread thread, std::string_view category, std::string_view text,
           std::span<const Text> list) override {
    start('E', thread, at, category, text);
    arguments(list);
    write();
  }
  void instant(Time at, TimelineThread thread, std::string_view category, std::string_view text,
               std::span<const Text> list) override {
    start('i', thread, at, category, text);
    text_ += ",\"s\":\"t\"";
    arguments(list);
    write();
  }
  void flow_begin(Time at, TimelineThread thread, std::string_view category, uint64_t id) override {
    start('s', thread, at, category, category);
    fmt::format_to(std::back_inserter(text_), ",\"id\":{}", id);
    write();
  }
  void flow_end(Time at, TimelineThread thread, std::string_view category, uint64_t id) override {
    start('f', thread, at, category, category);
    fmt::format_to(std::back_inserter(text_), ",\"id\":{},\"bp\":\"e\"", id);
    write();
  }
  void counter(Time at, std::string_view text, std::span<const Value> values) override {
    start('C', {kernel::kKernelProcess, 0}, at, "kernel", text);
    text_ += ",\"args\":{";
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text_ += ',';
      append_json(text_, values[i].name);
      fmt::format_to(std::back_inserter(text_), ":{}", values[i].value);
    }
    text_ += '}';
    write();
  }

  Output& output_;
  kernel::Core* core_ = nullptr;
  bool first_ = true;
  std::string text_;
  std::map<uint64_t, std::string> names_;   // Of threads.
  std::map<unsigned, std::string> on_cpu_;  // What runs there.
  kernel::Timeline timeline_;
};

}  // namespace

std::unique_ptr<View> make_chrome_view(const ViewOptions& options, const Viewed& viewed) {
  return std::make_unique<ChromeView>(options, viewed);
}

}  // namespace jacinth::cli
