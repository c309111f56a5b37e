// Exceptions as programs handle them: channels of tasks, exception objects, reports.
// zircon/kernel/lib/syscalls/exceptions.cc and the exception parts of object.cc.
#include "kernel/abi/exception.h"

#include "kernel/ipc/channel.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/info.h"
#include "kernel/task/exception_object.h"

namespace jacinth::kernel {
namespace {

/// Makes the channel on which a task's exceptions arrive from now on.
Status task_create_exception_channel(Call& call, Handle handle, abi::ExceptionChannelOptions options,
                                     UserOut<Handle> out) {
  if (!within(options, abi::ExceptionChannelOptions::kDebugger)) return Status::kInvalidArgs;
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewChannel));
  constexpr Rights kNeeded = Rights::kInspect | Rights::kDuplicate | Rights::kTransfer | Rights::kManageThread;
  HandleEntry task = TRY(call.entry(handle, kNeeded));

  // Handlers get handles with the rights of this one. A thread's handler learns nothing of the process.
  bool debugger = options == abi::ExceptionChannelOptions::kDebugger;
  Rights process_rights = task.rights;
  Exceptionate* exceptionate = nullptr;
  if (auto* job = object_cast<Job>(task.object.get())) {
    exceptionate = debugger ? &job->debug_exceptionate() : &job->exceptionate();
  } else if (auto* process = object_cast<Process>(task.object.get())) {
    exceptionate = debugger ? &process->debug_exceptionate() : &process->exceptionate();
  } else if (auto* thread = object_cast<Thread>(task.object.get())) {
    if (debugger) return Status::kInvalidArgs;
    exceptionate = &thread->exceptionate();
    process_rights = Rights::kNone;
  } else {
    return Status::kWrongType;
  }
  if (process_rights != Rights::kNone && !contains(task.rights, Rights::kEnumerate)) return Status::kAccessDenied;

  auto [kernel_end, user_end] = Channel::create(call.core());
  // The other end must be somebody's before it counts as open.
  HandleOwner user_handle = TRY(call.core().handles().make(user_end, abi::kExceptionChannelRights));
  TRY_STATUS(exceptionate->attach(std::move(kernel_end), task.rights, process_rights));
  return call.give(out, std::move(user_handle));
}

Status exception_get_thread(Call& call, Handle handle, UserOut<Handle> out) {
  Ref<ExceptionObject> exception = TRY(call.get<ExceptionObject>(handle, Rights::kNone));
  return call.give(out, exception->thread(), exception->thread_rights());
}

Status exception_get_process(Call& call, Handle handle, UserOut<Handle> out) {
  Ref<ExceptionObject> exception = TRY(call.get<ExceptionObject>(handle, Rights::kNone));
  if (exception->process_rights() == Rights::kNone) return Status::kAccessDenied;
  return call.give(out, exception->thread()->process_ref(), exception->process_rights());
}

// --- ZX_INFO_THREAD_EXCEPTION_REPORT ---

Result<abi::ExceptionReport> report_of(InfoRequest& request) {
  Ref<Thread> thread = TRY(request.get<Thread>(Rights::kInspect));
  if (!thread->exceptions().active()) return Status::kBadState;
  return thread->exceptions().exception()->exception().report(request.call().core().platform().arch());
}

Status exception_report(InfoRequest& request) { return request.one(TRY(report_of(request))); }

Status exception_report_v1(InfoRequest& request) {
  abi::ExceptionReport report = TRY(report_of(request));
  // Of the contexts x86-64's is the larger. Who asks this way knows no longer report, and finds its size in it.
  abi::ExceptionReportV1 old{.header = report.header, .x86_64 = report.x86_64};
  old.header.size = sizeof old;
  return request.one(old);
}

constexpr auto kInfos = std::to_array<InfoRow>({
    {abi::InfoTopic::kThreadExceptionReport, exception_report},
    {abi::InfoTopic::kThreadExceptionReportV1, exception_report_v1},
});

// --- properties of an exception ---

Status get_state(Call&, Object& object, UserBytesOut value, uint64_t size) {
  if (size < sizeof(abi::ExceptionState)) return Status::kBufferTooSmall;
  auto* exception = object_cast<ExceptionObject>(&object);
  if (exception == nullptr) return Status::kWrongType;
  return value.write_value(exception->disposition());
}

Status set_state(Call&, Object& object, UserBytesIn value, uint64_t size) {
  if (size < sizeof(abi::ExceptionState)) return Status::kBufferTooSmall;
  auto* exception = object_cast<ExceptionObject>(&object);
  if (exception == nullptr) return Status::kWrongType;
  auto state = TRY(take_property<abi::ExceptionState>(value, size));
  if (state > abi::ExceptionState::kThreadExit) return Status::kInvalidArgs;
  exception->set_disposition(state);
  return Status::kOk;
}

Status get_strategy(Call&, Object& object, UserBytesOut value, uint64_t size) {
  if (size < sizeof(abi::ExceptionStrategy)) return Status::kBufferTooSmall;
  auto* exception = object_cast<ExceptionObject>(&object);
  if (exception == nullptr) return Status::kWrongType;
  return value.write_value(exception->strategy());
}

/// Only the debugger may say so, while it has the exception.
Status set_strategy(Call&, Object& object, UserBytesIn value, uint64_t size) {
  if (size < sizeof(abi::ExceptionStrategy)) return Status::kBufferTooSmall;
  auto* exception = object_cast<ExceptionObject>(&object);
  if (exception == nullptr) return Status::kWrongType;
  if (exception->thread()->exceptions().handler() != abi::ExceptionChannelType::kDebugger) return Status::kBadState;
  auto strategy = TRY(take_property<abi::ExceptionStrategy>(value, size));
  if (strategy > abi::ExceptionStrategy::kSecondChance) return Status::kInvalidArgs;
  exception->set_strategy(strategy);
  return Status::kOk;
}

constexpr auto kProperties = std::to_array<PropertyRow>({
    {abi::Property::kExceptionState, get_state, set_state},
    {abi::Property::kExceptionStrategy, get_strategy, set_strategy},
});

constexpr auto kRows = std::to_array<Row>({
    {"zx_exception_get_process", bind<exception_get_process>, Support::kFull,
     "Refused to the handler of a thread; the handle has the rights of the one that made the channel."},
    {"zx_exception_get_thread", bind<exception_get_thread>, Support::kFull,
     "The handle has the rights of the one that made the channel."},
    {"zx_task_create_exception_channel", bind<task_create_exception_channel>, Support::kFull,
     "Threads, processes and jobs; debuggers of processes and jobs."},
});

}  // namespace

std::span<const InfoRow> exception_infos() { return kInfos; }

std::span<const PropertyRow> exception_properties() { return kProperties; }

std::span<const Row> exception_rows() { return kRows; }

}  // namespace jacinth::kernel
