// What the services of a run have from the host: libraries, folders, standard input. Each question is asked of the host
// once; the answer is kept, and written into the recording if there is one. A replay has the answers from there. A
// snapshot has those that were given before it; a run that goes on from it asks the host only what nobody asked then.
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
#include <utility>
#include <vector>

#include "emu/replay/recording.h"
#include "kernel/services/host.h"
#include "tools/jacinth/host_folder.h"

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
  /// Of the host, behind what a snapshot has.
  HostInputs(const LaunchRequest& request, const volatile std::sig_atomic_t* stop, bool input_ready,
             std::map<std::string, emu::RecordedInput> answered);
  ~HostInputs() override;

  /// Answers go there from now on, those that were given before at once.
  void set_recording(RunRecording* recording, bool embed);
  /// What a snapshot has of all this: the answers so far, what is left of input that is all there, and by which files
  /// that nobody opened yet are known again.
  void save(emu::FrameSink& frames);
  /// Where libraries and folders lie, whatever the working directory will be.
  std::vector<std::string> library_places() const;
  std::vector<std::string> folder_places() const;
  /// Called when changed() has something to say.
  void set_on_changed(std::function<void()> on_changed) { on_changed_ = std::move(on_changed); }
  void set_output(std::function<void(unsigned, std::string_view)> output) { output_ = std::move(output); }
  /// What is wrong with the folders; nothing if they can be read.
  std::string problem();
  /// The first file that is not what it was when the run was recorded, or the snapshot saved; empty when all are.
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
  void open_input();
  void record(const std::string& question, const Answer& answer, bool embed);
  void note_changed(const std::string& what);

  LaunchRequest request_;
  const volatile std::sig_atomic_t* stop_;
  bool replaying_ = false;
  bool resumed_ = false;  // From a snapshot.
  std::map<std::string, emu::RecordedInput> recorded_;
  RunRecording* recording_ = nullptr;
  bool embed_ = true;
  std::function<void(unsigned, std::string_view)> output_;
  bool input_ready_ = true;
  int input_ = -1;
  std::map<std::string, Answer> answers_;
  std::map<unsigned, std::vector<kernel::HostEntry>> folders_;
  std::string changed_;
  std::function<void()> on_changed_;
  /// Of a run that goes on: what files must be that nobody opened before, by number of folder and path.
  std::map<std::pair<unsigned, std::string>, FileStamp> stamps_;
};

}  // namespace jacinth::cli
