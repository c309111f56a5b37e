// Pages about the program, made from its own tables: Markdown for docs/reference, scdoc for man pages.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace jacinth::cli {

/// The names of the pages: "cli", "exit-codes", "boards", "syscalls", and "jacinth", "jacinth-run"... for the manuals.
std::vector<std::string> reference_pages();

/// A page's text, or that there is none.
std::expected<std::string, std::string> reference_page(std::string_view name);

}  // namespace jacinth::cli
