#include "tools/jacinth/trace_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/guest_run.h"
#include "tools/jacinth/guest_session.h"

namespace jacinth::cli {
namespace {

using kernel::TraceRecord;

/// The exit code of two runs that are not the same, as of diff.
constexpr int kDiffers = 1;
/// So many events are looked at for where two sequences become one again.
constexpr size_t kAlignment = 200;
/// So many that are the same show it.
constexpr size_t kAgreement = 2;
/// Lines of each side that are shown when nothing becomes one again.
constexpr size_t kShown = 5;

/// Numbers by the order in which a thread meets them.
class Ordinals final : public kernel::ValueNames {
 public:
  std::string koid(uint64_t koid) override { return fmt::format("#{}", number(koids_, koid)); }
  std::string handle(uint32_t value, std::optional<kernel::GuestView::Named> named) override {
    if (!named) return fmt::format("handle{}", number(handles_, value));
    return fmt::format("<{}{}>", abi::object_type_name(named->type), koid(abi::raw(named->koid)));
  }
  std::string address(uint64_t address) override { return fmt::format("address{}", number(addresses_, address)); }
  std::string time(uint64_t time) override {
    return time == 0 ? "0" : static_cast<int64_t>(time) == Time::never().ns ? "ZX_TIME_INFINITE" : "TIME";
  }
  void new_range(uint64_t begin, uint64_t size) override {
    // Its end as well: there stacks begin.
    addresses_.erase(addresses_.lower_bound(begin), addresses_.upper_bound(begin + size));
  }

 private:
  size_t number(std::map<uint64_t, size_t>& numbers, uint64_t value) {
    auto [at, added] = numbers.try_emplace(value, last_ + 1);
    if (added) ++last_;
    return at->second;
  }
  size_t last_ = 0;
  std::map<uint64_t, size_t> koids_;
  std::map<uint64_t, size_t> handles_;
  std::map<uint64_t, size_t> addresses_;
};

std::string text_of(const TraceRecord& record) {
  using Kind = TraceRecord::Kind;
  std::string text;
  switch (record.kind) {
    case Kind::kCall:
      text = record.call + '(';
      for (size_t i = 0; i < record.arguments.size(); ++i) {
        const TraceRecord::Argument& argument = record.arguments[i];
        if (i > 0) text += ", ";
        if (!argument.name.empty()) text += fmt::format("{}=", argument.name);
        text += argument.text;
        if (!argument.after.empty()) text += " => " + argument.after;
      }
      return text + ") = " + (record.unfinished ? "<unfinished>" : record.result_text);
    case Kind::kException: return fmt::format("--- EXCEPTION {} pc={} ---", record.exception, record.pc_text);
    case Kind::kProcessCreated: return fmt::format("+++ process \"{}\" created +++", record.process_name);
    case Kind::kProcessStarted: return fmt::format("+++ process \"{}\" started +++", record.process_name);
    case Kind::kProcessExited: return fmt::format("+++ exited with {} +++", record.result_text);
    case Kind::kThreadStarted: return fmt::format("+++ thread \"{}\" started +++", record.thread_name);
    case Kind::kThreadExited: return "+++ thread exited +++";
    case Kind::kServed: return fmt::format("=== {} ===", record.text);
  }
  return text;
}

/// Takes a run down.
class Collector final : public kernel::RecordSink {
 public:
  TraceSequences take() { return std::move(sequences_); }

 private:
  struct Task {
    size_t sequence = 0;
    std::string who;
    std::unique_ptr<Ordinals> names;
    std::map<std::string, size_t> threads;  // Of a process: how many of each name.
  };

  void record(const TraceRecord& record) override {
    if (record.kind == TraceRecord::Kind::kServed) {
      size_t service = process_of(0, "services").sequence;  // All services are one.
      sequences_[service].events.push_back({record.time, text_of(record)});
      return;
    }
    Task& process = process_of(record.process, record.process_name);
    bool of_process = record.thread == 0 || record.kind == TraceRecord::Kind::kProcessStarted;
    Task& task = of_process ? process : thread_of(process, record.thread, record.thread_name);
    sequences_[task.sequence].events.push_back({record.time, text_of(record)});
  }

  kernel::ValueNames* names_for(const kernel::Thread& thread) override {
    Task& process = process_of(abi::raw(thread.process().koid()), thread.process().name());
    return thread_of(process, abi::raw(thread.koid()), thread.name()).names.get();
  }

  Task make(std::string who) {
    Task task{.sequence = sequences_.size(), .who = who, .names = std::make_unique<Ordinals>(), .threads = {}};
    sequences_.push_back({.who = std::move(who), .events = {}});
    return task;
  }
  Task& process_of(uint64_t koid, std::string_view name) {
    auto found = tasks_.find(koid);
    if (found != tasks_.end()) return found->second;
    size_t number = ++processes_[std::string(name)];
    return tasks_.emplace(koid, make(fmt::format("process \"{}\"{}", name, ordinal(number)))).first->second;
  }
  Task& thread_of(Task& process, uint64_t koid, std::string_view name) {
    auto found = tasks_.find(koid);
    if (found != tasks_.end()) return found->second;
    size_t number = ++process.threads[std::string(name)];
    std::string who = fmt::format("thread \"{}\"{} of {}", name, ordinal(number), process.who);
    return tasks_.emplace(koid, make(std::move(who))).first->second;
  }
  static std::string ordinal(size_t number) { return number == 1 ? "" : fmt::format(" #{}", number); }

