// JSON as text, for views of many events: what a tree of values would cost for each is most of the time that they take.
#pragma once

#include <string>
#include <string_view>

namespace jacinth::cli {

/// Appends `text` in quotes. Bytes that are no UTF-8 become U+FFFD each.
void append_json(std::string& out, std::string_view text);

/// How many bytes at the beginning of `text` are one character in UTF-8; 0: they are none.
size_t utf8_length(std::string_view text);

}  // namespace jacinth::cli
