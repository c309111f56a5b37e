// Section headers for ELF images that came without: what a process has of a file is what its program headers load, and
// readers of symbols want sections. They are made from what the image itself needs at run time: code from PT_LOAD,
// names of functions from PT_DYNAMIC, call frame rules from PT_GNU_EH_FRAME.
//
// The image may be damaged or hostile: what does not hang together is left out.
#pragma once

#include <cstddef>
#include <vector>

namespace jacinth::kernel {

/// Does nothing when the file has its sections.
void restore_sections(std::vector<std::byte>& file);

}  // namespace jacinth::kernel
