// Between a VMO and the caller's memory, page by page: zx_vmo_read, zx_process_read_memory and whatever else copies so.
#pragma once

#include <vector>

#include "kernel/syscalls/call.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

/// kernel.enable-debugging-syscalls: what only debuggers need is off unless the kernel is told otherwise.
inline bool debugging_syscalls(Call& call) { return call.core().option("kernel.enable-debugging-syscalls", 0) != 0; }

/// How far the earlier runs of this call came, for calls that would rather go on than begin again.
inline uint64_t& progress(Call& call) {
  std::vector<uint64_t>& scratch = call.state().scratch;
  if (scratch.empty()) scratch.push_back(0);
  return scratch.front();
}

/// `done` bytes are there already, and more of them afterwards, whatever the status. A bad buffer is what an access of
/// the program's own would be: kNotFound, kAccessDenied.
inline Status read_vmo(Call& call, Vmo& vmo, uint64_t offset, uint64_t size, UserBytesOut buffer, uint64_t& done) {
  return vmo.for_each_piece(offset + done, size - done, AccessKind::kRead,
                            [&](PageView page, uint64_t within, uint64_t length) {
                              const std::byte* from = call.core().platform().data(page.address) + within;
                              Status status = buffer.write({from, length}, done);
                              if (status == Status::kOk) done += length;
                              if (status != Status::kInvalidArgs) return status;
                              GuestAddr at = buffer.address() + done;
                              return call.process().memory().explain(at, length, AccessKind::kWrite);
                            });
}

inline Status write_vmo(Call& call, Vmo& vmo, uint64_t offset, uint64_t size, UserBytesIn buffer, uint64_t& done) {
  return vmo.for_each_piece(offset + done, size - done, AccessKind::kWrite,
                            [&](PageView page, uint64_t within, uint64_t length) {
                              std::byte* to = call.core().platform().writable(page.address) + within;
                              Status status = buffer.read({to, length}, done);
                              if (status == Status::kOk) done += length;
                              if (status != Status::kInvalidArgs) return status;
                              GuestAddr at = buffer.address() + done;
                              return call.process().memory().explain(at, length, AccessKind::kRead);
                            });
}

}  // namespace jacinth::kernel
