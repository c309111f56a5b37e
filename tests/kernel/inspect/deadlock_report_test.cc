// What is told when nothing can go on, and when a guest wants what is not there.
#include "kernel/inspect/deadlock_report.h"

#include "kernel/abi/port_packet.h"
#include "kernel/inspect/holders.h"
#include "kernel/inspect/unsupported_report.h"
#include "tests/kernel/inspect/fake_code.h"
#include "tests/support/kernel_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

constexpr Time kNever = Time::never();

void has(const std::string& text, const std::string& part) {
  INFO(text);
  INFO(part);
  REQUIRE(text.find(part) != std::string::npos);
}

/// Two ends of a channel: one for the first process, one for another.
struct Talk {
  explicit Talk(KernelRig& k) : other(k.make_process("other")) {
    GuestAddr out = k.room(8);
    REQUIRE(k.call("channel_create", 0, out, out + 4) == Status::kOk);
    ours = k.peek<Handle>(out);
    Handle theirs_here = k.peek<Handle>(out, 1);
    koid = k.process()->handles().find(ours)->object->koid();
    HandleOwner moved = std::move(*k.process()->handles().remove(theirs_here));
    other_koid = moved.object()->koid();
    theirs = other->handles().add(std::move(moved));
  }
  Ref<Process> other;
  Handle ours = Handle::kInvalid;
  Handle theirs = Handle::kInvalid;
  Koid koid = Koid::kInvalid;
  Koid other_koid = Koid::kInvalid;
};

TEST_CASE("a deadlock report tells who waits, in which call, and who has the other end") {
  KernelRig k;
  FakeCode code;
  code.stack = {{GuestAddr(0x5004), GuestAddr(0x5004)}};
  Talk talk(k);
  k.start(k.main_thread(), "object_wait_one", talk.ours, 1, kNever, k.room(4));

  std::string text = deadlock_report(k.kernel(), code);

  has(text, fmt::format("in zx_object_wait_one(handle={:#x}<channel:{}>, signals=ZX_CHANNEL_READABLE, "
                        "deadline=ZX_TIME_INFINITE, ",
                        abi::raw(talk.ours), abi::raw(talk.koid)));
  has(text, "called from page_5+0x4 at guest.c:7\n");
  has(text,
      fmt::format("channel:{}: signals ZX_CHANNEL_WRITABLE; its other end channel:{} is held by process {} "
                  "\"other\" as {:#x}\n",
                  abi::raw(talk.koid), abi::raw(talk.other_koid), abi::raw(talk.other->koid()), abi::raw(talk.theirs)));
}

TEST_CASE("a port that nobody feeds shows what it waits for") {
  KernelRig k;
  FakeCode code;
  Talk talk(k);
  GuestAddr out = k.room(4);
  REQUIRE(k.call("port_create", 0, out) == Status::kOk);
  Handle port = k.peek<Handle>(out);
  REQUIRE(k.call("object_wait_async", talk.ours, port, 0x77, 1, 0) == Status::kOk);
  k.start(k.main_thread(), "port_wait", port, kNever, k.room(48));

  std::string text = deadlock_report(k.kernel(), code);

  has(text, "0 packets, 1 waits for signals");
  has(text, fmt::format("waits with key 0x77 for ZX_CHANNEL_READABLE of channel:{}: signals ZX_CHANNEL_WRITABLE; its "
                        "other end channel:{} is held by process {} \"other\"",
                        abi::raw(talk.koid), abi::raw(talk.other_koid), abi::raw(talk.other->koid())));
}

TEST_CASE("a futex shows its value and its owner") {
  KernelRig k;
  FakeCode code;
  Thread& owner = k.thread();
  Handle handle = k.handle(Ref<Object>(&owner));
  GuestAddr word = k.user(int32_t{5});
  k.start(k.main_thread(), "futex_wait", word, 5, handle, kNever);

  std::string text = deadlock_report(k.kernel(), code);

  has(text, fmt::format("futex {:#x}, which holds 5 now; its owner is thread {}", word.value, abi::raw(owner.koid())));
}

TEST_CASE("an object that nobody has any more is said to be held by nobody") {
  KernelRig k;
  GuestAddr out = k.room(4);
  REQUIRE(k.call("event_create", 0, out) == Status::kOk);
  Handle event = k.peek<Handle>(out);
  Ref<Object> object = k.process()->handles().find(event)->object;
  REQUIRE(Holders(k.core()).text(k.core(), object->koid()).starts_with("held by process "));
  k.close(event);
  REQUIRE(Holders(k.core()).text(k.core(), object->koid()) == "held by nobody");
}

TEST_CASE("handles in messages count as held") {
  KernelRig k;
  Talk talk(k);
  GuestAddr out = k.room(4);
  REQUIRE(k.call("event_create", 0, out) == Status::kOk);
  Handle event = k.peek<Handle>(out);
  Koid koid = k.process()->handles().find(event)->object->koid();
  REQUIRE(k.call("channel_write", talk.ours, 0, 0, 0, out, 1) == Status::kOk);
  REQUIRE(Holders(k.core()).text(k.core(), koid) == "1 handle in messages nobody has read or in the kernel");
}

TEST_CASE("an unsupported call is named with its arguments and where it came from") {
  KernelRig k;
  FakeCode code;
  code.stack = {{GuestAddr(0x5004), GuestAddr(0x5004)}};
  std::vector<std::string> said;
  k.kernel().unsupported().set_hook([&](Thread& thread, const UnsupportedUse& use) {
    said.push_back(unsupported_use_text(thread, use, code));
    return false;
  });
  REQUIRE(k.call("guest_create", 0, 0, 7, 0) == Status::kNotSupported);
  REQUIRE(k.call("guest_create", 0, 0, 8, 0) == Status::kNotSupported);

  REQUIRE(said.size() == 1);
  has(said[0],
      "zx_guest_create(resource=ZX_HANDLE_INVALID, options=ZX_GUEST_OPT_NORMAL, guest_handle=0x7, vmar_handle=NULL) is "
      "not supported: thread ");
  has(said[0], " gets ZX_ERR_NOT_SUPPORTED; called from page_5+0x4 at guest.c:7");
  REQUIRE(unsupported_summary(k.kernel().unsupported()) == "  zx_guest_create: 2 times, gave ZX_ERR_NOT_SUPPORTED\n");
}

}  // namespace
}  // namespace jacinth::kernel
