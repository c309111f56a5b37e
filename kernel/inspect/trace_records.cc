#include "kernel/inspect/trace_records.h"

#include <fmt/format.h>

#include <utility>

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

/// Koids behind "<type:" in the text of an argument as ValuePrinter writes handles, quoted text left out.
std::vector<uint64_t> objects_in(std::string_view text) {
  std::vector<uint64_t> koids;
  bool quoted = false;
  size_t open = std::string_view::npos;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && quoted) {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '<' && !quoted) {
      open = i;
    } else if (text[i] == ':' && open != std::string_view::npos) {
      uint64_t koid = 0;
      for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
        koid = koid * 10 + static_cast<uint64_t>(text[i] - '0');
      if (i < text.size() && text[i] == '>') koids.push_back(koid);
      open = std::string_view::npos;
    }
  }
  return koids;
}

/// Tells of the range that a call gave the program: an address that comes out, beside a size that went in.
void tell_range(const GuestView& view, const PendingCall& call, ValueNames& names) {
  uint64_t size = 0;
  for (size_t i = 0; i < call.info->args.size(); ++i) {
    const abi::ArgInfo& arg = call.info->args[i];
    if (!arg.pointer && arg.value.format == abi::ArgFormat::kSize) size = call.trap.arguments[i];
  }
  for (size_t i = 0; i < call.info->args.size(); ++i) {
    const abi::ArgInfo& arg = call.info->args[i];
    if (!arg.pointer || arg.direction != abi::Direction::kOut || arg.value.format != abi::ArgFormat::kAddress) continue;
    uint64_t begin = 0;
    if (view.peek_all(GuestAddr(call.trap.arguments[i]), std::as_writable_bytes(std::span(&begin, 1))))
      names.new_range(begin, size);
  }
}

/// The result, with other words for what is another number in every run.
std::string result_text(const PendingCall& call, int64_t result, ValueNames* names) {
  using abi::ReturnKind;
  std::string text;
  CallText::print_result(call, result, text);
  if (names == nullptr || call.info == nullptr) return text;
  switch (call.info->returns) {
    case ReturnKind::kTime:
    case ReturnKind::kTicks: return names->time(static_cast<uint64_t>(result));
    case ReturnKind::kPointer: return names->address(static_cast<uint64_t>(result));
    default: return text;
  }
}

}  // namespace

std::string_view record_kind_name(TraceRecord::Kind kind) {
  using Kind = TraceRecord::Kind;
  switch (kind) {
    case Kind::kCall: return "call";
    case Kind::kException: return "exception";
    case Kind::kProcessCreated: return "process-created";
    case Kind::kProcessStarted: return "process-started";
    case Kind::kProcessExited: return "process-exited";
    case Kind::kThreadStarted: return "thread-started";
    case Kind::kThreadExited: return "thread-exited";
    case Kind::kServed: return "served";
  }
  return "unknown";
}

TraceRecords::TraceRecords(Core& core, RecordSink& sink, TextLimits limits, TraceFilter filter)
    : core_(core), sink_(sink), limits_(limits), filter_(std::move(filter)) {
  core_.tasks().add_observer(*this);
}

TraceRecords::~TraceRecords() { core_.tasks().remove_observer(*this); }

TextLimits TraceRecords::limits_for(const Thread& thread) {
  TextLimits limits = limits_;
  limits.names = sink_.names_for(thread);
  return limits;
}

TraceRecord TraceRecords::record_of(TraceRecord::Kind kind, const Process& process, const Thread* thread) const {
  TraceRecord record{.kind = kind, .time = core_.now(), .process = abi::raw(process.koid())};
  record.process_name = process.name();
  if (thread != nullptr) {
    record.thread = abi::raw(thread->koid());
    record.thread_name = thread->name();
  }
  record.end = record.time;
  return record;
}

void TraceRecords::call_entered(Thread& thread, const Trap& trap) {
  if (!filter_.takes_call(trap.number)) return;
  if (!filter_.takes(core_.now(), abi::raw(thread.process().koid()), abi::raw(thread.koid()))) return;
  Slot& at = slots_[abi::raw(thread.koid())];
  at.thread = &thread;
  at.active = true;
  at.waited = false;
  at.entered = core_.now();
  at.named.clear();
  ProcessView view(thread.process());
  TextLimits limits = limits_for(thread);
  CallText(NotingView(view, at.named), limits)
      .before(abi::syscall_by_number(static_cast<uint32_t>(trap.number)), trap, at.call);
}

