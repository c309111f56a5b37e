// What this build is.
#pragma once

#include <string>
#include <string_view>

namespace jacinth::cli {

std::string_view version();
/// "jacinth 0.1.0" and a line about libraries and options of the build.
std::string version_text();

}  // namespace jacinth::cli
