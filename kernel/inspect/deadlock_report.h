// Who waits on what, and who could end it: what is told when every thread is blocked and nothing can wake any.
#pragma once

#include <string>

namespace jacinth::kernel {

class GuestCode;
class Kernel;

/// The whole report, several lines.
std::string deadlock_report(Kernel& kernel, GuestCode& code);

}  // namespace jacinth::kernel
