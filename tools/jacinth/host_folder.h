// A folder of the host, from which nothing leads out: what is in it, and the bytes of its files.
//
// A path is opened part by part, each in the folder of the part before. Where a part is a symbolic link, what it leads
// to is looked up from the folder's own root again, and is not there if that is outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/services/host.h"

namespace jacinth::cli {

/// Its absolute path without links; the path itself when it is not there.
std::string real_path(const std::string& folder);

/// Everything in it, sorted by path, as it is now; or why not. Links that lead outside, or nowhere, and what is neither
/// file nor folder are left out.
std::expected<std::vector<kernel::HostEntry>, std::string> list_folder(const std::string& folder);

/// The bytes of a regular file in it; nothing when there is none of that path inside.
std::optional<std::vector<std::byte>> read_inside(const std::string& folder, std::string_view path);

/// By which a file is known to be what it was: size and time of its last change, in nanoseconds.
struct FileStamp {
  uint64_t size = 0;
  int64_t changed = 0;
  bool operator==(const FileStamp&) const = default;
};
/// Nothing when there is no regular file of that path inside.
std::optional<FileStamp> stamp_inside(const std::string& folder, std::string_view path);

/// Changes to a folder, at the end of a run. A false answer means that the host refused; errno says why.
bool make_folder_inside(const std::string& folder, const std::string& path);
bool write_inside(const std::string& folder, const std::string& path, const std::vector<std::byte>& bytes);
bool remove_inside(const std::string& folder, const std::string& path, bool is_folder);

}  // namespace jacinth::cli
