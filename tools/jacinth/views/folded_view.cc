// Call stacks as flame graphs are made of: a line for each stack, outermost first, and how often it was seen.
//
//   ports;initial-thread;_start;main;wait_for_packet 17
//
// Looked at is what each CPU runs, every so much executed code: a machine that sleeps is not looked at.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {
namespace {

/// One frame's name in a line: neither what parts frames nor what ends lines.
void append_frame(std::string& stack, std::string_view name) {
  if (!stack.empty()) stack += ';';
  for (char c : name) stack += c == ';' ? ',' : c == '\n' ? ' ' : c;
}

class FoldedView final : public View {
 public:
  FoldedView(const ViewOptions& options, const Viewed& viewed)
      : viewed_(viewed), period_(static_cast<uint64_t>(options.period.ns) * 4), next_(period_) {}

  uint64_t next_look() const override { return next_; }

  void look() override {
    uint64_t executed = viewed_.system.machine().executed_bytes();
    // The stop is before the instruction that would pass the place, if that lies inside one.
    next_ = std::max(next_, executed / period_ * period_) + period_;
    kernel::Scheduler& scheduler = viewed_.system.kernel().tasks().scheduler();
    for (unsigned cpu = 0; cpu < scheduler.cpu_count(); ++cpu)
      if (kernel::Thread* thread = scheduler.current(cpu); thread != nullptr) ++stacks_[stack_of(*thread)];
  }

  void finish() override {
    for (const auto& [stack, count] : stacks_) viewed_.output.write(fmt::format("{} {}\n", stack, count));
  }

 private:
  std::string stack_of(kernel::Thread& thread) {
    kernel::Process& process = thread.process();
    std::string stack;
    append_frame(stack, process.name().empty() ? "process" : process.name());
    append_frame(stack, thread.name().empty() ? "thread" : thread.name());
    std::vector<kernel::GuestCode::Frame> frames = viewed_.code.backtrace(thread);
    for (size_t i = frames.size(); i-- > 0;) {
      std::vector<kernel::CodePlace> places = viewed_.code.places(process, frames[i].place);
      for (size_t k = places.size(); k-- > 0;)
        append_frame(stack, places[k].function.empty() ? "?" : places[k].function);
      if (places.empty()) append_frame(stack, "?");
    }
    return stack;
  }

  Viewed viewed_;
  uint64_t period_;  // In bytes of code, of which four are a nanosecond.
  uint64_t next_;
  std::map<std::string, uint64_t> stacks_;
};

}  // namespace

std::unique_ptr<View> make_folded_view(const ViewOptions& options, const Viewed& viewed) {
  return std::make_unique<FoldedView>(options, viewed);
}

}  // namespace jacinth::cli