void TraceRecords::call_parked(Thread& thread, const Trap&) {
  auto found = slots_.find(abi::raw(thread.koid()));
  if (found != slots_.end()) found->second.waited = true;
}

void TraceRecords::finish() {
  for (auto& [koid, at] : slots_)
    if (at.active) finish_call(*at.thread, nullptr, true);
}

void TraceRecords::finish_call(Thread& thread, const int64_t* result, bool unfinished) {
  auto found = slots_.find(abi::raw(thread.koid()));
  if (found == slots_.end() || !std::exchange(found->second.active, false)) return;
  Slot& at = found->second;
  ProcessView view(thread.process());
  NotingView noting(view, at.named);
  TextLimits limits = limits_for(thread);
  TraceRecord record = record_of(TraceRecord::Kind::kCall, thread.process(), &thread);
  bool injected = thread.call().injected;
  bool succeeded = result != nullptr && !injected && at.call.info != nullptr && !call_failed(*at.call.info, *result);
  if (limits.names != nullptr && succeeded) tell_range(view, at.call, *limits.names);
  for (ArgumentText& text : CallText(noting, limits).arguments(at.call, injected ? nullptr : result)) {
    TraceRecord::Argument argument;
    static_cast<ArgumentText&>(argument) = std::move(text);
    if (limits.names == nullptr) {
      argument.objects = objects_in(argument.text);
      for (uint64_t koid : objects_in(argument.after)) argument.objects.push_back(koid);
    }
    record.arguments.push_back(std::move(argument));
  }
  if (!filter_.takes_end(at.call.info, result, at.named)) return;
  record.time = at.entered;
  record.call = CallText::name(at.call);
  record.number = at.call.trap.number;
  record.waited = at.waited;
  record.unfinished = unfinished;
  record.returned = result != nullptr;
  record.injected = injected;
  if (result != nullptr) {
    record.result = *result;
    record.failed = at.call.info == nullptr || call_failed(*at.call.info, *result);
    record.result_text = result_text(at.call, *result, limits.names);
  } else {
    record.result_text += '?';
  }
  sink_.record(record);
}

void TraceRecords::call_left(Thread& thread, const Trap&, int64_t result) { finish_call(thread, &result); }

void TraceRecords::call_abandoned(Thread& thread, const Trap&) { finish_call(thread, nullptr); }

void TraceRecords::exception(Thread& thread, const Exception& exception) {
  if (!filter_.takes_life(core_.now(), abi::raw(thread.process().koid()), abi::raw(thread.koid()))) return;
  TraceRecord record = record_of(TraceRecord::Kind::kException, thread.process(), &thread);
  record.exception = exception_name(exception);
  record.detail = exception_detail(exception, core_.platform().arch());
  record.pc = exception.cause.pc.value;
  ValueNames* names = sink_.names_for(thread);
  record.pc_text = names != nullptr ? names->address(record.pc) : fmt::format("{:#x}", record.pc);
  sink_.record(record);
}

void TraceRecords::life(TraceRecord::Kind kind, Process& process, Thread* thread) {
  if (!filter_.takes_life(core_.now(), abi::raw(process.koid()), thread != nullptr ? abi::raw(thread->koid()) : 0))
    return;
  TraceRecord record = record_of(kind, process, thread);
  if (kind == TraceRecord::Kind::kProcessCreated) record.job = abi::raw(process.job().koid());
  if (kind == TraceRecord::Kind::kProcessExited) {
    record.result = process.return_code();
    record.result_text = abi::format_enum(*abi::flag_set("task_retcode"), static_cast<uint64_t>(record.result));
  }
  sink_.record(record);
}

void TraceRecords::process_created(Process& process) { life(TraceRecord::Kind::kProcessCreated, process, nullptr); }

void TraceRecords::process_started(Process& process, Thread& initial) {
  life(TraceRecord::Kind::kProcessStarted, process, &initial);
}

void TraceRecords::process_exited(Process& process) { life(TraceRecord::Kind::kProcessExited, process, nullptr); }

void TraceRecords::thread_started(Thread& thread) {
  life(TraceRecord::Kind::kThreadStarted, thread.process(), &thread);
}

void TraceRecords::served(std::string_view service, std::string_view text) {
  if (!filter_.takes_life(core_.now(), 0, 0)) return;
  sink_.record({.kind = TraceRecord::Kind::kServed, .time = core_.now(), .service = service, .text = text});
}

void TraceRecords::thread_exited(Thread& thread) {
  life(TraceRecord::Kind::kThreadExited, thread.process(), &thread);
  slots_.erase(abi::raw(thread.koid()));
}

}  // namespace jacinth::kernel
