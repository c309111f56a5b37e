#include "tools/jacinth/host_inputs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "tools/jacinth/files.h"
#include "tools/jacinth/host_folder.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/run_recording.h"

namespace jacinth::cli {
namespace {

/// Pieces of input that has to be waited for.
constexpr size_t kPiece = 64 << 10;
/// How often a wait for input looks whether the run is to end, in milliseconds.
constexpr int kLook = 100;
/// What a snapshot calls that which files are known by. No service asks for it.
constexpr std::string_view kStamps = "stamps";

bool is_folder(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// Whether reading it never waits for anybody.
bool never_waits(int file) {
  struct stat info = {};
  if (fstat(file, &info) != 0) return true;
  struct stat null = {};
  return S_ISREG(info.st_mode) ||
         (S_ISCHR(info.st_mode) && ::stat("/dev/null", &null) == 0 && info.st_rdev == null.st_rdev);
}

std::string file_question(unsigned folder, std::string_view path) { return fmt::format("file {} {}", folder, path); }

}  // namespace

std::vector<std::string> library_folders(const std::vector<std::string>& given, std::string_view sdk_arch) {
  std::vector<std::string> folders;
  for (std::string folder : given) {
    if (is_folder(folder + "/arch/" + std::string(sdk_arch))) folder += "/arch/" + std::string(sdk_arch);
    folders.push_back(folder);
    if (!is_folder(folder + "/sysroot/dist/lib")) continue;
    folders.push_back(folder + "/dist");
    folders.push_back(folder + "/sysroot/dist/lib");
  }
  return folders;
}

HostInputs::HostInputs(const LaunchRequest& request, const volatile std::sig_atomic_t* stop)
    : request_(request), stop_(stop) {
  if (!request.sockets || request.input.empty()) return;
  open_input();
  input_ready_ = input_ < 0 || never_waits(input_);
}

void HostInputs::open_input() {
  input_ = request_.input == "-" ? STDIN_FILENO : ::open(request_.input.c_str(), O_RDONLY | O_CLOEXEC);
}

HostInputs::HostInputs(const LaunchRequest& request, const volatile std::sig_atomic_t* stop,
                       std::map<std::string, emu::RecordedInput> recorded, bool input_ready)
    : request_(request), stop_(stop), replaying_(true), recorded_(std::move(recorded)), input_ready_(input_ready) {}

HostInputs::HostInputs(const LaunchRequest& request, const volatile std::sig_atomic_t* stop, bool input_ready,
                       std::map<std::string, emu::RecordedInput> answered)
    : request_(request), stop_(stop), resumed_(true), input_ready_(input_ready) {
  for (auto& answer : answered) {
    const std::string& question = answer.first;
    emu::RecordedInput& input = answer.second;
    if (question != kStamps) {
      answers_.emplace(question, Answer{.present = input.present, .bytes = std::move(input.bytes)});
      continue;
    }
    Reader reader(input.bytes);
    reader(stamps_);
    if (!reader.ok()) stamps_.clear();
  }
  // What was all there went into the snapshot; the rest of what was not comes from whoever gives it now.
  if (request.sockets && !request.input.empty() && !input_ready) open_input();
}

HostInputs::~HostInputs() {
  if (input_ > STDIN_FILENO) ::close(input_);
}

void HostInputs::set_recording(RunRecording* recording, bool embed) {
  recording_ = recording;
  embed_ = embed;
  for (const auto& [question, answer] : answers_) record(question, answer, true);
}

void HostInputs::record(const std::string& question, const Answer& answer, bool embed) {
  emu::RecordedInput input{.question = question, .present = answer.present};
  input.digest = emu::digest_of_bytes(answer.bytes);
  input.embedded = embed;
  if (embed) input.bytes = answer.bytes;
  recording_->input(std::move(input));
}

void HostInputs::save(emu::FrameSink& frames) {
  if (request_.sockets && input_ready_) input(0);
  auto put = [&frames](std::string_view question, bool present, const std::vector<std::byte>& bytes) {
    emu::RecordedInput input{.question = std::string(question), .present = present};
    input.digest = emu::digest_of_bytes(bytes);
    input.embedded = true;
    input.bytes = bytes;
    frames.frame({.kind = emu::FrameKind::kInput}, emu::to_payload(input));
  };
  std::map<std::pair<unsigned, std::string>, FileStamp> stamps;
  for (unsigned i = 0; i < request_.folders.size(); ++i) {
    for (const kernel::HostEntry& entry : folder(i)) {
      if (entry.is_folder || answers_.contains(file_question(i, entry.path))) continue;
      std::pair<unsigned, std::string> key(i, entry.path);
      auto known = stamps_.find(key);
      if (known != stamps_.end()) {
        stamps.insert(*known);
      } else if (auto stamp = stamp_inside(request_.folders[i].host, entry.path)) {
        stamps.emplace(std::move(key), *stamp);
      }
    }
  }
  Writer writer;
  writer(stamps);
  put(kStamps, true, writer.data());
  for (const auto& [question, answer] : answers_) put(question, answer.present, answer.bytes);
}

std::vector<std::string> HostInputs::library_places() const {
  std::vector<std::string> places;
  places.reserve(request_.libraries.size());
  for (const std::string& folder : request_.libraries) places.push_back(real_path(folder));
  return places;
}

std::vector<std::string> HostInputs::folder_places() const {
  std::vector<std::string> places;
  places.reserve(request_.folders.size());
  for (const FolderRequest& folder : request_.folders) places.push_back(real_path(folder.host));
  return places;
}

void HostInputs::note_changed(const std::string& what) {
  if (changed_.empty()) changed_ = what;
  if (on_changed_) on_changed_();
}

std::string HostInputs::problem() {
  if (replaying_) return {};
  for (const std::string& folder : request_.libraries)
    if (!is_folder(folder)) return fmt::format("--libs: {} is no folder{}", folder, resumed_ ? " any more" : "");
  bool needs_input = request_.sockets && !request_.input.empty() && !(resumed_ && input_ready_);
  if (needs_input && input_ < 0) return fmt::format("--stdin: {}: {}", request_.input, std::strerror(ENOENT));
  for (size_t i = 0; i < request_.folders.size(); ++i) {
    if (resumed_) {
      // What is in it was looked at when the run began.
      if (is_folder(request_.folders[i].host)) continue;
      return fmt::format("--dir: {} is no folder any more", request_.folders[i].host);
    }
    auto listed = list_folder(request_.folders[i].host);
    if (!listed) return fmt::format("--dir: {}: {}", request_.folders[i].host, listed.error());
    folders_[static_cast<unsigned>(i)] = std::move(*listed);
  }
  return {};
}

template <class Fetch>
const HostInputs::Answer& HostInputs::ask(const std::string& question, bool may_be_large, Fetch&& fetch) {
  auto known = answers_.find(question);
  if (known != answers_.end()) return known->second;
  Answer answer;
  if (replaying_) {
    auto recorded = recorded_.find(question);
    if (recorded != recorded_.end()) {
      answer.present = recorded->second.present;
      answer.bytes = recorded->second.bytes;
      if (answer.present && !recorded->second.embedded) {
        answer = fetch();
        if (!answer.present || emu::digest_of_bytes(answer.bytes) != recorded->second.digest) note_changed(question);
      }
    }
  } else {
    answer = fetch();
    if (recording_ != nullptr) record(question, answer, embed_ || !may_be_large);
  }
  return answers_.emplace(question, std::move(answer)).first->second;
}

const std::vector<std::byte>* HostInputs::library(std::string_view name) {
  const Answer& answer = ask(fmt::format("library {}", name), true, [&] {
    for (const std::string& folder : request_.libraries) {
      if (auto bytes = read_inside(folder, name)) return Answer{true, std::move(*bytes)};
    }
    return Answer{};
  });
  return answer.present ? &answer.bytes : nullptr;
}

void HostInputs::output(unsigned descriptor, std::string_view text) {
  if (output_) output_(descriptor, text);
}

HostInputs::Answer HostInputs::read_input(bool& interrupted) {
  Answer answer{.present = true};
  if (input_ < 0) return answer;
  if (!input_ready_) Output::standard().flush();
  std::array<std::byte, kPiece> piece;
  for (;;) {
    if (!input_ready_) {
      pollfd wait = {.fd = input_, .events = POLLIN, .revents = 0};
      while (::poll(&wait, 1, kLook) <= 0) {
        if (stop_ == nullptr || *stop_ == 0) continue;
        interrupted = true;
        return answer;
      }
    }
    ssize_t got = ::read(input_, piece.data(), piece.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return answer;
    answer.bytes.insert(answer.bytes.end(), piece.begin(), piece.begin() + got);
    if (!input_ready_) return answer;
  }
}

std::string_view HostInputs::input(uint64_t index) {
  std::string question = fmt::format("input {}", index);
  if (!replaying_ && !answers_.contains(question)) {
    bool interrupted = false;
    Answer answer = read_input(interrupted);
    // The run ends before anybody sees it.
    if (interrupted) return {};
    ask(question, false, [&] { return std::move(answer); });
  }
  const Answer& answer = ask(question, false, [] { return Answer{}; });
  return {reinterpret_cast<const char*>(answer.bytes.data()), answer.bytes.size()};
}

const std::vector<kernel::HostEntry>& HostInputs::folder(unsigned number) {
  const Answer& answer = ask(fmt::format("folder {}", number), false, [&] {
    Writer writer;
    writer(folders_[number]);
    return Answer{true, writer.take()};
  });
  // Of a recording or a snapshot, it is not what the folder holds now.
  if (!folders_.contains(number)) {
    Reader reader(answer.bytes);
    reader(folders_[number]);
    if (!reader.ok()) folders_[number].clear();
  }
  return folders_[number];
}

const std::vector<std::byte>* HostInputs::file(unsigned folder, std::string_view path) {
  std::string question = file_question(folder, path);
  const Answer& answer = ask(question, true, [&] {
    if (folder < request_.folders.size()) {
      if (auto stamp = stamps_.find({folder, std::string(path)}); stamp != stamps_.end()) {
        const std::string& host = request_.folders[folder].host;
        if (stamp_inside(host, path) != stamp->second) note_changed(fmt::format("{}/{}", host, path));
      }
      if (auto bytes = read_inside(request_.folders[folder].host, path)) return Answer{true, std::move(*bytes)};
    }
    return Answer{};
  });
  return answer.present ? &answer.bytes : nullptr;
}

}  // namespace jacinth::cli
