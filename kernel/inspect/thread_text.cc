#include "kernel/inspect/thread_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "kernel/abi/format.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/exception_text.h"
#include "kernel/inspect/holders.h"
#include "kernel/object/core.h"
#include "kernel/task/exception_object.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {
namespace {

/// Objects of one wait that are named one by one.
constexpr size_t kMaxNamed = 3;

std::string call_name(const Trap& trap) {
  const abi::SyscallInfo* info = abi::syscall_by_number(static_cast<uint32_t>(trap.number));
  return info != nullptr ? std::string(info->name) : fmt::format("syscall_{}", trap.number);
}

std::string waited_for(const Thread& thread) {
  if (thread.wait().reason == BlockReason::kFutex)
    return fmt::format(" on futex {:#x}", thread.call().trap.arguments[0]);
  std::vector<const Object*> objects;
  auto add = [&objects](const Object* object) {
    if (object != nullptr && std::ranges::find(objects, object) == objects.end()) objects.push_back(object);
  };
  for (const Ref<Object>& object : thread.call().named) add(object.get());
  auto& waits = const_cast<Thread&>(thread).waits();
  for (size_t i = 0; i < waits.size(); ++i) add(waits.object(i));
  std::string text;
  for (size_t i = 0; i < objects.size() && i < kMaxNamed; ++i)
    text += (i == 0 ? " on " : ", ") + object_text(*objects[i]);
  if (objects.size() > kMaxNamed) text += fmt::format(" and {} more", objects.size() - kMaxNamed);
  return text;
}

}  // namespace

std::string thread_state_text(const Thread& thread) {
  if (!thread.started()) return "new";
  if (thread.thread_state() == Thread::State::kDead) return "dead";
  if (thread.exceptions().active())
    return "in exception " + exception_name(thread.exceptions().exception()->exception());
  if (thread.dying_or_dead()) return "dying";
  if (thread.thread_state() == Thread::State::kSuspended) return "suspended";
  const Scheduler& scheduler = thread.core().tasks().scheduler();
  for (unsigned cpu = 0; cpu < scheduler.cpu_count(); ++cpu)
    if (scheduler.current(cpu) == &thread) return fmt::format("running on CPU {}", cpu);
  if (!thread.parked()) return "ready to run";
  std::string text = "blocked";
  if (thread.call().active) {
    text += " in " + call_name(thread.call().trap) + waited_for(thread);
  } else if (thread.wait().reason == BlockReason::kPager) {
    text += " on a page that its pager has to bring";
  }
  if (thread.wait().deadline != Time::never())
    text += fmt::format(" until {}", abi::format_time(thread.wait().deadline));
  return text;
}

}  // namespace jacinth::kernel
