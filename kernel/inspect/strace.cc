#include "kernel/inspect/strace.h"

#include <fmt/format.h>

#include "kernel/abi/format.h"
#include "kernel/inspect/exception_text.h"
#include "kernel/inspect/noting_view.h"
#include "kernel/inspect/process_view.h"
#include "kernel/object/core.h"
#include "kernel/task/job.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
/// Of the longest usual label, "1040:1042".
constexpr size_t kLabelWidth = 9;
/// Of the longest usual time, "1234.000345678".
constexpr size_t kTimeWidth = 13;

std::string label_of(const Process& process) { return fmt::format_int(abi::raw(process.koid())).str(); }

std::string label_of(const Thread& thread) {
  return fmt::format("{}:{}", abi::raw(thread.process().koid()), abi::raw(thread.koid()));
}

/// Seconds with nine digits behind the point, without the cost of a general formatter.
void append_seconds(std::string& out, int64_t ns, size_t width) {
  char text[32];
  char* at = std::end(text);
  auto rest = static_cast<uint64_t>(ns < 0 ? 0 : ns);
  uint64_t fraction = rest % kSecond;
  for (int i = 0; i < 9; ++i, fraction /= 10) *--at = static_cast<char>('0' + fraction % 10);
  *--at = '.';
  uint64_t seconds = rest / kSecond;
  do {
    *--at = static_cast<char>('0' + seconds % 10);
    seconds /= 10;
  } while (seconds != 0);
  while (static_cast<size_t>(std::end(text) - at) < width) *--at = ' ';
  out.append(at, std::end(text));
}

}  // namespace

Strace::Strace(Core& core, LineSink& sink, StraceOptions options)
    : core_(core), sink_(sink), options_(std::move(options)) {
  core_.tasks().add_observer(*this);
}

Strace::~Strace() { core_.tasks().remove_observer(*this); }

Strace::Slot& Strace::slot(Thread& thread) {
  uint64_t koid = abi::raw(thread.koid());
  if (koid == last_koid_) return *last_slot_;
  Slot& slot = slots_[koid];
  if (slot.label.empty()) slot.label = label_of(thread);
  last_koid_ = koid;
  last_slot_ = &slot;
  return slot;
}

void Strace::begin_line(std::string_view label) {
  line_.assign(label);
  if (line_.size() < kLabelWidth) line_.resize(kLabelWidth, ' ');
  line_ += ' ';
  Time now = core_.now();
  append_seconds(line_, options_.relative ? (now - last_line_).ns : now.ns, kTimeWidth);
  last_line_ = now;
  line_ += ' ';
}

void Strace::end_line() {
  line_ += '\n';
  sink_.line(line_);
}

template <class... Arguments>
void Strace::event(std::string_view label, std::string_view format, Arguments&&... arguments) {
  begin_line(label);
  fmt::vformat_to(std::back_inserter(line_), format, fmt::make_format_args(arguments...));
  end_line();
}

/// Whether what happens now is to be printed.
bool Strace::chosen(const Process& process, const Thread* thread) const {
  return options_.filter.takes(core_.now(), abi::raw(process.koid()), thread != nullptr ? abi::raw(thread->koid()) : 0);
}

bool Strace::lives(const Process& process, const Thread* thread) const {
  uint64_t koid = thread != nullptr ? abi::raw(thread->koid()) : 0;
  return options_.filter.takes_life(core_.now(), abi::raw(process.koid()), koid);
}

void Strace::call_entered(Thread& thread, const Trap& trap) {
  if (!options_.filter.takes_call(trap.number)) return;
  if (!chosen(thread.process(), &thread)) return;
  Slot& at = slot(thread);
  at.active = true;
  at.begun = false;
  at.entered = core_.now();
  at.named.clear();
  ProcessView view(thread.process());
  NotingView noting(view, at.named);
  const GuestView& seen = options_.filter.objects.empty() ? static_cast<const GuestView&>(view) : noting;
  CallText(seen, options_.limits).before(abi::syscall_by_number(static_cast<uint32_t>(trap.number)), trap, at.call);
}

