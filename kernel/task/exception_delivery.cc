#include "kernel/task/exception_delivery.h"

#include <utility>

#include "emu/base/check.h"
#include "kernel/abi/task.h"
#include "kernel/object/core.h"
#include "kernel/task/exception_object.h"
#include "kernel/task/job.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

ExceptionDelivery::ExceptionDelivery(Thread& thread) : thread_(thread) {}

ExceptionDelivery::~ExceptionDelivery() = default;

bool ExceptionDelivery::has_registers() const {
  return exception_->exception().type != abi::ExceptionType::kThreadExiting;
}

void ExceptionDelivery::raise(const Exception& exception) {
  CHECK(!active(), "an exception within an exception");
  thread_.stop_running();
  exception_ = make_object<ExceptionObject>(Ref<Thread>(&thread_), exception);
  announcement_ = false;
  next_ = Next::kDebugger;
  ask_next();
}

bool ExceptionDelivery::announce(abi::ExceptionType type, Exceptionate& debugger) {
  CHECK(!active(), "an exception within an exception");
  if (!debugger.attached()) return false;
  exception_ = make_object<ExceptionObject>(Ref<Thread>(&thread_), Exception{.type = type, .cause = {}});
  announcement_ = true;
  next_ = Next::kNobody;
  if (!debugger.send(exception_)) {
    exception_ = nullptr;
    return false;
  }
  handler_ = debugger.type();
  thread_.stop_running();
  return true;
}

Exceptionate& ExceptionDelivery::take_next() {
  Process& process = thread_.process();
  switch (next_) {
    case Next::kDebugger: next_ = Next::kThread; return process.debug_exceptionate();
    case Next::kThread: next_ = Next::kProcess; return thread_.exceptionate();
    case Next::kProcess: {
      bool again = exception_->strategy() == abi::ExceptionStrategy::kSecondChance;
      next_ = again ? Next::kDebuggerAgain : Next::kJob;
      job_ = Ref<Job>(&process.job());
      return process.exceptionate();
    }
    case Next::kDebuggerAgain: next_ = Next::kJob; return process.debug_exceptionate();
    case Next::kJob:
    case Next::kNobody: break;
  }
  Job& job = *job_;
  job_ = job.parent();
  if (!job_) next_ = Next::kNobody;
  return job.exceptionate();
}

void ExceptionDelivery::ask_next() {
  while (next_ != Next::kNobody) {
    Exceptionate& to = take_next();
    if (to.send(exception_)) {
      handler_ = to.type();
      return;
    }
  }
  Exception exception = exception_->exception();
  Tasks& tasks = thread_.core().tasks();
  tasks.tell([&](KernelObserver& observer) { observer.crashed(thread_, exception); });
  over();
  thread_.process().kill(static_cast<int64_t>(abi::TaskRetcode::kExceptionKill));
}

void ExceptionDelivery::closed(ExceptionObject& exception) {
  abi::ExceptionState disposition = exception.take_disposition();
  if (exception_ != &exception) return;
  handler_ = abi::ExceptionChannelType::kNone;
  bool debug_stop = exception.exception().type == abi::ExceptionType::kHwBreakpoint;
  if (debug_stop && disposition == abi::ExceptionState::kHandled) thread_.debug_stop_over();
  if (announcement_ || disposition == abi::ExceptionState::kHandled) {
    over();
    thread_.exception_over();
  } else if (disposition == abi::ExceptionState::kThreadExit) {
    over();
    thread_.exit();
  } else {
    ask_next();
  }
}

void ExceptionDelivery::abandon() { over(); }

void ExceptionDelivery::over() {
  exception_ = nullptr;
  handler_ = abi::ExceptionChannelType::kNone;
  next_ = Next::kNobody;
  job_ = nullptr;
}

void ExceptionDelivery::state(Archive& ar) {
  state_ref(ar, exception_);
  state_ref(ar, job_);
  ar(handler_, next_, announcement_);
}

void ExceptionDelivery::check_loaded(Archive& ar) const {
  bool good = next_ <= Next::kNobody && (next_ != Next::kJob || job_);
  if (exception_) good = good && exception_->thread() == &thread_;
  if (!good) ar.fail("a thread in an exception that is not its own");
}

}  // namespace jacinth::kernel
