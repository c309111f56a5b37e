// Words for tests of user pagers: the pager is the first process's main thread, which reads requests from a port and
// answers them; other threads touch what it provides.
#pragma once

#include <optional>

#include "kernel/abi/info_memory.h"
#include "kernel/abi/pager.h"
#include "kernel/abi/port_packet.h"
#include "kernel/abi/vmo.h"
#include "kernel/pager/pager.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {

/// What a call said, for those tests that want to know.
struct Answer {
  Status status;
  bool operator==(Status other) const { return status == other; }
};

struct PagerRig : KernelRig {
  static constexpr uint64_t kKey = 0x99;

  Handle port{};
  Handle pager{};

  explicit PagerRig(Options options = {}) : KernelRig(Arch::kArm64, std::move(options)) {
    port = make("port_create", 0);
    pager = make("pager_create", 0);
  }

  template <class... Arguments>
  Handle make(std::string_view call_name, Arguments... arguments) {
    GuestAddr out = room(sizeof(Handle));
    REQUIRE(call(call_name, arguments..., out) == Status::kOk);
    return peek<Handle>(out);
  }
  Handle vmo(uint64_t pages, abi::VmoOptions options = abi::VmoOptions::kNone) {
    return make("pager_create_vmo", pager, options, port, kKey, pages * kPageSize);
  }
  Handle plain(uint64_t pages) { return make("vmo_create", pages * kPageSize, 0); }
  Vmo& at(Handle handle) { return *object<Vmo>(handle); }

  /// Page n of the target holds `tag` + n in its first word afterwards.
  Answer supply(Handle target, uint64_t first, uint64_t count, uint32_t tag = 100) {
    Handle aux = plain(count);
    for (uint64_t i = 0; i < count; ++i) {
      auto word = static_cast<uint32_t>(tag + first + i);
      REQUIRE(at(aux).write(i * kPageSize, std::as_bytes(std::span(&word, 1))) == Status::kOk);
    }
    Status status = call("pager_supply_pages", pager, target, first * kPageSize, count * kPageSize, aux, 0);
    close(aux);
    run();
    return {status};
  }
  Answer op(abi::PagerOp what, Handle target, uint64_t first, uint64_t count, uint64_t data = 0) {
    Status status = call("pager_op_range", pager, what, target, first * kPageSize, count * kPageSize, data);
    run();
    return {status};
  }
  Answer fail(Handle target, uint64_t first, uint64_t count, Status status) {
    return op(abi::PagerOp::kFail, target, first, count, static_cast<uint64_t>(int64_t{abi::raw(status)}));
  }
  Answer detach(Handle target) {
    Status status = call("pager_detach_vmo", pager, target);
    run();
    return {status};
  }

  /// The next packet in the port, taken out; nothing when there is none.
  std::optional<abi::PortPacket> packet() {
    Port& queue = *object<Port>(port);
    if (queue.front() == nullptr) return std::nullopt;
    abi::PortPacket front = *queue.front();
    queue.pop_front();
    return front;
  }
  /// The next packet asks for exactly that.
  bool asked(abi::PageRequestCommand command, uint64_t first, uint64_t count) {
    std::optional<abi::PortPacket> next = packet();
    return next && next->type == abi::PacketType::kPageRequest && next->key == kKey &&
           next->page_request.command == command && next->page_request.offset == first * kPageSize &&
           next->page_request.length == count * kPageSize;
  }
  bool asked_for(uint64_t first, uint64_t count = 1) { return asked(abi::PageRequestCommand::kRead, first, count); }
  bool asked_to_dirty(uint64_t first, uint64_t count = 1) {
    return asked(abi::PageRequestCommand::kDirty, first, count);
  }
  bool complete() { return asked(abi::PageRequestCommand::kComplete, 0, 0); }

  /// A thread of its own reads or writes the first word of a page, and perhaps those behind it.
  Made& read(Handle target, uint64_t page, GuestAddr to, uint64_t pages = 1) {
    return start(thread(), "vmo_read", target, to, page * kPageSize, (pages - 1) * kPageSize + 4);
  }
  Made& write(Handle target, uint64_t page, uint32_t value, uint64_t pages = 1) {
    GuestAddr from = pages == 1 ? user(value) : room((pages - 1) * kPageSize + 4);
    return start(thread(), "vmo_write", target, from, page * kPageSize, (pages - 1) * kPageSize + 4);
  }
  /// What stands there, which must be there.
  uint32_t word(Handle target, uint64_t page) {
    uint32_t value = 0;
    REQUIRE(at(target).read(page * kPageSize, std::as_writable_bytes(std::span(&value, 1))) == Status::kOk);
    return value;
  }
  /// Whether a page can be read without anybody's help.
  Status reads(Handle target, uint64_t page) {
    uint32_t value = 0;
    return at(target).read(page * kPageSize, std::as_writable_bytes(std::span(&value, 1)));
  }
  GuestAddr map(Handle target, uint64_t pages,
                abi::VmOptions options = abi::VmOptions::kPermRead | abi::VmOptions::kPermWrite) {
    Result<GuestAddr> base =
        process()->memory().root()->map({.vmo = object<Vmo>(target), .length = pages * kPageSize, .options = options});
    REQUIRE(base.has_value());
    return *base;
  }
  /// The guest's own access by the thread: kSwitch when it parked, or died.
  Next touch(Thread& thread, GuestAddr address, AccessKind access) {
    ThreadContext* context = nullptr;
    for (size_t turn = 0; turn < 1000 && context != &thread.context(); ++turn) {
      kernel().tasks().scheduler().yield(0, platform().now());
      context = kernel().schedule(0);
      REQUIRE(context != nullptr);
    }
    if (kernel().page_fault(0, address.page(), access)) return Next::kContinue;
    ExceptionInfo fault = {.kind = ExceptionInfo::Kind::kPageFault, .address = address, .access = access};
    return kernel().page_fault_stop(0, fault);
  }
};

}  // namespace jacinth::kernel
