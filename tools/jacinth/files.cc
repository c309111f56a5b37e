#include "tools/jacinth/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
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

}  // namespace jacinth::cli
