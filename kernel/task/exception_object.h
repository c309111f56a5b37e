// What a handler of an exception holds: while it has a handle to it, the thread waits
// (zircon/kernel/object/exception_dispatcher.cc).
//
//   Thread --Ref--> ExceptionObject <--handle-- message on an exception channel, or the handler that read it
//      ^-----Ref-------'
//
// The thread lets go of it when the exception is over, whether by its handlers or because the thread was killed. Who
// still has a handle then can ask it for the thread, and nothing else comes of it.
#pragma once

#include "kernel/abi/exception.h"
#include "kernel/object/object.h"
#include "kernel/task/exception.h"

namespace jacinth::kernel {

class Thread;

class ExceptionObject final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kException;

  ExceptionObject(Ref<Thread> thread, const Exception& exception);
  /// For loading only.
  explicit ExceptionObject(Core& core);

  const Ref<Thread>& thread() const { return thread_; }
  const Exception& exception() const { return exception_; }

  /// What the present handler may do with the thread and the process, by the handle that made its channel.
  Rights thread_rights() const { return thread_rights_; }
  Rights process_rights() const { return process_rights_; }
  void set_task_rights(Rights thread, Rights process) {
    thread_rights_ = thread;
    process_rights_ = process;
  }

  /// What happens when the last handle is closed.
  abi::ExceptionState disposition() const { return disposition_; }
  void set_disposition(abi::ExceptionState disposition) { disposition_ = disposition; }
  /// The same, forgotten for the next handler.
  abi::ExceptionState take_disposition() { return std::exchange(disposition_, abi::ExceptionState::kTryNext); }

  /// The debugger wants to be asked again when the process's own handler did not help.
  abi::ExceptionStrategy strategy() const { return strategy_; }
  void set_strategy(abi::ExceptionStrategy strategy) { strategy_ = strategy; }

  Koid related_koid() const override { return {}; }
  void on_zero_handles() override;
  void state(Archive& ar) override;

 private:
  ~ExceptionObject() override;

  Ref<Thread> thread_;
  Exception exception_;
  Rights thread_rights_{};
  Rights process_rights_{};
  abi::ExceptionState disposition_ = abi::ExceptionState::kTryNext;
  abi::ExceptionStrategy strategy_ = abi::ExceptionStrategy::kFirstChance;
};

}  // namespace jacinth::kernel