  TraceSequences sequences_;
  std::map<uint64_t, Task> tasks_;  // Processes and threads, by koid.
  std::map<std::string, size_t> processes_;
};

using Events = std::vector<TraceSequence::Event>;

bool agrees(const Events& a, size_t i, const Events& b, size_t k) {
  for (size_t n = 0; n < kAgreement; ++n) {
    if (i + n == a.size() && k + n == b.size()) return true;
    if (i + n >= a.size() || k + n >= b.size() || a[i + n].text != b[k + n].text) return false;
  }
  return true;
}

/// How many events of each side are left out, or other, before both are the same again.
std::optional<std::pair<size_t, size_t>> alignment(const Events& a, const Events& b, size_t at) {
  for (size_t sum = 1; sum <= kAlignment; ++sum)
    for (size_t i = 0; i <= sum; ++i) {
      size_t k = sum - i;
      if (at + i <= a.size() && at + k <= b.size() && agrees(a, at + i, b, at + k)) return std::pair(i, k);
    }
  return std::nullopt;
}

void append_lines(std::string& out, char mark, const Events& events, size_t begin, size_t end) {
  for (size_t i = begin; i < std::min(end, events.size()); ++i)
    out += fmt::format("{} {}.{:09} {}\n", mark, events[i].time.ns / 1'000'000'000, events[i].time.ns % 1'000'000'000,
                       events[i].text);
}

std::string difference_text(const TraceSequence* first, const TraceSequence* second, size_t at, size_t context) {
  static const Events kNothing;
  const Events& a = first != nullptr ? first->events : kNothing;
  const Events& b = second != nullptr ? second->events : kNothing;
  std::string text = fmt::format("{}: ", (first != nullptr ? first : second)->who);
  if (first == nullptr || second == nullptr) {
    text += fmt::format("only in {}\n", first != nullptr ? "the first" : "the second");
  } else {
    text += fmt::format("{} event{} the same, then\n", at, at == 1 ? " is" : "s are");
  }
  append_lines(text, ' ', a, at - std::min(at, context), at);
  if (auto found = alignment(a, b, at)) {
    auto [left, right] = *found;
    append_lines(text, '-', a, at, at + left);
    append_lines(text, '+', b, at, at + right);
    append_lines(text, ' ', a, at + left, at + left + context);
  } else {
    append_lines(text, '-', a, at, at + kShown);
    append_lines(text, '+', b, at, at + kShown);
  }
  return text;
}

}  // namespace

TraceDifference compare_traces(const TraceSequences& a, const TraceSequences& b, size_t context) {
  auto find = [](const TraceSequences& in, const std::string& who) -> const TraceSequence* {
    auto found = std::ranges::find(in, who, &TraceSequence::who);
    return found != in.end() ? &*found : nullptr;
  };
  TraceDifference difference;
  std::optional<Time> first;
  auto look = [&](const TraceSequence* one, const TraceSequence* other) {
    static const Events kNothing;
    const Events& left = one != nullptr ? one->events : kNothing;
    const Events& right = other != nullptr ? other->events : kNothing;
    auto [i, k] = std::ranges::mismatch(left, right, {}, &TraceSequence::Event::text, &TraceSequence::Event::text);
    auto at = static_cast<size_t>(i - left.begin());
    difference.events += at;
    if (i == left.end() && k == right.end()) return;
    ++difference.differing;
    Time time = i == left.end() ? k->time : k == right.end() ? i->time : std::min(i->time, k->time);
    if (first && time >= *first) return;
    first = time;
    difference.text = difference_text(one, other, at, context);
  };
  for (const TraceSequence& one : a) look(&one, find(b, one.who));
  for (const TraceSequence& other : b)
    if (find(a, other.who) == nullptr && !other.events.empty()) look(nullptr, &other);
  return difference;
}

int trace_diff(const TraceDiffRequest& request) {
  std::vector<TraceSequences> runs;
  for (const std::string& file : {request.a, request.b}) {
    Collector collector;
    ReplayRequest replayed{
        .file = file, .print_output = false, .view = request.view, .who = request.who, .quiet = true};
    replayed.view.kind = ViewKind::kRecords;
    replayed.view.records = &collector;
    Replayed run = replay(replayed);
    if (!run.same) return run.exit_code;
    runs.push_back(collector.take());
  }
  auto output = Output::open(request.output, Output::Flush::kWhenFull);
  if (!output) return fail(request.who, ExitCode::kUsage, fmt::format("{}: {}", request.output, output.error()));
  TraceDifference difference = compare_traces(runs[0], runs[1], request.context);
  if (difference.text.empty()) {
    (*output)->write(fmt::format("the same: {} events\n", difference.events));
  } else {
    (*output)->write(fmt::format("--- {}\n+++ {}\n{}", request.a, request.b, difference.text));
    if (difference.differing > 1)
      (*output)->write(
          fmt::format("In all, {} threads and processes differ; this is the first.\n", difference.differing));
  }
  (*output)->flush();
  if (!(*output)->failure().empty())
    return fail(request.who, ExitCode::kInternal, fmt::format("{}: {}", request.output, (*output)->failure()));
  return difference.text.empty() ? number(ExitCode::kOk) : kDiffers;
}

}  // namespace jacinth::cli
