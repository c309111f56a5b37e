// The time line of a run as a Fuchsia trace, which Perfetto opens.
#include "kernel/inspect/timeline.h"
#include "tools/jacinth/views/fxt_writer.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {
namespace {

using kernel::Leaves;
using kernel::TimelineThread;

class FxtView final : public View, private kernel::TimelineSink {
 public:
  FxtView(const ViewOptions& options, const Viewed& viewed)
      : output_(viewed.output),
        writer_(begin_trace()),
        timeline_(viewed.system.kernel().core(), *this, options.strace.limits, options.strace.filter) {}

  void finish() override {
    timeline_.finish();
    flush();
  }

 private:
  using Type = FxtWriter::EventType;

  std::string& begin_trace() {
    FxtWriter(text_).begin("jacinth");
    return text_;
  }
  static FxtWriter::Thread ref(TimelineThread thread) { return {thread.process, thread.thread}; }
  void flush() {
    output_.write(text_);
    text_.clear();
  }
  /// Arguments beyond those that a record can have are few, and the last ones.
  static std::vector<FxtWriter::Argument> texts(std::span<const Text> arguments) {
    std::vector<FxtWriter::Argument> list;
    for (const Text& argument : arguments.first(std::min<size_t>(arguments.size(), 15)))
      list.push_back(
          {.name = argument.name, .type = FxtWriter::Argument::Type::kString, .value = 0, .text = argument.value});
    return list;
  }

  void process(uint64_t koid, std::string_view name) override {
    writer_.process(koid, name);
    flush();
  }
  void thread(TimelineThread thread, std::string_view name) override {
    writer_.thread(ref(thread), name);
    flush();
  }
  void switched(Time at, unsigned cpu, TimelineThread from, Leaves how, TimelineThread to, int priority) override {
    FxtWriter::ThreadState state = how == Leaves::kReady       ? FxtWriter::ThreadState::kNew
                                   : how == Leaves::kSuspended ? FxtWriter::ThreadState::kSuspended
                                   : how == Leaves::kBlocked   ? FxtWriter::ThreadState::kBlocked
                                                               : FxtWriter::ThreadState::kDead;
    writer_.context_switch(at, cpu, from.thread, state, kernel::is_idle(from) ? FxtWriter::kIdle : 0, to.thread,
                           kernel::is_idle(to) ? FxtWriter::kIdle : priority);
    flush();
  }
  void woken(Time at, unsigned cpu, TimelineThread thread) override {
    writer_.wakeup(at, cpu, thread.thread);
    flush();
  }
  void begin(Time at, TimelineThread thread, std::string_view category, std::string_view name) override {
    writer_.event(Type::kDurationBegin, at, ref(thread), category, name);
    flush();
  }
  void end(Time at, TimelineThread thread, std::string_view category, std::string_view name,
           std::span<const Text> arguments) override {
    writer_.event(Type::kDurationEnd, at, ref(thread), category, name, texts(arguments));
    flush();
  }
  void instant(Time at, TimelineThread thread, std::string_view category, std::string_view name,
               std::span<const Text> arguments) override {
    writer_.event(Type::kInstant, at, ref(thread), category, name, texts(arguments));
    flush();
  }
  void flow_begin(Time at, TimelineThread thread, std::string_view category, uint64_t id) override {
    writer_.event(Type::kFlowBegin, at, ref(thread), category, category, {}, id);
    flush();
  }
  void flow_end(Time at, TimelineThread thread, std::string_view category, uint64_t id) override {
    writer_.event(Type::kFlowEnd, at, ref(thread), category, category, {}, id);
    flush();
  }
  void counter(Time at, std::string_view name, std::span<const Value> values) override {
    std::vector<FxtWriter::Argument> list;
    for (const Value& value : values)
      list.push_back(
          {.name = value.name, .type = FxtWriter::Argument::Type::kUint64, .value = value.value, .text = {}});
    writer_.event(Type::kCounter, at, ref(kernel::kTimerThread), "kernel", name, list, 0);
    flush();
  }

  Output& output_;
  std::string text_;
  FxtWriter writer_;
  kernel::Timeline timeline_;
};

}  // namespace

std::unique_ptr<View> make_fxt_view(const ViewOptions& options, const Viewed& viewed) {
  return std::make_unique<FxtView>(options, viewed);
}

}  // namespace jacinth::cli
