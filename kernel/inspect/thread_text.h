// What a thread does at the moment, in a few words: "running", "blocked in zx_port_wait on port:1042".
#pragma once

#include <string>

namespace jacinth::kernel {

class Thread;

std::string thread_state_text(const Thread& thread);

}  // namespace jacinth::kernel
