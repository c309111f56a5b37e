#include "tools/jacinth/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace jacinth::cli {
namespace {

/// A file is read into memory once.
constexpr off_t kMaxFileSize = off_t{1} << 30;

}  // namespace

std::expected<std::vector<std::byte>, FileProblem> read_file(const std::string& path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    // As shells tell them apart: it is not there, or it cannot be run.
    bool missing = errno == ENOENT || errno == ENOTDIR;
    return std::unexpected(FileProblem{missing ? ExitCode::kNotFound : ExitCode::kNotLoadable, std::strerror(errno)});
  }
  struct stat info = {};
  std::vector<std::byte> bytes;
  std::string problem;
  if (fstat(file, &info) != 0) {
    problem = std::strerror(errno);
  } else if (!S_ISREG(info.st_mode)) {
    problem = S_ISDIR(info.st_mode) ? "it is a directory" : "it is no regular file";
  } else if (info.st_size > kMaxFileSize) {
    problem = "it is larger than 1 GiB";
  } else {
    bytes.resize(static_cast<size_t>(info.st_size));
    for (size_t done = 0; done < bytes.size() && problem.empty();) {
      ssize_t got = ::read(file, bytes.data() + done, bytes.size() - done);
      if (got > 0) done += static_cast<size_t>(got);
      if (got == 0) bytes.resize(done);
      if (got < 0 && errno != EINTR) problem = std::strerror(errno);
    }
  }
  ::close(file);
  if (!problem.empty()) return std::unexpected(FileProblem{ExitCode::kNotLoadable, problem});
  return bytes;
}

std::expected<std::string, FileProblem> read_input(const std::string& path) {
  std::string text;
  if (path.empty()) return text;
  if (path != "-") {
    auto bytes = read_file(path);
    if (!bytes) return std::unexpected(bytes.error());
    text.assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    return text;
  }
  std::array<char, 4096> buffer;
  for (;;) {
    ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(FileProblem{ExitCode::kUsage, std::strerror(errno)});
    text.append(buffer.data(), static_cast<size_t>(got));
    if (text.size() > static_cast<size_t>(kMaxFileSize))
      return std::unexpected(FileProblem{ExitCode::kUsage, "it is larger than 1 GiB"});
  }
}

std::expected<std::unique_ptr<FileStore>, std::string> FileStore::create(const std::string& path) {
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return std::unexpected(std::string(std::strerror(errno)));
  return std::unique_ptr<FileStore>(new FileStore(file));
}

FileStore::~FileStore() { ::close(file_); }

bool FileStore::write(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t done = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      failure_ = done < 0 ? std::strerror(errno) : "nothing could be written";
      return false;
    }
    offset += static_cast<uint64_t>(done);
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
  return true;
}

std::expected<std::unique_ptr<NewFile>, std::string> NewFile::create(const std::string& path) {
  std::string temporary = fmt::format("{}.part-{}", path, getpid());
  int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return std::unexpected(std::string(std::strerror(errno)));
  return std::unique_ptr<NewFile>(new NewFile(file, path, std::move(temporary)));
}

NewFile::~NewFile() {
  if (file_ >= 0) ::close(file_);
  if (!committed_) ::unlink(temporary_.c_str());
}

void NewFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty() && failure_.empty()) {
    ssize_t done = ::write(file_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      failure_ = done < 0 ? std::strerror(errno) : "nothing could be written";
    } else {
      bytes = bytes.subspan(static_cast<size_t>(done));
    }
  }
}

std::expected<void, std::string> NewFile::commit() {
  // Renamed before its bytes are on the disk, a crash of the host could leave an empty file of the right name.
  if (failure_.empty() && ::fsync(file_) != 0 && errno != EINVAL) failure_ = std::strerror(errno);
  if (failure_.empty() && ::close(std::exchange(file_, -1)) != 0) failure_ = std::strerror(errno);
  if (failure_.empty() && std::rename(temporary_.c_str(), path_.c_str()) != 0) failure_ = std::strerror(errno);
  if (!failure_.empty()) return std::unexpected(failure_);
  committed_ = true;
  return {};
}

std::string unfit_new_file(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return S_ISDIR(info.st_mode) ? "it is a directory" : "it is no regular file";
  size_t slash = path.rfind('/');
  std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return std::strerror(errno);
  return {};
}

}  // namespace jacinth::cli
