#include "kernel/inspect/deadlock_report.h"

#include <fmt/format.h>

#include <cstring>
#include <iterator>

#include "kernel/abi/format.h"
#include "kernel/inspect/call_text.h"
#include "kernel/inspect/guest_code.h"
#include "kernel/inspect/holders.h"
#include "kernel/inspect/process_view.h"
#include "kernel/ipc/port.h"
#include "kernel/ipc/port_observer.h"
#include "kernel/syscalls/kernel.h"

namespace jacinth::kernel {
namespace {

/// Threads and waits of one port that are told one by one; the rest is counted.
constexpr size_t kMaxThreads = 32;
constexpr size_t kMaxWatched = 16;

class Report {
 public:
  Report(Kernel& kernel, GuestCode& code)
      : kernel_(kernel), core_(kernel.core()), code_(code), holders_(kernel.core()) {}

  std::string write() {
    std::vector<Thread*> threads = kernel_.blocked_threads();
    line(0, "{}; it is {} now",
         threads.size() == 1
             ? std::string("the only thread waits, and nothing is left that could wake it")
             : fmt::format("all {} threads wait, and nothing is left that could wake any of them", threads.size()),
         abi::format_time(core_.now()));
    for (size_t i = 0; i < threads.size() && i < kMaxThreads; ++i) thread(*threads[i]);
    if (threads.size() > kMaxThreads) line(0, "and {} more threads", threads.size() - kMaxThreads);
    return std::move(text_);
  }

  std::string of(Thread& waiting) {
    thread(waiting);
    return std::move(text_);
  }

  std::string of(Object& object) {
    line(0, "{}: {}", object_text(object), state_of(object));
    line(1, "{}", holders_.text(core_, object.koid()));
    if (object.type() == ObjectType::kPort) watched_by(static_cast<const Port&>(object), 1);
    watchers(object);
    return std::move(text_);
  }

 private:
  template <class... Arguments>
  void line(size_t depth, std::string_view format, Arguments&&... arguments) {
    text_.append(2 * depth, ' ');
    fmt::vformat_to(std::back_inserter(text_), format, fmt::make_format_args(arguments...));
    text_ += '\n';
  }

  void thread(Thread& thread) {
    line(0, "{}, {}", describe(thread.process()), describe(thread));
    const CallState& call = thread.call();
    if (!call.active) {
      line(1, thread.exceptions().active() ? "waits for somebody to handle its exception" : "is suspended");
      return;
    }
    ProcessView view(thread.process());
    line(1, "in {}{}", name_of(call.trap), call_arguments(view, {}, call.trap));
    if (std::string site = call_site_text(code_, thread); !site.empty()) line(1, "called from {}", site);
    switch (thread.wait().reason) {
      case BlockReason::kFutex: futex(thread); break;
      case BlockReason::kSleeping: line(2, "sleeps for ever"); break;
      case BlockReason::kConsole: line(2, "waits for input at the console, and none is on its way"); break;
      default: break;
    }
    for (const Ref<Object>& object : call.named)
      if (object) waited_for(*object, 2);
    const WaitObservers& waits = thread.waits();
    for (size_t i = 0; i < waits.size(); ++i)
      if (Object* object = waits.object(i)) waited_for(*object, 2);
  }

  static std::string name_of(const Trap& trap) {
    const abi::SyscallInfo* info = abi::syscall_by_number(static_cast<uint32_t>(trap.number));
    return info != nullptr ? std::string(info->name) : fmt::format("syscall_{}", trap.number);
  }

  void futex(Thread& thread) {
    GuestAddr address(thread.call().trap.arguments[0]);
    std::array<std::byte, 4> bytes = {};
    std::string value;
    if (ProcessView(thread.process()).peek_all(address, bytes)) {
      int32_t word = 0;
      std::memcpy(&word, bytes.data(), sizeof word);
      value = fmt::format(", which holds {} now", word);
    }
    Ref<Thread> owner = thread.process().futexes().owner(address);
    line(2, "futex {:#x}{}; {}", address.value, value,
         owner ? fmt::format("its owner is {}", describe(*owner)) : "it has no owner");
  }

  /// What is known of an object that a call waits for, or that a port watches.
  void waited_for(const Object& object, size_t depth) {
    line(depth, "{}: {}", object_text(object), state_of(object));
    if (object.type() == ObjectType::kPort) watched_by(static_cast<const Port&>(object), depth + 1);
  }

  std::string state_of(const Object& object) {
    switch (object.type()) {
      case ObjectType::kPort: {
        const auto& port = static_cast<const Port&>(object);
        return fmt::format("{} packets, {} waits for signals; {}", port.packet_count(), port.observer_count(),
                           holders_.text(core_, object.koid()));
      }
      case ObjectType::kChannel:
      case ObjectType::kEventpair:
      case ObjectType::kSocket:
      case ObjectType::kFifo: return signals_of(object) + "; " + other_end(object);
      case ObjectType::kProcess:
      case ObjectType::kThread:
      case ObjectType::kJob: return signals_of(object);
      default: return signals_of(object) + "; " + holders_.text(core_, object.koid());
    }
  }

  static std::string signals_of(const Object& object) {
    return fmt::format("signals {}", abi::format_signals(object.type(), object.signals()));
  }

  std::string other_end(const Object& object) {
    Koid koid = object.related_koid();
    if (contains(object.signals(), Signals::kPeerClosed)) return "its other end is closed";
    Object* end = core_.objects().find(koid);
    if (end == nullptr) return "its other end is gone";
    return fmt::format("its other end {} is {}", object_text(*end), holders_.text(core_, koid));
  }

  /// Who waits for signals of it.
  void watchers(Object& object) {
    size_t count = 0;
    object.observers().for_each([&](Observer& observer) {
      if (++count > kMaxWatched) return;
      if (auto* at = dynamic_cast<PortObserver*>(&observer))
        line(1, "{} waits for {} with key {:#x}", object_text(at->port()),
             abi::format_signals(object.type(), at->trigger()), at->packet.key);
    });
    if (count > kMaxWatched) line(1, "and {} more waits", count - kMaxWatched);
  }

  void watched_by(const Port& port, size_t depth) {
    size_t count = 0;
    core_.objects().for_each([&](Object& object) {
      object.observers().for_each([&](Observer& observer) {
        auto* at = dynamic_cast<PortObserver*>(&observer);
        if (at == nullptr || &at->port() != &port || ++count > kMaxWatched) return;
        line(depth, "waits with key {:#x} for {} of {}: {}", at->packet.key,
             abi::format_signals(object.type(), at->trigger()), object_text(object), state_of(object));
      });
    });
    if (count > kMaxWatched) line(depth, "and {} more waits", count - kMaxWatched);
  }

  Kernel& kernel_;
  Core& core_;
  GuestCode& code_;
  Holders holders_;
  std::string text_;
};

}  // namespace

std::string deadlock_report(Kernel& kernel, GuestCode& code) { return Report(kernel, code).write(); }

std::string wait_report(Kernel& kernel, GuestCode& code, Thread& thread) { return Report(kernel, code).of(thread); }

std::string object_report(Kernel& kernel, GuestCode& code, Object& object) { return Report(kernel, code).of(object); }

}  // namespace jacinth::kernel
