// A thread's way through an exception: who has it now, and who is asked next.
//
//   fault, policy:   debugger -> thread -> process -> (debugger again) -> job -> parent jobs -> nobody: the process
//   dies process starts:  debugger of the nearest job that has one      } the first one only, and whatever it says the
//   thread starts, exits:  debugger of the process                 } thread goes on
//
// Each handler gets the exception's only handle and decides by closing it. Facts: zircon/kernel/object/exception.cc
// (the order, the second chance) and thread_dispatcher.cc.
//
// Left out: nothing. Where sources of different years differ, a kill ends the wait of an exiting thread for its
// debugger, as docs/concepts/kernel/exceptions.md has it.
#pragma once

#include <cstdint>

#include "kernel/abi/exception.h"
#include "kernel/object/ref.h"
#include "kernel/task/exception.h"

namespace jacinth::kernel {

class ExceptionObject;
class Exceptionate;
class Job;
class Thread;

class ExceptionDelivery {
 public:
  explicit ExceptionDelivery(Thread& thread);
  ExceptionDelivery(const ExceptionDelivery&) = delete;
  ExceptionDelivery& operator=(const ExceptionDelivery&) = delete;
  ~ExceptionDelivery();

  /// The thread is in an exception: it runs no instruction before its handlers are done.
  bool active() const { return bool(exception_); }
  const Ref<ExceptionObject>& exception() const { return exception_; }
  /// Who has it; kNone for a thread that is in no exception.
  abi::ExceptionChannelType handler() const { return handler_; }
  /// Handlers may look at the registers and change them: always but for a thread that exits.
  bool has_registers() const;

  /// The thread ran into `exception`: it stops, and every handler is asked until one helps.
  void raise(const Exception& exception);
  /// Tells one debugger that the thread starts or exits. True when it is there; the thread waits for it then.
  bool announce(abi::ExceptionType type, Exceptionate& debugger);
  /// The last handle to `exception` was closed: its handler is done, unless the exception was over before.
  void closed(ExceptionObject& exception);
  /// No handler can do anything any more: the thread was killed.
  void abandon();

  void state(Archive& ar);
  void check_loaded(Archive& ar) const;

 private:
  enum class Next : uint8_t { kDebugger, kThread, kProcess, kDebuggerAgain, kJob, kNobody };

  /// The handler whose turn it is; moves on to the one after it.
  Exceptionate& take_next();
  void ask_next();
  void over();

  Thread& thread_;
  Ref<ExceptionObject> exception_;
  abi::ExceptionChannelType handler_ = abi::ExceptionChannelType::kNone;
  Next next_ = Next::kNobody;
  bool announcement_ = false;
  Ref<Job> job_;  // Whose turn it is, with kJob.
};

}  // namespace jacinth::kernel