void Strace::call_parked(Thread& thread, const Trap&) {
  Slot& at = slot(thread);
  if (!at.active || at.begun || options_.filter.decides_late()) return;
  at.begun = true;
  begin_line(at.label);
  ProcessView view(thread.process());
  CallText(view, options_.limits).print_begun(at.call, line_);
  if (!line_.ends_with(' ') && !line_.ends_with('(')) line_ += ' ';
  line_ += "<unfinished ...>";
  end_line();
}

void Strace::finish_call(Slot& at, const int64_t* result, Thread& thread) {
  ProcessView view(thread.process());
  NotingView noting(view, at.named);
  const GuestView& seen = options_.filter.objects.empty() ? static_cast<const GuestView&>(view) : noting;
  CallText text(seen, options_.limits);
  at.active = false;
  // The cheap questions before the line is made, the objects that it names behind it.
  const TraceFilter& filter = options_.filter;
  if (filter.objects.empty() && filter.decides_late() && !filter.takes_end(at.call.info, result, {})) return;
  Time line_before = last_line_;
  begin_line(at.label);
  if (at.begun) {
    fmt::format_to(std::back_inserter(line_), "<... {} resumed>", CallText::name(at.call));
  } else {
    line_ += CallText::name(at.call);
    line_ += '(';
  }
  size_t rest = line_.size();
  if (result != nullptr) {
    // A call that was not made has written nothing.
    bool injected = thread.call().injected;
    if (injected) {
      text.print_rest_without_result(at.call, line_);
    } else {
      text.print_rest(at.call, *result, line_);
    }
    line_ += " = ";
    CallText::print_result(at.call, *result, line_);
    if (injected) line_ += " (INJECTED)";
  } else {
    text.print_rest_without_result(at.call, line_);
    line_ += " = ?";
  }
  if (!filter.objects.empty() && !filter.takes_end(at.call.info, result, at.named)) {
    last_line_ = line_before;
    return;
  }
  if (at.begun && line_[rest] != ')') line_.insert(rest, 1, ' ');
  line_ += " <";
  append_seconds(line_, (core_.now() - at.entered).ns, 0);
  line_ += '>';
  end_line();
}

void Strace::call_left(Thread& thread, const Trap&, int64_t result) {
  Slot& at = slot(thread);
  if (at.active) finish_call(at, &result, thread);
}

void Strace::call_abandoned(Thread& thread, const Trap&) {
  Slot& at = slot(thread);
  if (at.active) finish_call(at, nullptr, thread);
}

void Strace::exception(Thread& thread, const Exception& exception) {
  if (!lives(thread.process(), &thread)) return;
  std::string detail = exception_detail(exception, core_.platform().arch());
  event(slot(thread).label, "--- EXCEPTION {}{}{} pc={:#x} ---", exception_name(exception), detail.empty() ? "" : ": ",
        detail, exception.cause.pc.value);
}

void Strace::process_created(Process& process) {
  if (!lives(process, nullptr)) return;
  event(label_of(process), "+++ process \"{}\" created in job {} +++", process.name(), abi::raw(process.job().koid()));
}

void Strace::process_started(Process& process, Thread& initial) {
  if (!lives(process, &initial)) return;
  event(slot(initial).label, "+++ process \"{}\" started +++", process.name());
}

void Strace::process_exited(Process& process) {
  if (!lives(process, nullptr)) return;
  const abi::FlagSet* names = abi::flag_set("task_retcode");
  int64_t code = process.return_code();
  event(label_of(process), "+++ exited with {} +++", abi::format_enum(*names, static_cast<uint64_t>(code)));
}

void Strace::thread_started(Thread& thread) {
  if (lives(thread.process(), &thread)) event(slot(thread).label, "+++ thread \"{}\" started +++", thread.name());
}

void Strace::served(std::string_view service, std::string_view text) {
  if (!options_.filter.takes_life(core_.now(), 0, 0)) return;
  event(service, "=== {} ===", text);
}

void Strace::thread_exited(Thread& thread) {
  if (lives(thread.process(), &thread)) event(slot(thread).label, "+++ thread exited +++");
  slots_.erase(abi::raw(thread.koid()));
  last_koid_ = 0;
}

}  // namespace jacinth::kernel
