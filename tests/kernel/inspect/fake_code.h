// Guest code as reports ask about it, without any code: each address is in a function named after its page.
#pragma once

#include <fmt/format.h>

#include "kernel/inspect/guest_code.h"

namespace jacinth::kernel {

class FakeCode final : public GuestCode {
 public:
  std::vector<CodePlace> places(Process&, GuestAddr address) override {
    if (address.value < kPageSize) return {};
    return {{.function = fmt::format("page_{:x}", address.page_number()),
             .offset = address.page_offset(),
             .file = "guest.c",
             .line = 7}};
  }
  std::vector<Frame> backtrace(Thread&) override { return stack; }
  std::vector<Instruction> instructions(Process&, GuestAddr pc) override {
    if (pc.value < kPageSize) return {};
    return {{pc - 4, "nop"}, {pc, "udf #0"}};
  }

  std::vector<Frame> stack;
};

}  // namespace jacinth::kernel
