// The host's files: guests, recordings and snapshots come from them, recordings and snapshots go to them.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <utility>
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

/// A file that takes the place of another one once it is whole. Until then it has a name of its own beside it.
class NewFile {
 public:
  /// `path` is its name in the end. Or why not.
  static std::expected<std::unique_ptr<NewFile>, std::string> create(const std::string& path);
  /// Without commit() nothing was written.
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// No effect once it failed.
  void write(std::span<const std::byte> bytes);
  /// All of it is on the disk, and has its name; or why not.
  std::expected<void, std::string> commit();
  const std::string& failure() const { return failure_; }

 private:
  NewFile(int file, std::string path, std::string temporary)
      : file_(file), path_(std::move(path)), temporary_(std::move(temporary)) {}

  int file_;
  std::string path_;
  std::string temporary_;
  bool committed_ = false;
  std::string failure_;
};

/// What stands against a new file of this name, as far as it can be told before there is one; empty when nothing does.
std::string unfit_new_file(const std::string& path);

}  // namespace jacinth::cli
