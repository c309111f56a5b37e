// Calls on restricted mode. zircon/kernel/lib/syscalls/restricted.cc and kernel/kernel/restricted.cc.
#include <array>
#include <utility>

#include "kernel/syscalls/families.h"
#include "kernel/task/restricted_mode.h"

namespace jacinth::kernel {
namespace {

/// Does not come back here when it works: the registers are others then, and nothing is to be returned in them.
Status restricted_enter(Call& call, uint32_t options, GuestAddr vector, uint64_t context) {
  if (options != 0) return Status::kInvalidArgs;
  return call.thread().enter_restricted_mode(vector, context);
}

/// Acts on the state of this architecture.
template <class F>
Status with_state(Call& call, F&& act) {
  RestrictedMode& mode = call.thread().restricted_mode();
  return call.core().platform().arch() == Arch::kArm64 ? act(mode.arm64()) : act(mode.x86());
}

Status restricted_read_state(Call& call, UserBytesOut buffer, size_t size) {
  return with_state(call, [&](const auto& state) {
    if (size != sizeof state) return Status::kInvalidArgs;
    return buffer.write(std::as_bytes(std::span(&state, 1)));
  });
}

/// Takes any registers: what is wrong with them is found when they are entered with.
Status restricted_write_state(Call& call, UserBytesIn buffer, size_t size) {
  return with_state(call, [&](auto& state) {
    if (size != sizeof state) return Status::kInvalidArgs;
    auto copy = state;
    Status status = buffer.read(std::as_writable_bytes(std::span(&copy, 1)));
    if (status == Status::kOk) state = copy;
    return status;
  });
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_restricted_enter", bind<restricted_enter>, Support::kFull,
     "As at the end of 2022: a system call is the only way back, and arm64 always gets ZX_ERR_BAD_STATE."},
    {"zx_restricted_read_state", bind<restricted_read_state>, Support::kFull, "Of the calling thread."},
    {"zx_restricted_write_state", bind<restricted_write_state>, Support::kFull,
     "Of the calling thread; checked when it enters."},
});

}  // namespace

std::span<const Row> restricted_rows() { return kRows; }

}  // namespace jacinth::kernel
