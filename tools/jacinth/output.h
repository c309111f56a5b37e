// Where the program's words go: data on standard output, talk on standard error, traces and summaries into files.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace jacinth::cli {

/// A file descriptor with a buffer. Once nobody reads what is written, it takes everything and does nothing.
class Output {
 public:
  enum class Flush { kWhenFull, kEachWrite };

  /// Does not close `fd`.
  Output(int fd, Flush flush) : fd_(fd), flush_(flush) {}
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// A file, made anew; "-" is standard output. Or why not.
  static std::expected<std::unique_ptr<Output>, std::string> open(const std::string& path, Flush flush);
  static Output& standard();
  static Output& error();

  void write(std::string_view text);
  void flush();
  /// Whoever read it is gone.
  bool closed() const { return closed_; }
  /// Why writing failed, if it did for another reason (a full disk); empty otherwise.
  const std::string& failure() const { return failure_; }
  bool is_terminal() const;

 private:
  int fd_;
  Flush flush_;
  bool owned_ = false;
  bool closed_ = false;
  std::string failure_;
  std::string buffer_;
};

enum class ColorChoice { kAuto, kAlways, kNever };

/// Text with emphasis, or without where that is not wanted.
class Style {
 public:
  explicit Style(bool color) : color_(color) {}
  /// By the option, then NO_COLOR and CLICOLOR_FORCE, then whether `output` is a terminal.
  static Style choose(ColorChoice choice, const Output& output);

  std::string strong(std::string_view text) const { return wrap("1", text); }
  std::string bad(std::string_view text) const { return wrap("1;31", text); }
  std::string faint(std::string_view text) const { return wrap("2", text); }
  bool color() const { return color_; }

 private:
  std::string wrap(std::string_view code, std::string_view text) const;
  bool color_;
};

/// One line on standard error: "jacinth run: no such file". Standard output is flushed first, so that both stand in
/// order where they go to one place.
void say(std::string_view who, std::string_view text);

}  // namespace jacinth::cli
