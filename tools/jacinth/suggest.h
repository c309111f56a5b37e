// "Did you mean...?"
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jacinth::cli {

/// How many letters must be added, removed, replaced or swapped with their neighbour to make one of the other.
size_t edit_distance(std::string_view a, std::string_view b);

/// The name most like `wrong`; empty when none is like it.
std::string closest(std::string_view wrong, std::span<const std::string> names);

/// Up to three names like `wrong`, the likest first: those close to it, else those that have its last word in them.
std::vector<std::string> similar(std::string_view wrong, std::span<const std::string> names);

}  // namespace jacinth::cli
