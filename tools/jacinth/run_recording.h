// A recording while it is made: the recorder on the machine's thread, packing and writing on another, so that the guest
// waits for neither.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "emu/replay/recorder.h"
#include "emu/replay/recording.h"
#include "emu/trace/trace_writer.h"
#include "tools/jacinth/files.h"

namespace jacinth::cli {

struct RecordRequest {
  std::string file;
  emu::RecordLevel level = emu::RecordLevel::kDigests;
  /// Whether the program lies in the recording, or only its digest.
  bool embed = true;
  emu::TraceWriter::Limit limit;
  /// When the file cannot be written on: whether the run ends.
  bool stop_on_error = false;
  Duration digest_period{10'000'000};
};

class RunRecording final : private emu::FrameSink {
 public:
  /// Begins the file. `program` is what the guest's file holds.
  static std::expected<std::unique_ptr<RunRecording>, std::string> begin(const RecordRequest& request,
                                                                         emu::RunDescription run,
                                                                         std::span<const std::byte> program);
  ~RunRecording() override;
  RunRecording(const RunRecording&) = delete;
  RunRecording& operator=(const RunRecording&) = delete;

  emu::Recorder& recorder() { return recorder_; }
  /// What the program is given beside itself, and what comes from outside for it.
  void launch(emu::LaunchDescription launch) { frame({.kind = emu::FrameKind::kLaunch}, emu::to_payload(launch)); }
  void input(emu::RecordedInput input) { frame({.kind = emu::FrameKind::kInput}, emu::to_payload(input)); }
  /// For the state at which it begins.
  emu::FrameSink& frames() { return *this; }
  Duration digest_period() const { return request_.digest_period; }
  /// The run is to end, since no more can be written.
  bool must_stop();
  /// Writes the rest. Events, chain and dropped frames are filled in here.
  void finish(emu::RunConclusion conclusion);
  /// Why the file is not complete; empty when it is.
  std::string failure();

 private:
  struct Job {
    emu::FrameInfo info;
    std::vector<std::byte> payload;
  };

  RunRecording(const RecordRequest& request, std::unique_ptr<FileStore> store);
  void frame(const emu::FrameInfo& info, std::vector<std::byte> payload) override;
  std::vector<std::byte> room() override;
  void work();
  void join();

  /// Bytes that may wait for the writer. More, and the guest waits for it after all.
  static constexpr size_t kMaxWaiting = 64 << 20;

  RecordRequest request_;
  std::unique_ptr<FileStore> store_;
  emu::TraceWriter writer_;  // The worker's, while there is one.
  emu::Recorder recorder_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::vector<std::byte> room_;  // What the last payload that was written lay in.
  size_t waiting_ = 0;           // Bytes in jobs_.
  bool ending_ = false;
  bool failed_ = false;
  std::thread worker_;
};

}  // namespace jacinth::cli
