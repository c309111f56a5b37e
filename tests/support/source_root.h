// Where the project's own data files lie, and what the build made, for tests that read them.
#pragma once

#include <string>
#include <string_view>

namespace jacinth {

/// The path of a file of the project, given relative to its root.
std::string source_path(std::string_view relative);
/// The path of a file that the build made, given relative to its folder.
std::string build_path(std::string_view relative);

}  // namespace jacinth
