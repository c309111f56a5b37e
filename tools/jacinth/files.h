// The host's files: guests and recordings come from them, recordings go to them.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "emu/trace/trace_writer.h"
#include "tools/jacinth/exit_code.h"

namespace jacinth::cli {

struct FileProblem {
  ExitCode code;  ///< kNotFound or kNotLoadable.
  std::string text;
};

/// The whole of a regular file of at most 1 GiB.
std::expected<std::vector<std::byte>, FileProblem> read_file(const std::string& path);

/// The same, or standard input up to its end for "-", or nothing for an empty path.
std::expected<std::string, FileProblem> read_input(const std::string& path);

/// A file that a trace goes to.
class FileStore final : public emu::TraceStore {
 public:
  /// Makes it anew; or why not.
  static std::expected<std::unique_ptr<FileStore>, std::string> create(const std::string& path);
  ~FileStore() override;
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;

  bool write(uint64_t offset, std::span<const std::byte> bytes) override;
  std::string failure() const override { return failure_; }

 private:
  explicit FileStore(int file) : file_(file) {}

  int file_;
  std::string failure_;
};

}  // namespace jacinth::cli
