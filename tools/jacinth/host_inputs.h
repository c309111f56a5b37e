// What the services of a run have from the host: libraries, folders, standard input. Each question is asked of the host
// once; the answer is kept, and written into the recording if there is one. A replay has the answers from there.
//
//   Services --question--> HostInputs --once--> files of the host, or the recording
//                               '--answer--> recording that is made
//
// Nothing outside the given folders is ever opened: every part of a path is opened in its folder by itself, and a
// symbolic link is followed only where it leads to something inside.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "emu/replay/recording.h"
#include "kernel/services/host.h"

namespace jacinth::cli {

class RunRecording;

/// A folder of the host that the program finds under a path of its own.
struct FolderRequest {
  std::string guest;
  std::string host;
  bool writable = false;
};

/// What a program is started with that has others beside it. All of it off: it starts alone.
struct LaunchRequest {
  /// Whether the program gets a loader service at all, and where that looks.
  bool has_libraries = false;
  std::vector<std::string> libraries;
  bool sockets = false;  ///< For standard streams, instead of the log.
  /// Where standard input comes from: "-", a file, or "" for nothing.
  std::string input = "-";
  std::vector<FolderRequest> folders;

  bool any() const { return has_libraries || sockets || !folders.empty(); }
};

/// The folders that --libs names, each taken apart where it is an SDK or an architecture of one.
std::vector<std::string> library_folders(const std::vector<std::string>& given, std::string_view sdk_arch);

class HostInputs final : public kernel::ServiceHost {
 public:
  /// Of the host. `stop` says when somebody wants the run to end.
  HostInputs(const LaunchRequest& request, const volatile std::sig_atomic_t* stop);
  /// Of a recording; what that has only the digest of comes from the host.
  HostInputs(const LaunchRequest& request, const volatile std::sig_atomic_t* stop,
             std::map<std::string, emu::RecordedInput> recorded, bool input_ready);
  ~HostInputs() override;

  /// Answers go there from now on.
  void set_recording(RunRecording* recording, bool embed) { recording_ = recording, embed_ = embed; }
  void set_output(std::function<void(unsigned, std::string_view)> output) { output_ = std::move(output); }
  /// What is wrong with the folders; nothing if they can be read.
  std::string problem();
  /// The first file that is not what it was when the run was recorded; empty when all are.
  const std::string& changed() const { return changed_; }

  const std::vector<std::byte>* library(std::string_view name) override;
  void output(unsigned descriptor, std::string_view text) override;
  std::string_view input(uint64_t index) override;
  bool has_input_ready() override { return input_ready_; }
  const std::vector<kernel::HostEntry>& folder(unsigned number) override;
  const std::vector<std::byte>* file(unsigned folder, std::string_view path) override;

 private:
  struct Answer {
    bool present = false;
    std::vector<std::byte> bytes;
  };
  template <class Fetch>
  const Answer& ask(const std::string& question, bool may_be_large, Fetch&& fetch);
  Answer read_input(bool& interrupted);

  LaunchRequest request_;
  const volatile std::sig_atomic_t* stop_;
  bool replaying_ = false;
  std::map<std::string, emu::RecordedInput> recorded_;
  RunRecording* recording_ = nullptr;
  bool embed_ = true;
  std::function<void(unsigned, std::string_view)> output_;
  bool input_ready_ = true;
  int input_ = -1;
  std::map<std::string, Answer> answers_;
  std::map<unsigned, std::vector<kernel::HostEntry>> folders_;
  std::string changed_;
};

}  // namespace jacinth::cli
