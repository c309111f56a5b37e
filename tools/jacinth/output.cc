#include "tools/jacinth/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace jacinth::cli {
namespace {

constexpr size_t kBufferSize = 64 << 10;

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && value[0] != '\0';
}

}  // namespace

Output::~Output() {
  flush();
  if (owned_) close(fd_);
}

std::expected<std::unique_ptr<Output>, std::string> Output::open(const std::string& path, Flush flush) {
  if (path == "-") return std::make_unique<Output>(STDOUT_FILENO, flush);
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return std::unexpected(std::strerror(errno));
  auto output = std::make_unique<Output>(fd, flush);
  output->owned_ = true;
  return output;
}

Output& Output::standard() {
  static Output output(STDOUT_FILENO, Flush::kEachWrite);
  return output;
}

Output& Output::error() {
  static Output output(STDERR_FILENO, Flush::kEachWrite);
  return output;
}

void Output::write(std::string_view text) {
  if (closed_ || !failure_.empty()) return;
  buffer_ += text;
  if (flush_ == Flush::kEachWrite || buffer_.size() >= kBufferSize) flush();
}

void Output::flush() {
  size_t done = 0;
  while (done < buffer_.size() && !closed_ && failure_.empty()) {
    ssize_t written = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EPIPE) {
      closed_ = true;
    } else if (errno == EAGAIN) {
      usleep(1000);  // Somebody else made the terminal non-blocking.
    } else if (errno != EINTR) {
      failure_ = std::strerror(errno);
    }
  }
  buffer_.clear();
}

bool Output::is_terminal() const { return isatty(fd_) == 1; }

Style Style::choose(ColorChoice choice, const Output& output) {
  if (choice != ColorChoice::kAuto) return Style(choice == ColorChoice::kAlways);
  if (is_set("NO_COLOR")) return Style(false);
  if (is_set("CLICOLOR_FORCE") && std::string_view(std::getenv("CLICOLOR_FORCE")) != "0") return Style(true);
  const char* terminal = std::getenv("TERM");
  return Style(output.is_terminal() && (terminal == nullptr || std::string_view(terminal) != "dumb"));
}

std::string Style::wrap(std::string_view code, std::string_view text) const {
  return color_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

void say(std::string_view who, std::string_view text) {
  Output::standard().flush();
  Output::error().write(fmt::format("{}: {}\n", who, text));
}

}  // namespace jacinth::cli
