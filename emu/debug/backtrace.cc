#include "emu/debug/backtrace.h"

#include <array>
#include <cstring>

#include "emu/debug/symbols.h"

namespace jacinth::emu {
namespace {

std::optional<uint64_t> read_word(const ReadMemory& read, uint64_t address) {
  std::array<std::byte, 8> bytes;
  if (!read(GuestAddr(address), bytes)) return std::nullopt;
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

bool by_rules(Frame& frame, const BacktraceSources& sources) {
  std::optional<LoadedFile> file = sources.file(GuestAddr(frame.place()));
  return file && file->symbols->unwind(frame, file->bias, sources.read);
}

/// The function was just called and has done nothing yet; that is how calls to nowhere look.
bool by_last_call(Frame& frame, const BacktraceSources& sources) {
  std::optional<uint64_t> sp = frame.sp();
  if (!sp) return false;
  std::optional<uint64_t> caller = frame.arch == Arch::kArm64 ? frame.registers[30] : read_word(sources.read, *sp);
  if (!caller || !sources.is_code(GuestAddr(*caller - 1))) return false;
  if (frame.arch == Arch::kArm64) {
    frame.registers[30].reset();
  } else {
    frame.registers[frame.sp_number()] = *sp + 8;
  }
  frame.pc = *caller;
  frame.exact = false;
  return true;
}

/// Both ABIs put the caller's frame pointer where the frame pointer points, and the return address behind it.
bool by_frame_pointer(Frame& frame, const BacktraceSources& sources) {
  std::optional<uint64_t> fp = frame.registers[frame.fp_number()];
  if (!fp || *fp == 0 || *fp % 8 != 0 || (frame.sp() && *fp < *frame.sp())) return false;
  std::optional<uint64_t> next = read_word(sources.read, *fp);
  std::optional<uint64_t> caller = read_word(sources.read, *fp + 8);
  if (!next || !caller || !sources.is_code(GuestAddr(*caller - 1))) return false;
  Frame outer{.arch = frame.arch, .pc = *caller, .exact = false};
  outer.registers[frame.fp_number()] = *next;
  outer.registers[frame.sp_number()] = *fp + 16;
  frame = outer;
  return true;
}

}  // namespace

std::vector<Frame> backtrace(const Frame& top, const BacktraceSources& sources, size_t limit) {
  std::vector<Frame> frames{top};
  Frame frame = top;
  while (frames.size() < limit) {
    uint64_t sp = frame.sp().value_or(0);
    bool code = sources.is_code(GuestAddr(frame.place()));
    bool found = by_rules(frame, sources) || (!code && frame.exact && by_last_call(frame, sources)) ||
                 by_frame_pointer(frame, sources);
    // Stacks grow downwards: a caller below its callee is a damaged stack. The first caller of all has nobody.
    if (!found || frame.pc == 0 || frame.sp().value_or(0) < sp) break;
    frames.push_back(frame);
  }
  return frames;
}

}  // namespace jacinth::emu
