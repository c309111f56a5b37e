#include "kernel/syscalls/injection.h"

#include "emu/base/check.h"
#include "kernel/syscalls/call.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

Injector::Injector(Tasks& tasks, std::span<const Injection> injections, std::span<Handler> handlers) : tasks_(tasks) {
  for (const Injection& injection : injections) {
    CHECK(injection.number < handlers.size() && handlers[injection.number] != nullptr && injection.step != 0,
          "call {} cannot be injected", injection.number);
    Handler& handler = handlers[injection.number];
    Chosen& chosen = chosen_[injection.number];
    chosen.what = injection;
    if (chosen.handler == nullptr) chosen.handler = handler;
    handler = &Injector::handle;
  }
  tasks_.add_observer(*this, Hears::kAllButTraffic);
}

Injector::~Injector() { tasks_.remove_observer(*this); }

int64_t Injector::handle(Call& call) {
  Chosen& chosen = call.kernel().injector()->chosen_.at(call.number());
  // A call that waited was counted when it began.
  if (call.resumed()) return chosen.handler(call);
  ++chosen.made;
  if (!chosen.what.takes(++chosen.by_thread[abi::raw(call.thread().koid())])) return chosen.handler(call);
  ++chosen.injected;
  call.state().injected = true;
  return chosen.what.result;
}

void Injector::thread_exited(Thread& thread) {
  for (auto& [number, chosen] : chosen_) chosen.by_thread.erase(abi::raw(thread.koid()));
}

void Injector::state(Archive& ar) {
  for (auto& [number, chosen] : chosen_) ar(chosen.made, chosen.injected, chosen.by_thread);
}

}  // namespace jacinth::kernel
