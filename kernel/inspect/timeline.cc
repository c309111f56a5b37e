#include "kernel/inspect/timeline.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "kernel/inspect/exception_text.h"
#include "kernel/inspect/process_view.h"
#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {
namespace {

constexpr std::string_view kCalls = "syscall";
constexpr std::string_view kInterrupts = "interrupt";
constexpr std::string_view kWakes = "wake";
constexpr std::string_view kPackets = "packet";
constexpr std::string_view kMessages = "message";
constexpr std::string_view kTasks = "task";
constexpr std::string_view kFaults = "fault";

TimelineThread who_is(const Thread& thread) {
  return {.process = abi::raw(thread.process().koid()), .thread = abi::raw(thread.koid())};
}

Leaves how_it_leaves(const Thread& thread) {
  if (thread.dying_or_dead()) return Leaves::kDead;
  if (thread.thread_state() == Thread::State::kSuspended) return Leaves::kSuspended;
  return thread.may_run() ? Leaves::kReady : Leaves::kBlocked;
}

}  // namespace

Timeline::Timeline(Core& core, TimelineSink& sink, TextLimits limits, TraceFilter filter)
    : core_(core),
      sink_(sink),
      limits_(limits),
      filter_(std::move(filter)),
      running_(core.tasks().scheduler().cpu_count()) {
  sink_.process(kKernelProcess, "kernel");
  sink_.thread(kTimerThread, "timer");
  for (unsigned cpu = 0; cpu < running_.size(); ++cpu) {
    sink_.thread(idle_thread(cpu), fmt::format("idle {}", cpu));
    running_[cpu].who = idle_thread(cpu);
  }
  core_.tasks().add_observer(*this);
  core_.add_traffic_watcher(*this);
}

Timeline::~Timeline() {
  core_.remove_traffic_watcher(*this);
  core_.tasks().remove_observer(*this);
}

void Timeline::finish() {
  for (auto& [koid, at] : slots_)
    if (at.open) close(at, {});
  sample(true);
}

Timeline::Slot& Timeline::slot(Thread& thread) {
  Slot& at = slots_[abi::raw(thread.koid())];
  at.who = who_is(thread);
  return at;
}

bool Timeline::chosen(const Thread& thread) const {
  return filter_.takes(core_.now(), abi::raw(thread.process().koid()), abi::raw(thread.koid()));
}

// --- calls ---

void Timeline::call_entered(Thread& thread, const Trap& trap) {
  Slot& at = slot(thread);
  acting_ = &at;
  if (!filter_.takes_call(trap.number) || !chosen(thread)) return;
  ProcessView view(thread.process());
  CallText(view, limits_).before(abi::syscall_by_number(static_cast<uint32_t>(trap.number)), trap, at.call);
  at.name = CallText::name(at.call);
  at.open = true;
  sink_.begin(core_.now(), at.who, kCalls, at.name);
}

void Timeline::call_parked(Thread&, const Trap&) { acting_ = nullptr; }

void Timeline::call_resumed(Thread& thread, const Trap&) {
  acting_ = &slot(thread);
  arrive(*acting_);
}

/// Arrows that lead to this thread end here, if it is seen.
void Timeline::arrive(Slot& at) {
  uint64_t wake = std::exchange(at.wake, 0);
  uint64_t reply = std::exchange(at.reply, 0);
  if (!at.open) return;
  if (wake != 0) sink_.flow_end(core_.now(), at.who, kWakes, wake);
  if (reply != 0) sink_.flow_end(core_.now(), at.who, kMessages, reply);
}

void Timeline::close(Slot& at, std::span<const TimelineSink::Text> arguments) {
  at.open = false;
  sink_.end(core_.now(), at.who, kCalls, at.name, arguments);
}

void Timeline::finish_call(Thread& thread, const int64_t* result) {
  Slot& at = slot(thread);
  arrive(at);
  acting_ = nullptr;
  if (at.open) {
    ProcessView view(thread.process());
    std::vector<ArgumentText> list = CallText(view, limits_).arguments(at.call, result);
    std::vector<TimelineSink::Text> arguments;
    for (ArgumentText& argument : list) {
      if (!argument.after.empty()) argument.text += " => " + argument.after;
      if (!argument.name.empty()) arguments.push_back({argument.name, argument.text});
    }
    std::string text = "?";
    if (result != nullptr) {
      text.clear();
      CallText::print_result(at.call, *result, text);
    }
    arguments.push_back({"result", text});
    close(at, arguments);
  }
  sample(false);
}

void Timeline::call_left(Thread& thread, const Trap&, int64_t result) { finish_call(thread, &result); }

void Timeline::call_abandoned(Thread& thread, const Trap&) { finish_call(thread, nullptr); }

// --- arrows ---

uint64_t Timeline::depart(std::string_view category) {
  TimelineThread from = kTimerThread;
  if (!in_interrupt_) {
    if (acting_ == nullptr || !acting_->open) return 0;
    from = acting_->who;
  }
  sink_.flow_begin(core_.now(), from, category, ++last_flow_);
  return last_flow_;
}

void Timeline::thread_woken(Thread& thread) {
  sink_.woken(core_.now(), thread.turn().cpu, who_is(thread));
  Slot& at = slot(thread);
  if (at.open && at.wake == 0) at.wake = depart(kWakes);
}

