#include "tools/jacinth/host_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>

namespace jacinth::cli {
namespace {

/// More than this is no folder that a program is given.
constexpr size_t kMaxEntries = 200'000;
constexpr off_t kMaxFileSize = off_t{1} << 30;
constexpr int kMaxLinks = 40;

/// A file descriptor that closes itself.
class File {
 public:
  explicit File(int file = -1) : file_(file) {}
  File(File&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~File() {
    if (file_ >= 0) ::close(file_);
  }
  explicit operator bool() const { return file_ >= 0; }
  int get() const { return file_; }

 private:
  int file_;
};

std::deque<std::string> parts_of(std::string_view path) {
  std::deque<std::string> parts;
  for (size_t begin = 0; begin <= path.size();) {
    size_t slash = std::min(path.find('/', begin), path.size());
    std::string_view part = path.substr(begin, slash - begin);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    begin = slash + 1;
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += (path.empty() ? "" : "/") + part;
  return path;
}

/// Where a path inside leads once every symbolic link is followed, as parts from the folder's root on. Nothing when
/// that is outside.
std::optional<std::vector<std::string>> resolve(int root, const std::string& root_path, std::string_view path) {
  std::deque<std::string> left = parts_of(path);
  std::vector<std::string> done;
  int links = 0;
  while (!left.empty()) {
    std::string part = std::move(left.front());
    left.pop_front();
    if (part == "..") {
      if (done.empty()) return std::nullopt;
      done.pop_back();
      continue;
    }
    done.push_back(part);
    std::string here = joined(done);
    struct stat info = {};
    if (fstatat(root, here.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    if (!S_ISLNK(info.st_mode)) continue;
    std::string target(PATH_MAX, '\0');
    ssize_t size = readlinkat(root, here.c_str(), target.data(), target.size());
    if (size <= 0 || ++links > kMaxLinks) return std::nullopt;
    target.resize(static_cast<size_t>(size));
    done.pop_back();
    if (target.starts_with('/')) {
      // An absolute link counts when it names something below the folder.
      std::unique_ptr<char, void (*)(void*)> real(::realpath(target.c_str(), nullptr), std::free);
      if (!real) return std::nullopt;
      std::string_view text = real.get();
      if (text != root_path && !text.starts_with(root_path + "/")) return std::nullopt;
      done.clear();
      target = text.substr(root_path.size());
    }
    std::deque<std::string> more = parts_of(target);
    left.insert(left.begin(), more.begin(), more.end());
  }
  return done;
}

/// Opens what the parts name, following no link.
File open_parts(int root, const std::vector<std::string>& parts, int flags, mode_t mode = 0) {
  File at(::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (size_t i = 0; at && i < parts.size(); ++i) {
    bool last = i + 1 == parts.size();
    at = File(
        ::openat(at.get(), parts[i].c_str(), O_NOFOLLOW | O_CLOEXEC | (last ? flags : O_RDONLY | O_DIRECTORY), mode));
  }
  return at;
}

File open_root(const std::string& folder) { return File(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  int copy = ::dup(folder);
  DIR* stream = copy >= 0 ? ::fdopendir(copy) : nullptr;
  if (stream == nullptr) {
    if (copy >= 0) ::close(copy);
    return names;
  }
  ::rewinddir(stream);
  while (dirent* entry = ::readdir(stream)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  ::closedir(stream);
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::string real_path(const std::string& folder) {
  std::unique_ptr<char, void (*)(void*)> real(::realpath(folder.c_str(), nullptr), std::free);
  return real ? real.get() : folder;
}

std::expected<std::vector<kernel::HostEntry>, std::string> list_folder(const std::string& folder) {
  File root = open_root(folder);
  if (!root) return std::unexpected(std::string(std::strerror(errno)));
  std::string root_path = real_path(folder);
  std::vector<kernel::HostEntry> entries;
  std::deque<std::vector<std::string>> left = {{}};
  while (!left.empty()) {
    std::vector<std::string> parts = std::move(left.front());
    left.pop_front();
    File at = open_parts(root.get(), parts, O_RDONLY | O_DIRECTORY);
    if (!at) continue;
    for (const std::string& name : names_in(at.get())) {
      struct stat info = {};
      if (fstatat(at.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      parts.push_back(name);
      kernel::HostEntry entry{.path = joined(parts)};
      if (S_ISLNK(info.st_mode)) {
        auto target = resolve(root.get(), root_path, entry.path);
        if (target && !target->empty()) {
          File real = open_parts(root.get(), *target, O_RDONLY | O_NONBLOCK);
          if (real && fstat(real.get(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) {
            entry.same_as = joined(*target);
            entry.is_folder = S_ISDIR(info.st_mode);
            entry.size = entry.is_folder ? 0 : static_cast<uint64_t>(info.st_size);
            entries.push_back(std::move(entry));
          }
        }
      } else if (S_ISDIR(info.st_mode)) {
        entry.is_folder = true;
        entries.push_back(std::move(entry));
        left.push_back(parts);
      } else if (S_ISREG(info.st_mode)) {
        entry.size = static_cast<uint64_t>(info.st_size);
        entries.push_back(std::move(entry));
      }
      parts.pop_back();
      if (entries.size() > kMaxEntries) return std::unexpected(std::string("it holds more than 200000 files"));
    }
  }
  std::ranges::sort(entries, {}, &kernel::HostEntry::path);
  return entries;
}

namespace {

/// A regular file inside, and what is known of it. Not open when there is none of that path.
File open_inside(const std::string& folder, std::string_view path, struct stat& info) {
  File root = open_root(folder);
  if (!root) return File();
  auto parts = resolve(root.get(), real_path(folder), path);
  if (!parts || parts->empty()) return File();
  File file = open_parts(root.get(), *parts, O_RDONLY | O_NONBLOCK);
  return file && fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) ? std::move(file) : File();
}

}  // namespace

std::optional<FileStamp> stamp_inside(const std::string& folder, std::string_view path) {
  struct stat info = {};
  if (!open_inside(folder, path, info)) return std::nullopt;
  constexpr int64_t kSecond = 1'000'000'000;
  return FileStamp{.size = static_cast<uint64_t>(info.st_size),
                   .changed = info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec};
}

std::optional<std::vector<std::byte>> read_inside(const std::string& folder, std::string_view path) {
  struct stat info = {};
  File file = open_inside(folder, path, info);
  if (!file || info.st_size > kMaxFileSize) return std::nullopt;
  std::vector<std::byte> bytes(static_cast<size_t>(info.st_size));
  for (size_t done = 0; done < bytes.size();) {
    ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) bytes.resize(done);
    done += static_cast<size_t>(got);
  }
  return bytes;
}

namespace {

/// The folder that holds the last part of the path.
File parent_of(int root, std::vector<std::string>& parts) {
  std::vector<std::string> folder(parts.begin(), parts.end() - 1);
  return open_parts(root, folder, O_RDONLY | O_DIRECTORY);
}

std::vector<std::string> plain_parts(const std::string& path) {
  std::deque<std::string> parts = parts_of(path);
  if (std::ranges::find(parts, "..") != parts.end()) return {};
  return {parts.begin(), parts.end()};
}

}  // namespace

bool make_folder_inside(const std::string& folder, const std::string& path) {
  File root = open_root(folder);
  std::vector<std::string> parts = plain_parts(path);
  if (!root || parts.empty()) return false;
  File parent = parent_of(root.get(), parts);
  return parent && (::mkdirat(parent.get(), parts.back().c_str(), 0777) == 0 || errno == EEXIST);
}

bool write_inside(const std::string& folder, const std::string& path, const std::vector<std::byte>& bytes) {
  File root = open_root(folder);
  std::vector<std::string> parts = plain_parts(path);
  if (!root || parts.empty()) return false;
  File file = open_parts(root.get(), parts, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0666);
  struct stat info = {};
  if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  for (size_t done = 0; done < bytes.size();) {
    ssize_t put = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    done += static_cast<size_t>(put);
  }
  return true;
}

bool remove_inside(const std::string& folder, const std::string& path, bool is_folder) {
  File root = open_root(folder);
  std::vector<std::string> parts = plain_parts(path);
  if (!root || parts.empty()) return false;
  File parent = parent_of(root.get(), parts);
  return parent && ::unlinkat(parent.get(), parts.back().c_str(), is_folder ? AT_REMOVEDIR : 0) == 0;
}

}  // namespace jacinth::cli
