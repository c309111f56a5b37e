// The kernel's own trace. zircon/kernel/lib/syscalls/debug.cc, zircon/kernel/lib/ktrace.
#include "kernel/task/ktrace.h"

#include <array>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/syscalls/resources.h"
#include "kernel/syscalls/vmo_transfer.h"

namespace jacinth::kernel {
namespace {

/// NEW_PROBE reads so much, whatever comes before it ends.
constexpr size_t kProbeName = 31;
/// What is copied at a time.
constexpr uint64_t kChunk = 64 << 10;

Status may_trace(Call& call, Handle resource) {
  if (!debugging_syscalls(call)) return Status::kNotSupported;
  return validate_resource(call, resource, abi::ResourceSystemBase::kDebug);
}

/// For kNewProbe the number of the probe.
int32_t ktrace_control(Call& call, Handle resource, abi::KtraceAction action, abi::KtraceGroups groups,
                       UserBytesIn pointer) {
  Status allowed = may_trace(call, resource);
  if (allowed != Status::kOk) return abi::raw(allowed);
  Ktrace& trace = call.kernel().ktrace();
  switch (action) {
    case abi::KtraceAction::kStart:
    case abi::KtraceAction::kStartCircular: {
      Status status = trace.start(groups, action == abi::KtraceAction::kStartCircular);
      if (status != Status::kOk) return abi::raw(status);
      // A mark of its own, as there.
      Result<uint32_t> ready = trace.probe("ktrace_ready");
      if (ready) static_cast<void>(trace.write_probe(*ready, abi::raw(call.thread().koid()), 0, 0));
      return abi::raw(Status::kOk);
    }
    case abi::KtraceAction::kStop: return abi::raw(trace.stop());
    case abi::KtraceAction::kRewind: return abi::raw(trace.rewind());
    case abi::KtraceAction::kNewProbe: {
      Result<std::string> name = pointer.text(kProbeName);
      if (!name) return abi::raw(name.error());
      Result<uint32_t> id = trace.probe(std::string_view(*name).substr(0, name->find('\0')));
      return id ? static_cast<int32_t>(*id) : abi::raw(id.error());
    }
  }
  return abi::raw(Status::kInvalidArgs);
}

/// Without a buffer only how much there is.
Status ktrace_read(Call& call, Handle resource, UserBytesOut buffer, uint32_t offset, size_t size,
                   UserOut<size_t> actual) {
  TRY_STATUS(may_trace(call, resource));
  const Ktrace& trace = call.kernel().ktrace();
  uint64_t available = TRY(trace.available());
  uint64_t left = offset < available ? available - offset : 0;
  if (buffer.null()) return actual.write(left != 0 ? available : 0);
  uint64_t wanted = std::min<uint64_t>(size, left);
  for (uint64_t done = 0; done < wanted; done += kChunk) {
    TRY_STATUS(buffer.write(trace.read(offset + done, std::min(kChunk, wanted - done)), done));
  }
  return actual.write(wanted);
}

Status ktrace_write(Call& call, Handle resource, uint32_t id, uint32_t a, uint32_t b) {
  TRY_STATUS(may_trace(call, resource));
  if (id > abi::kKtraceProbeIdMax) return Status::kInvalidArgs;
  return call.kernel().ktrace().write_probe(id, abi::raw(call.thread().koid()), a, b);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_ktrace_control", bind<ktrace_control>, Support::kFull,
     "All groups but what only a kernel built for it traces (mutexes, inheritance); needs kernel.enable-debugging-"
     "syscalls."},
    {"zx_ktrace_read", bind<ktrace_read>, Support::kFull, "Records of version 2, the format before FXT."},
    {"zx_ktrace_write", bind<ktrace_write>, Support::kFull, "A record of 24 bytes under the number of a probe."},
});

}  // namespace

std::span<const Row> ktrace_rows() { return kRows; }

}  // namespace jacinth::kernel
