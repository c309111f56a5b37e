// What is told about a guest that dies of an exception: what happened, the registers, the code around, who called it,
// and what lies at the address that it could not use.
#pragma once

#include <string>

#include "kernel/task/exception.h"

namespace jacinth::kernel {

class GuestCode;
class Process;
class Thread;

/// The whole report, several lines. The thread's registers must be current.
std::string crash_report(Thread& thread, const Exception& exception, GuestCode& code);

/// "x0  0x0000000000000001  x1 ...": all registers of a thread in lines begun by two spaces.
std::string register_text(Arch arch, const Registers& registers);

/// What lies at an address of a process: the mapping, or that there is none and which are nearest.
std::string mapping_text(Process& process, GuestAddr address);

}  // namespace jacinth::kernel
