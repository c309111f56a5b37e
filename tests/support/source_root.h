// Where the project's own data files lie, for tests that read them.
#pragma once

#include <string>
#include <string_view>

namespace jacinth {

/// The path of a file of the project, given relative to its root.
std::string source_path(std::string_view relative);

}  // namespace jacinth
