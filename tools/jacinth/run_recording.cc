#include "tools/jacinth/run_recording.h"

#include <utility>

namespace jacinth::cli {

using emu::FrameInfo;
using emu::FrameKind;

std::expected<std::unique_ptr<RunRecording>, std::string> RunRecording::begin(const RecordRequest& request,
                                                                              emu::RunDescription run,
                                                                              std::span<const std::byte> program) {
  auto store = FileStore::create(request.file);
  if (!store) return std::unexpected(store.error());
  std::unique_ptr<RunRecording> recording(new RunRecording(request, std::move(*store)));
  run.level = request.level;
  run.digest_period = request.level == emu::RecordLevel::kNone ? 0 : request.digest_period.ns;
  if (run.vdso) {
    run.vdso->embedded = request.embed;
    if (!request.embed) run.vdso->bytes.clear();
  }
  recording->frame({.kind = FrameKind::kRun}, emu::to_payload(run));
  emu::RecordedFile file{.path = run.program, .digest = emu::digest_of_bytes(program), .embedded = request.embed};
  if (request.embed) file.bytes.assign(program.begin(), program.end());
  recording->frame({.kind = FrameKind::kFile}, emu::to_payload(file));
  return recording;
}

RunRecording::RunRecording(const RecordRequest& request, std::unique_ptr<FileStore> store)
    : request_(request),
      store_(std::move(store)),
      writer_(*store_, request.limit),
      recorder_(request.level, *this),
      worker_([this] { work(); }) {}

RunRecording::~RunRecording() { join(); }

void RunRecording::join() {
  if (!worker_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

void RunRecording::frame(const FrameInfo& info, std::vector<std::byte> payload) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_ < kMaxWaiting || failed_; });
  if (failed_) return;
  waiting_ += payload.size();
  jobs_.push_back({info, std::move(payload)});
  lock.unlock();
  changed_.notify_all();
}

std::vector<std::byte> RunRecording::room() {
  std::lock_guard lock(mutex_);
  return std::exchange(room_, {});
}

void RunRecording::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    writer_.add(job.info, job.payload);
    bool failed = writer_.failed();
    lock.lock();
    waiting_ -= job.payload.size();
    job.payload.clear();
    room_ = std::move(job.payload);
    failed_ |= failed;
    changed_.notify_all();
  }
}

bool RunRecording::must_stop() {
  if (!request_.stop_on_error) return false;
  std::lock_guard lock(mutex_);
  return failed_;
}

void RunRecording::finish(emu::RunConclusion conclusion) {
  recorder_.flush();
  join();
  conclusion.events = recorder_.events();
  conclusion.chain = recorder_.chain().value();
  conclusion.dropped_frames = writer_.dropped();
  writer_.add({.kind = FrameKind::kEnd, .time = Time{conclusion.time}, .event = conclusion.events},
              emu::to_payload(conclusion));
  writer_.finish();
}

std::string RunRecording::failure() {
  std::lock_guard lock(mutex_);
  return writer_.failed() ? store_->failure() : "";
}

}  // namespace jacinth::cli
