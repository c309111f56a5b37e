#include "kernel/task/tasks.h"

#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/task/exception_object.h"
#include "kernel/task/job.h"
#include "kernel/task/process.h"
#include "kernel/task/profile.h"
#include "kernel/task/suspend_token.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

Tasks::Tasks(Core& core) : core_(core), scheduler_(core.platform().cpu_count()) {
  core.set_tasks(this);
  ObjectTable& objects = core.objects();
  objects.register_type<ExceptionObject>();
  objects.register_type<Job>();
  objects.register_type<Process>();
  objects.register_type<Profile>();
  objects.register_type<Thread>();
  objects.register_type<SuspendToken>();
}

Tasks::~Tasks() { core_.set_tasks(nullptr); }

void Tasks::add_dying(Thread& thread) { dying_.emplace_back(&thread); }

void Tasks::add_dead(Process& process) { dead_.emplace_back(&process); }

void Tasks::settle_all() {
  for (;;) {
    core_.objects().drain();
    if (!dying_.empty()) {
      Ref<Thread> thread = std::move(dying_.front());
      dying_.pop_front();
      thread->finish();
    } else if (!dead_.empty()) {
      Ref<Process> process = std::move(dead_.front());
      dead_.pop_front();
      process->finish();
    } else {
      return;
    }
  }
}

void Tasks::forget_all() {
  scheduler_.clear();
  dying_.clear();
  dead_.clear();
}

void Tasks::check_loaded(Archive& ar) {
  core_.objects().for_each([&](Object& object) {
    if (auto* job = object_cast<Job>(&object)) {
      // Heights fall by one on the way down, which also means that no job is its own ancestor.
      uint32_t expected = job->parent() ? job->height() + 1 : Job::kRootHeight;
      if ((job->parent() ? job->parent()->height() : job->height()) != expected) ar.fail("a job out of its tree");
      if (job->job_state() > Job::State::kDead) ar.fail("a job in no state");
    } else if (auto* process = object_cast<Process>(&object)) {
      process->check_loaded(ar);
    } else if (auto* thread = object_cast<Thread>(&object)) {
      thread->check_loaded(ar);
    }
  });
}

void Tasks::deliver(Thread& thread, const Exception& exception) {
  tell([&](KernelObserver& observer) { observer.exception(thread, exception); });
  thread.exceptions().raise(exception);
}

}  // namespace jacinth::kernel
