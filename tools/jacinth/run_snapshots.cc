#include "tools/jacinth/run_snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "emu/trace/frame.h"
#include "tools/jacinth/host_inputs.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/units.h"
#include "tools/jacinth/version.h"

namespace jacinth::cli {
namespace {

/// read_file() reads no larger one.
constexpr uint64_t kLargestFile = uint64_t{1} << 30;
/// What a state may have beside the pages of RAM: kernel objects, above all messages, which a machine's RAM bounds too.
constexpr uint64_t kMostBesideRam = uint64_t{256} << 20;

/// Frames into a file, one after the other.
class FileFrames final : public emu::FrameSink {
 public:
  explicit FileFrames(NewFile& file) : file_(file) { put(emu::snapshot_header()); }
  void frame(const emu::FrameInfo& info, std::vector<std::byte> payload) override {
    if (!file_.failure().empty() || too_large()) return;
    emu::FrameInfo numbered = info;
    numbered.number = number_++;
    numbered.raw_size = static_cast<uint32_t>(payload.size());
    put(packer_.pack(numbered, payload));
  }
  bool too_large() const { return size_ > kLargestFile; }

 private:
  void put(std::span<const std::byte> bytes) {
    size_ += bytes.size();
    file_.write(bytes);
  }

  NewFile& file_;
  emu::FramePacker packer_;
  uint64_t number_ = 0;
  uint64_t size_ = 0;
};

}  // namespace

void KeptState::frame(const emu::FrameInfo& info, std::vector<std::byte> payload) {
  if (info.kind == emu::FrameKind::kState) {
    pieces_.push_back(std::move(payload));
  } else {
    about_ = std::move(payload);
  }
}

std::expected<emu::SavedState, std::string> KeptState::state() const {
  auto about = emu::from_payload<emu::StateDescription>(about_);
  if (!about) return std::unexpected(about.error());
  std::vector<uint32_t> sizes;
  sizes.reserve(pieces_.size());
  for (const auto& piece : pieces_) sizes.push_back(static_cast<uint32_t>(piece.size()));
  return emu::SavedState::make(
      std::move(*about), sizes,
      [this](size_t number) -> std::expected<std::vector<std::byte>, std::string> { return pieces_[number]; });
}

void save_state(emu::FrameSink& frames, boards::System& system, emu::StateDescription about) {
  about.layout = state_layout();
  about.machine = system.digest();
  emu::StateWriter writer(frames, system.machine().now());
  system.state(writer);
  writer.finish(std::move(about));
}

std::optional<std::string> load_state(const emu::SavedState& saved, boards::System& system,
                                      const std::function<void(Archive&)>& session) {
  uint64_t ram = system.machine().memory().size();
  if (saved.about().bytes > ram + ram / 256 + kMostBesideRam)
    return fmt::format("its state has {} bytes, which no machine with {} of RAM has", saved.about().bytes, ram);
  if (auto loaded = saved.load([&system](Archive& ar) { system.state(ar); }); !loaded) return loaded.error();
  if (system.machine().now().ns != saved.about().time) return "its state is of another time than it says";
  if (!system.kernel().initial_process()) return "no program runs on the machine that was loaded";
  if (system.digest() != saved.about().machine) return "the machine that was loaded is not the one that was saved";
  Reader reader(saved.about().session);
  session(reader);
  if (!reader.ok()) return reader.error();
  if (!reader.at_end()) return "what was known of the run has more to it than there is";
  return std::nullopt;
}

std::string unfit_state(const emu::SavedState& saved, std::string_view version) {
  if (saved.about().layout == state_layout()) return {};
  if (version != cli::version())
    return fmt::format("it was saved by jacinth {}, and this is {}: only the same build reads it", version,
                       cli::version());
  return fmt::format(
      "it was saved by another build of jacinth {}, which lays out a machine's state in another way ({}, here {}): "
      "only "
      "the same build reads it",
      version, saved.about().layout, state_layout());
}

RunSnapshots::RunSnapshots(std::string_view who, std::vector<SaveRequest> saves, SavedRun run)
    : who_(who), saves_(std::move(saves)), run_(std::move(run)) {
  std::ranges::stable_sort(saves_, {}, &SaveRequest::at);
}

void RunSnapshots::take(boards::System& system, const std::vector<std::byte>& session) {
  for (; done_ < saves_.size() && saves_[done_].at <= system.machine().now(); ++done_) {
    const SaveRequest& save = saves_[done_];
    std::string problem = write(save, system, session);
    if (problem.empty()) continue;
    failed_ = true;
    say(who_, fmt::format("--save-at {}: {}: the snapshot was not saved: {}", duration_text({save.at.ns}), save.file,
                          problem));
  }
}

std::string RunSnapshots::write(const SaveRequest& save, boards::System& system,
                                const std::vector<std::byte>& session) {
  auto file = NewFile::create(save.file);
  if (!file) return file.error();
  FileFrames frames(**file);
  frames.frame({.kind = emu::FrameKind::kRun}, emu::to_payload(run_.run));
  emu::RecordedFile program{.path = run_.run.program, .digest = emu::digest_of_bytes(run_.program), .embedded = true};
  program.bytes.assign(run_.program.begin(), run_.program.end());
  frames.frame({.kind = emu::FrameKind::kFile}, emu::to_payload(program));
  emu::StateDescription about{.session = session};
  if (run_.launch) frames.frame({.kind = emu::FrameKind::kLaunch}, emu::to_payload(*run_.launch));
  if (run_.inputs != nullptr) {
    run_.inputs->save(frames);
    about.libraries = run_.inputs->library_places();
    about.folders = run_.inputs->folder_places();
  }
  save_state(frames, system, std::move(about));
  if (frames.too_large()) return "it would be larger than 1 GiB";
  auto done = (*file)->commit();
  return done ? "" : done.error();
}

bool RunSnapshots::finish() {
  for (; done_ < saves_.size(); ++done_)
    say(who_, fmt::format("--save-at {}: {}: the run was over before, and no snapshot was saved",
                          duration_text({saves_[done_].at.ns}), saves_[done_].file));
  return !failed_;
}

}  // namespace jacinth::cli
