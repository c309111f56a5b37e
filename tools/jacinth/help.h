// What --help prints.
#pragma once

#include <string>

#include "tools/jacinth/command.h"
#include "tools/jacinth/output.h"

namespace jacinth::cli {

/// The program as a whole.
std::string overview(const Style& style);
/// One command: usage, description, options, examples.
std::string help_text(const Command& command, const Style& style);

}  // namespace jacinth::cli
