// What this build is.
#pragma once

#include <string>
#include <string_view>

namespace jacinth::cli {

std::string_view version();
/// Of the saved state of a machine: no two builds that lay it out in another way, or make other things of it, have the
/// same.
std::string_view state_layout();
/// "jacinth 0.1.0" and a line about libraries and options of the build.
std::string version_text();

}  // namespace jacinth::cli