void Timeline::packet_queued(Koid port, uint64_t ticket, const abi::PortPacket&) {
  if (uint64_t flow = depart(kPackets); flow != 0) packets_[{abi::raw(port), ticket}] = flow;
}

void Timeline::packet_taken(Koid port, uint64_t ticket, const abi::PortPacket&) {
  auto found = packets_.find({abi::raw(port), ticket});
  if (found == packets_.end()) return;
  if (acting_ != nullptr && acting_->open) sink_.flow_end(core_.now(), acting_->who, kPackets, found->second);
  packets_.erase(found);
}

void Timeline::message_queued(Koid end, uint32_t) { messages_[abi::raw(end)].push_back(depart(kMessages)); }

void Timeline::message_taken(Koid end) {
  auto found = messages_.find(abi::raw(end));
  if (found == messages_.end()) return;
  uint64_t flow = found->second.front();
  found->second.pop_front();
  if (found->second.empty()) messages_.erase(found);
  if (flow != 0 && acting_ != nullptr && acting_->open) sink_.flow_end(core_.now(), acting_->who, kMessages, flow);
}

void Timeline::reply_delivered(Koid thread, uint32_t) {
  auto found = slots_.find(abi::raw(thread));
  if (found != slots_.end() && found->second.open) found->second.reply = depart(kMessages);
}

// --- CPUs ---

void Timeline::interrupt_begins() {
  acting_ = nullptr;
  in_interrupt_ = true;
  sink_.begin(core_.now(), kTimerThread, kInterrupts, "timer");
}

void Timeline::interrupt_ends() {
  in_interrupt_ = false;
  sink_.end(core_.now(), kTimerThread, kInterrupts, "timer", {});
  sample(false);
}

void Timeline::switch_to(unsigned cpu, Thread* thread) {
  Running& at = running_[cpu];
  TimelineThread to = thread != nullptr ? who_is(*thread) : idle_thread(cpu);
  if (to.thread == at.who.thread) return;
  Leaves how = at.gone ? Leaves::kDead : at.thread != nullptr ? how_it_leaves(*at.thread) : Leaves::kReady;
  sink_.switched(core_.now(), cpu, at.who, how, to, thread != nullptr ? thread->turn().base_priority : 0);
  at = {.thread = thread, .who = to, .gone = false};
  sample(false);
}

void Timeline::thread_runs(Thread& thread, unsigned cpu) {
  acting_ = nullptr;
  switch_to(cpu, &thread);
}

void Timeline::cpu_idles(unsigned cpu) { switch_to(cpu, nullptr); }

void Timeline::page_fault(Thread& thread, unsigned, GuestAddr page, AccessKind access) {
  if (!chosen(thread)) return;
  std::string text = fmt::format("{} {:#x}", access_phrase(access), page.value);
  std::array<TimelineSink::Text, 1> arguments{{{"access", text}}};
  sink_.instant(core_.now(), who_is(thread), kFaults, "page fault", arguments);
}

void Timeline::exception(Thread& thread, const Exception& exception) {
  if (!chosen(thread)) return;
  std::string name = exception_name(exception);
  std::string detail = exception_detail(exception, core_.platform().arch());
  std::string pc = fmt::format("{:#x}", exception.cause.pc.value);
  std::array<TimelineSink::Text, 2> arguments{{{"pc", pc}, {"detail", detail}}};
  sink_.instant(core_.now(), who_is(thread), kTasks, name, arguments);
}

// --- who there is ---

void Timeline::process_created(Process& process) { sink_.process(abi::raw(process.koid()), process.name()); }

void Timeline::process_exited(Process&) { sample(false); }

void Timeline::thread_started(Thread& thread) {
  // Names may have been given since the process was made.
  sink_.process(abi::raw(thread.process().koid()), thread.process().name());
  sink_.thread(who_is(thread), thread.name());
  if (chosen(thread)) sink_.instant(core_.now(), who_is(thread), kTasks, "thread started", {});
}

void Timeline::thread_exited(Thread& thread) {
  auto found = slots_.find(abi::raw(thread.koid()));
  if (found != slots_.end()) {
    if (found->second.open) close(found->second, {});
    if (acting_ == &found->second) acting_ = nullptr;
    slots_.erase(found);
  }
  if (chosen(thread)) sink_.instant(core_.now(), who_is(thread), kTasks, "thread exited", {});
  for (Running& at : running_) {
    if (at.thread != &thread) continue;
    at.thread = nullptr;
    at.gone = true;
  }
}

// --- counters ---

void Timeline::sample(bool now) {
  Time time = core_.now();
  if (!now && time < next_sample_) return;
  next_sample_ = time + kSampleGap;
  std::vector<uint64_t> values = {core_.vm().pmm().free_count() * kPageSize,
                                  static_cast<uint64_t>(core_.common_counters().handles_live),
                                  core_.tasks().scheduler().ready_count()};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kNames{
      {{"memory", "free bytes"}, {"handles", "live"}, {"threads", "waiting for a CPU"}}};
  for (size_t i = 0; i < values.size(); ++i) {
    if (!sampled_.empty() && sampled_[i] == values[i] && !now) continue;
    std::array<TimelineSink::Value, 1> one{{{kNames[i].second, values[i]}}};
    sink_.counter(time, kNames[i].first, one);
  }
  sampled_ = std::move(values);
}

}  // namespace jacinth::kernel
