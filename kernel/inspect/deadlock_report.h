// Who waits on what, and who could end it: what is told when every thread is blocked and nothing can wake any, and what
// debuggers ask of single threads and objects.
#pragma once

#include <string>

namespace jacinth::kernel {

class GuestCode;
class Kernel;
class Object;
class Thread;

/// The whole report, several lines.
std::string deadlock_report(Kernel& kernel, GuestCode& code);

/// What one thread waits for, and who could end it.
std::string wait_report(Kernel& kernel, GuestCode& code, Thread& thread);
/// What is known of an object: its state, who holds it, what watches it.
std::string object_report(Kernel& kernel, GuestCode& code, Object& object);

}  // namespace jacinth::kernel
