// Scripts that make shells complete the program's command line, generated from its own rows.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace jacinth::cli {

/// For "bash", "zsh" or "fish"; or that there is none for that shell.
std::expected<std::string, std::string> completion_script(std::string_view shell);

}  // namespace jacinth::cli
