// What reports ask about a guest's code and cannot find out by themselves: names, source lines, call stacks and
// instructions. Whoever has symbols and a disassembler at hand implements it (the program `jacinth` does).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "emu/base/address.h"

namespace jacinth::kernel {

class Process;
class Thread;

/// Where an address lies in the source.
struct CodePlace {
  std::string function;  ///< "<libc.so>" for code of a file that names no function there: the offset is the file's.
  uint64_t offset = 0;   ///< From the function's start.
  bool inlined = false;  ///< It was put into the next place of the list.
  std::string file;
  unsigned line = 0;

  /// "main+0x14 at guests/demo/demo.cc:42"; empty when nothing is known.
  std::string text() const;
};

class GuestCode {
 public:
  virtual ~GuestCode() = default;

  /// What is known of an address in a process: an inlined function before the one it was put into. Empty for nothing.
  virtual std::vector<CodePlace> places(Process& process, GuestAddr address) = 0;

  struct Frame {
    GuestAddr pc;
    GuestAddr place;  ///< Inside the call instruction, when `pc` is behind one.
  };
  /// The thread's call stack, innermost first; its registers must be current.
  virtual std::vector<Frame> backtrace(Thread& thread) = 0;

  struct Instruction {
    GuestAddr address;
    std::string text;
  };
  /// The instructions around `pc`, the one at `pc` included, as far as they can be seen.
  virtual std::vector<Instruction> instructions(Process& process, GuestAddr pc) = 0;
};

/// The backtrace as lines, "#0 0x... main+0x14 at ...", each begun by `indent`.
std::string backtrace_text(GuestCode& code, Thread& thread, std::string_view indent);

/// Who called the kernel: the innermost place outside the vDSO; empty when nobody knows.
std::string call_site_text(GuestCode& code, Thread& thread);

}  // namespace jacinth::kernel
