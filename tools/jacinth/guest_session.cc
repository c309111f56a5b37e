#include "tools/jacinth/guest_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "emu/base/check.h"
#include "kernel/abi/processargs.h"
#include "kernel/abi/task.h"
#include "kernel/boot/elf.h"
#include "kernel/inspect/crash_report.h"
#include "kernel/inspect/deadlock_report.h"
#include "kernel/inspect/exception_text.h"
#include "kernel/inspect/unsupported_report.h"
#include "kernel/services/connection.h"
#include "tools/jacinth/host_folder.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {
namespace {

/// Whether a process ended with a code that only the kernel gives.
bool killed_by_kernel(int64_t return_code) {
  return return_code <= static_cast<int64_t>(abi::TaskRetcode::kSyscallKill) &&
         return_code >= static_cast<int64_t>(abi::TaskRetcode::kCriticalProcessKill);
}

/// Between two digests of a machine that sleeps: never more than twice this.
constexpr Duration kLongestGap{int64_t{1} << 60};

/// Whether somebody from outside ended the run: the next one would not end there.
bool from_outside(ExitCode code) {
  return code == ExitCode::kInterrupted || code == ExitCode::kTerminated || code == ExitCode::kClosedPipe ||
         code == ExitCode::kNotRecorded;
}

}  // namespace

int fail(std::string_view who, ExitCode code, std::string_view text) {
  say(who, text);
  return number(code);
}

CrashWatch::CrashWatch(std::string_view who, bool quiet, kernel::Core& core, SymbolizedCode& code, const Style& style)
    : who_(who), quiet_(quiet), core_(core), code_(code), style_(style) {
  core_.tasks().add_observer(*this, kernel::Hears::kAllButTraffic);
}

CrashWatch::~CrashWatch() { core_.tasks().remove_observer(*this); }

void CrashWatch::crashed(kernel::Thread& thread, const kernel::Exception& exception) {
  if (driver_ != nullptr && driver_->again()) return;
  if (!quiet_) {
    std::string report = kernel::crash_report(thread, exception, code_);
    size_t first_line = report.find('\n');
    say(who_, style_.bad(report.substr(0, first_line)) + report.substr(first_line, report.size() - first_line - 1));
  }
  crashes_.push_back({.process = abi::raw(thread.process().koid()),
                      .process_name = std::string(thread.process().name()),
                      .thread = abi::raw(thread.koid()),
                      .exception = kernel::exception_name(exception),
                      .detail = kernel::exception_detail(exception, core_.platform().arch()),
                      .pc = thread.registers().pc,
                      .place = kernel::call_site_text(code_, thread)});
}

bool CrashWatch::crashed(const kernel::Process& process) const {
  for (const Crash& crash : crashes_)
    if (crash.process == abi::raw(process.koid())) return true;
  return false;
}

GuestSession::LastWords::LastWords() { set_crash_reporter(&LastWords::speak, this); }
GuestSession::LastWords::~LastWords() { set_crash_reporter(nullptr, nullptr); }

void GuestSession::LastWords::speak(void* context, std::string_view) {
  auto* self = static_cast<LastWords*>(context);
  if (self->trace != nullptr) self->trace->flush();
  Output::standard().flush();
  _exit(number(ExitCode::kInternal));
}

GuestSession::GuestSession(const RunRequest& request, const boards::Board& board, const SessionPartners& partners)
    : request_(request),
      partners_(partners),
      style_(Style::choose(request.color, Output::error())),
      system_(board, system_options()),
      code_(request.symbols),
      crash_watch_(request.who, request.quiet, core(), code_, style_) {
  last_words_.trace = partners_.trace;
  if (partners_.digest_period.ns > 0) next_digest_ = Time{partners_.digest_period.ns};
  if (partners_.summary != nullptr || partners_.snapshots != nullptr) counts_.emplace(core());
  if (partners_.begin != nullptr) {
    // Before anybody listens: what is loaded does not happen.
    unfit_begin_ = load_state(*partners_.begin, system_, [this](Archive& ar) { session_state(ar); });
  } else {
    kernel().console_input().feed(Time{}, partners_.console_input);
  }
  if (partners_.trace != nullptr || request.view.kind == ViewKind::kRecords) {
    if (coverage_) coverage_->attach(system_, code_);
    Output& output = partners_.trace != nullptr ? *partners_.trace : Output::standard();
    view_ = make_view(request.view, {.system = system_,
                                     .code = code_,
                                     .output = output,
                                     .program = request_.file,
                                     .coverage = coverage_ ? &*coverage_ : nullptr,
                                     .driver = partners_.driver});
  }
  if (partners_.pause_at_event != 0) system_.machine().set_probe(&pause_);
  if (partners_.inputs != nullptr) partners_.inputs->set_on_changed([this] { system_.machine().stop(); });
  // Behind the lines of the trace: whoever stops at an event has its line printed.
  if (partners_.recording != nullptr || partners_.verifier != nullptr)
    events_.emplace(core(), event_sink(), kernel::EventSource::detail(partners_.level, partners_.minor_version));
  crash_watch_.set_driver(partners_.driver);
  kernel().unsupported().set_hook([this](kernel::Thread& thread, const kernel::UnsupportedUse& use) {
    if (told_before()) return request_.stop_at_unsupported;
    tell(kernel::unsupported_use_text(thread, use, code_));
    return request_.stop_at_unsupported;
  });
}

GuestSession::~GuestSession() {
  events_.reset();
  if (coverage_) coverage_->detach();
}

emu::EventSink& GuestSession::event_sink() {
#ifndef JACINTH_DIVERGE_AT_CALL
  // Nobody else has to hear it, or to say that it is no part of the run.
  if (partners_.verifier == nullptr && partners_.driver == nullptr) return partners_.recording->recorder();
#endif
  return *this;
}

#ifdef JACINTH_DIVERGE_AT_CALL
// A build with a mistake in it: what finds divergences must find this one (tests/cli/recording_test.py).
void GuestSession::event(const emu::Event& real) {
  static uint64_t calls = 0;
  emu::Event event = real;
  if (event.kind == emu::EventKind::kCall && ++calls == JACINTH_DIVERGE_AT_CALL) event.result ^= 1;
#else
void GuestSession::event(const emu::Event& event) {
#endif
  bool recorded = partners_.recording != nullptr;
  if (partners_.driver != nullptr && partners_.driver->parted()) recorded = false;
  if (recorded) partners_.recording->recorder().event(event);
  if (partners_.verifier == nullptr) return;
  partners_.verifier->event(event);
  if (partners_.verifier->done()) system_.machine().stop();
}

bool GuestSession::Pause::entered() {
  return partners_.verifier->verified() >= partners_.pause_at_event && !partners_.verifier->done();
}

boards::SystemOptions GuestSession::system_options() {
  boards::SystemOptions options;
  options.cpus = request_.cpus;
  options.ram = request_.ram;
  options.seed = request_.seed;
  if (partners_.trace != nullptr && needs_blocks(request_.view.kind)) options.blocks = &coverage_.emplace();
  for (const auto& [name, value] : request_.kernel_options) options.kernel.options[name] = value;
  options.kernel.injections = request_.injections;
  options.kernel.vdso = request_.given_vdso;
  options.console = [this](std::string_view text) { output(STDOUT_FILENO, text); };
  options.host = partners_.inputs;
  if (partners_.inputs != nullptr)
    partners_.inputs->set_output([this](unsigned descriptor, std::string_view text) { output(descriptor, text); });
  return options;
}

void GuestSession::output(unsigned descriptor, std::string_view text) {
  if (events_) events_->output(text);
  if (!partners_.print_output || told_before()) return;
  if (descriptor == STDERR_FILENO) {
    // Where both go to one place, they stand in their order.
    Output::standard().flush();
    Output::error().write(text);
    return;
  }
  Output::standard().write(text);
  if (Output::standard().closed()) host_.raise_flag();
}

/// What the program is given beside itself: libraries, streams, clocks, folders. What could not be made, if anything.
std::string GuestSession::add_launch(kernel::BootOptions& options) {
  using abi::ProcessargsType;
  const LaunchRequest& launch = request_.launch;
  kernel::Services& services = system_.services();
  if (launch.has_libraries) {
    options.linker = [&services](std::string_view name) { return services.library(name); };
    options.loader = [&services] { return services.open_loader(); };
    options.channel = &services.bootstrap();
  }
  std::string problem;
  auto add = [&](ProcessargsType type, uint16_t argument, abi::Result<kernel::HandleOwner> handle) {
    if (handle) {
      options.handles.push_back({.info = abi::processargs_info(type, argument), .handle = std::move(*handle)});
    } else if (problem.empty()) {
      problem = fmt::format("cannot make its first handles: {}", abi::status_name(handle.status()));
    }
  };
  add(ProcessargsType::kClockUtc, 0, services.make_utc_clock());
  add(ProcessargsType::kLifecycle, 0, services.open_held());
  if (launch.sockets)
    for (uint16_t descriptor = 0; descriptor < 3; ++descriptor)
      add(ProcessargsType::kFd, descriptor, services.open_stream(descriptor));
  auto mount = [&](const std::string& path, abi::Result<kernel::HandleOwner> directory) {
    add(ProcessargsType::kNsDir, static_cast<uint16_t>(options.names.size()), std::move(directory));
    options.names.push_back(path);
  };
  constexpr uint32_t kReadable = kernel::kRightReadable | kernel::kRightExecutable;
  bool has_tmp = false;
  for (size_t i = 0; i < launch.folders.size(); ++i) {
    const FolderRequest& folder = launch.folders[i];
    has_tmp |= folder.guest == "/tmp";
    uint64_t root = services.files().add_folder(static_cast<unsigned>(i), !folder.writable);
    mount(folder.guest,
          services.open_directory(root, folder.writable ? kReadable | kernel::kRightWritable : kReadable));
  }
  if (!has_tmp)
    mount("/tmp", services.open_directory(services.files().make_root(false), kReadable | kernel::kRightWritable));
  mount("/svc", services.open_service_directory());
  return problem;
}

/// What the program changed in folders that it may write to goes to the host now, and never while it runs: what it sees
/// does not depend on what others do there meanwhile.
void GuestSession::write_folders_back() {
  if (partners_.inputs == nullptr || partners_.verifier != nullptr) return;
  for (size_t i = 0; i < request_.launch.folders.size(); ++i) {
    const FolderRequest& folder = request_.launch.folders[i];
    if (!folder.writable) continue;
    for (const kernel::FileTree::Change& change : system_.services().files().changes(static_cast<unsigned>(i))) {
      bool done = !change.present    ? remove_inside(folder.host, change.path, change.is_folder)
                  : change.is_folder ? make_folder_inside(folder.host, change.path)
                                     : write_inside(folder.host, change.path, change.bytes);
      if (!done) say(request_.who, fmt::format("--dir: {}/{} could not be changed", folder.host, change.path));
    }
  }
  if (const auto& refused = system_.services().refused(); !refused.empty())
    say(request_.who, fmt::format("the program asked for services that are not there: {}", fmt::join(refused, ", ")));
}

/// A dynamic linker that gives up leaves the program's own message where it is.
void GuestSession::hint_at_linker(int64_t return_code) {
  // A program that is no library can be wrong too.
  constexpr int64_t kLinkerFailed = 127, kProgramRefused = 1;
  const kernel::Ref<kernel::Channel>& channel = system_.services().bootstrap();
  if ((return_code != kLinkerFailed && return_code != kProgramRefused) || !channel || channel->message_count() == 0)
    return;
  std::string text = "the program's dynamic linker could not start it, for the reason above";
  if (const auto& missing = system_.services().missing_libraries(); !missing.empty())
    text += fmt::format("; no folder of --libs has {}", fmt::join(missing, ", "));
  if (unreadable_code_) text += "; its code may not be read, which that linker cannot map: link with --no-execute-only";
  say(request_.who, text);
}

bool GuestSession::has_unreadable_code(std::span<const std::byte> file) {
  auto elf = kernel::parse_elf(file);
  return elf && std::ranges::any_of(elf->segments, [](const kernel::ElfSegment& segment) {
           return segment.permissions.execute && !segment.permissions.read;
         });
}

int GuestSession::run(std::span<const std::byte> file) {
  auto begun = std::chrono::steady_clock::now();
  unreadable_code_ = has_unreadable_code(file);
  if (unfit_begin_) return fail(ExitCode::kNotLoadable, fmt::format("{}: {}", partners_.begin_name, *unfit_begin_));
  if (std::optional<std::string> problem = partners_.begin == nullptr ? start(file) : std::nullopt)
    return fail(ExitCode::kNotLoadable, fmt::format("{}: {}", request_.file, *problem));
  RunAccount account;
  ExitCode code = run_to_end(file);
  if (paused_) return number(code);
  account.exit_code = number(code);
  account.exit_reason = exit_reason(code);
  const kernel::Ref<kernel::Process>& process = kernel().initial_process();
  if (process->dead()) {
    account.return_code = process->return_code();
    if (code == ExitCode::kOk) account.exit_code = static_cast<uint8_t>(process->return_code());
  }
  account.host_time = {std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun).count()};
  account.crashes = crash_watch_.crashes();
  bool by_wall = host_.wish() == HostEvents::Wish::kWallLimit;
  conclusion_.cause =
      from_outside(code) || by_wall ? emu::RunConclusion::Cause::kOutside : emu::RunConclusion::Cause::kItself;
  conclusion_.exit_code = static_cast<uint8_t>(account.exit_code);
  conclusion_.reason = account.exit_reason;
  conclusion_.time = system_.machine().now().ns;
  if (partners_.driver != nullptr) conclude_driven(code);
  if (events_) {
    events_.reset();
    conclusion_.machine = system_.digest();
  }
  return finish(account);
}

/// What a debugger did is in no recording: up to there it is the run's.
void GuestSession::conclude_driven(ExitCode code) {
  std::optional<Time> parted = partners_.driver->parted();
  // By the debugger, for all that a recording knows.
  if (code == ExitCode::kKilled && !kernel().outcome()) conclusion_.cause = emu::RunConclusion::Cause::kOutside;
  if (!parted) return;
  conclusion_ = {.cause = emu::RunConclusion::Cause::kOutside, .reason = "debugged", .time = parted->ns};
  if (partners_.recording != nullptr)
    tell(fmt::format("the recording ends at {}: there the debugger went back, or changed the run", time_text(*parted)));
}

/// Puts the program into its first process. What is wrong with it, if anything.
std::optional<std::string> GuestSession::start(std::span<const std::byte> file) {
  kernel::BootOptions options;
  options.elf = file;
  options.name = request_.file.substr(request_.file.rfind('/') + 1);
  options.arguments.push_back(request_.file);
  options.arguments.insert(options.arguments.end(), request_.arguments.begin(), request_.arguments.end());
  for (const auto& [name, value] : request_.environment)
    options.environment.push_back(fmt::format("{}={}", name, value));
  options.root = request_.root;
  if (request_.launch.any()) {
    if (std::string problem = add_launch(options); !problem.empty()) return problem;
  }
  auto process = kernel::boot(kernel(), std::move(options));
  if (!process) return process.error().line;
  return std::nullopt;
}

Digest GuestSession::take_digest() {
  Digest digest = system_.digest_without_memory();
  if (partners_.minor_version < 2) return digest;
  // From the first one on, so that a run without digests has no watcher.
  if (!memory_digest_) memory_digest_.emplace(system_.machine().memory());
  Digest memory = memory_digest_->take();
  system_.machine().flush_tlbs();
  Hasher both;
  both(digest.low, digest.high, memory.low, memory.high);
  return both.digest();
}

/// What this knows of the run beside the machine, and a run that goes on from a snapshot must know.
void GuestSession::session_state(Archive& ar) {
  ar(crash_watch_, kernel().unsupported());
  // When digests are taken, as long as the period is the same.
  int64_t period = partners_.digest_period.ns;
  Time next = next_digest_;
  Duration gap = digest_gap_;
  uint64_t executed = executed_at_digest_;
  ar(period, next, gap, executed);
  if (ar.loading() && partners_.digest_period.ns > 0) {
    next_digest_ = system_.machine().now() + partners_.digest_period;
    if (period == partners_.digest_period.ns && next >= system_.machine().now()) {
      next_digest_ = next;
      digest_gap_ = {std::clamp<int64_t>(gap.ns, 0, 2 * kLongestGap.ns)};
      executed_at_digest_ = executed;
    }
  }
  // Last, since a run that needs none has none to load them into.
  std::optional<kernel::CallCounts> others;
  if (!counts_) others.emplace(core());
  ar(counts_ ? *counts_ : *others);
}

std::vector<std::byte> GuestSession::saved_session() {
  Writer writer;
  session_state(writer);
  return writer.take();
}

/// Runs until something is to be decided: digests and snapshots are taken on the way.
emu::RunEnd GuestSession::run_on(emu::RunLimits limits) {
  Time until = limits.time;
  for (;;) {
    Time next_snapshot = partners_.snapshots != nullptr ? partners_.snapshots->next() : Time::never();
    limits.time = std::min({until, next_digest_, next_snapshot});
    if (view_) limits.code_bytes = view_->next_look();
    emu::RunEnd end = system_.run(limits);
    if (end == emu::RunEnd::kCodeLimit && view_) {
      view_->look();
      continue;
    }
    Time now = system_.machine().now();
    if (end != emu::RunEnd::kTimeLimit) return end;
    if (now >= next_snapshot) {
      partners_.snapshots->take(system_, saved_session());
      continue;
    }
    if (now < next_digest_) return end;
    Digest digest = take_digest();
    events_->digest(digest.low, digest.high);
    // A machine that sleeps is looked at ever less often: a year of it must not be billions of digests.
    uint64_t executed = system_.machine().executed_bytes();
    digest_gap_ = executed == executed_at_digest_ ? Duration{std::min(digest_gap_.ns, kLongestGap.ns) * 2}
                                                  : partners_.digest_period;
    executed_at_digest_ = executed;
    next_digest_ = now + digest_gap_;
    if (partners_.verifier != nullptr && partners_.verifier->done()) return emu::RunEnd::kStopped;
  }
}

ExitCode GuestSession::drive(std::span<const std::byte> file) {
  std::optional<Time> end = partners_.ended_at;
  std::string end_words = "here the recorded run was ended";
  if (request_.time_limit && (!end || request_.time_limit->ns <= end->ns)) {
    end = Time{request_.time_limit->ns};
    end_words = fmt::format("the limit of {} of virtual time has come", duration_text(*request_.time_limit));
  }
  StartedRun run{.system = system_,
                 .host = host_,
                 .program = request_.file,
                 .bytes = file,
                 .end = end,
                 .end_words = end_words,
                 .recorded = partners_.recorded,
                 .symbols = request_.symbols};
  switch (partners_.driver->drive(run)) {
    case RunDriver::End::kRunOver:
      if (kernel().outcome()) return outcome();
      if (!request_.time_limit || system_.machine().now().ns < request_.time_limit->ns) return ExitCode::kOk;
      return out_of_time();
    case RunDriver::End::kBlocked: return deadlock();
    case RunDriver::End::kKilled: return ExitCode::kKilled;
    case RunDriver::End::kWish: break;
  }
  return wished();
}

ExitCode GuestSession::out_of_time() {
  tell(fmt::format("stopped: the limit of {} of virtual time has come", duration_text(*request_.time_limit)));
  return ExitCode::kTimeLimit;
}

/// What somebody outside wants: kOk for nothing.
ExitCode GuestSession::wished() {
  switch (host_.wish()) {
    case HostEvents::Wish::kInterrupt:
      tell(fmt::format("interrupted at {}", time_text(system_.machine().now())));
      return ExitCode::kInterrupted;
    case HostEvents::Wish::kTerminate:
      tell(fmt::format("terminated at {}", time_text(system_.machine().now())));
      return ExitCode::kTerminated;
    case HostEvents::Wish::kWallLimit:
      tell(fmt::format("stopped: the limit of {} of real time has come, at {} of virtual time",
                       duration_text(*request_.wall_limit), time_text(system_.machine().now())));
      return ExitCode::kTimeLimit;
    case HostEvents::Wish::kNone: break;
  }
  return ExitCode::kOk;
}

ExitCode GuestSession::run_to_end(std::span<const std::byte> file) {
  if (request_.wall_limit) host_.start_wall_limit(*request_.wall_limit);
  if (partners_.driver != nullptr) return drive(file);
  emu::RunLimits limits;
  limits.interrupt = &host_.flag();
  if (request_.time_limit) limits.time = Time{request_.time_limit->ns};
  if (partners_.ended_at) limits.time = std::min(limits.time, *partners_.ended_at);
  for (;;) {
    emu::RunEnd end = run_on(limits);
    if (partners_.verifier != nullptr && partners_.verifier->done()) return ExitCode::kOk;
    if (partners_.recording != nullptr && partners_.recording->must_stop()) {
      tell(fmt::format("stopped at {}: the recording cannot be written on", time_text(system_.machine().now())));
      return ExitCode::kNotRecorded;
    }
    if (partners_.inputs != nullptr && !partners_.inputs->changed().empty()) {
      // A replay knows the recording's name.
      if (partners_.verifier == nullptr)
        tell(fmt::format("stopped: {} is not what it was when the snapshot was saved", partners_.inputs->changed()));
      return ExitCode::kNotLoadable;
    }
    if (kernel().outcome()) return outcome();
    switch (end) {
      case emu::RunEnd::kBlocked: return deadlock();
      case emu::RunEnd::kTimeLimit:
        if (partners_.ended_at && system_.machine().now() >= *partners_.ended_at) return ExitCode::kOk;
        return out_of_time();
      default: break;
    }
    if (end == emu::RunEnd::kHeld) {
      paused_ = true;
      return ExitCode::kOk;
    }
    host_.lower_flag();
    if (Output::standard().closed()) return ExitCode::kClosedPipe;
    if (host_.wish() != HostEvents::Wish::kNone) return wished();
  }
}

ExitCode GuestSession::outcome() {
  if (kernel().outcome()->kind == kernel::Outcome::Kind::kUnsupported) {
    tell("stopped: --on-unsupported=stop");
    return ExitCode::kUnsupported;
  }
  if (kernel().outcome()->kind == kernel::Outcome::Kind::kPoweredOff) {
    tell("the program switched the machine off");
    return ExitCode::kOk;
  }
  if (kernel().outcome()->kind == kernel::Outcome::Kind::kOutOfMemory) {
    tell(style_.bad("out of memory") +
         fmt::format(": the machine rebooted at {}; give it more with --ram, or see --kernel-arg "
                     "kernel.oom.behavior and kernel.oom.enable",
                     time_text(system_.machine().now())));
    return ExitCode::kOutOfMemory;
  }
  const kernel::Process& process = *kernel().initial_process();
  if (crash_watch_.crashed(process)) return ExitCode::kException;
  hint_at_linker(process.return_code());
  if (!killed_by_kernel(process.return_code())) return ExitCode::kOk;
  tell(fmt::format("process {} was killed: {}", abi::raw(process.koid()),
                   kernel::return_code_text(process.return_code())));
  return ExitCode::kKilled;
}

ExitCode GuestSession::deadlock() {
  std::string report = kernel::deadlock_report(kernel(), code_);
  report.pop_back();
  tell(style_.bad("deadlock") + ": " + report);
  return ExitCode::kDeadlock;
}

void GuestSession::tell(std::string_view text) const {
  if (!request_.quiet) say(request_.who, text);
}

int GuestSession::finish(const RunAccount& account) {
  int exit_code = account.exit_code;
  write_folders_back();
  if (partners_.snapshots != nullptr && !partners_.snapshots->finish()) exit_code = number(ExitCode::kNotRecorded);
  if (std::string list = kernel::unsupported_summary(kernel().unsupported()); !list.empty()) {
    tell("the guest used what Jacinth lacks, and its results may differ from those of a real system for it:\n" + list +
         "  `jacinth syscalls NAME` says what is missing of a call; --on-unsupported=stop ends the run "
         "at the first.");
  }
  if (kernel::Injector* injector = kernel().injector()) {
    bool any = false;
    for (const auto& [number, chosen] : injector->chosen()) any |= chosen.injected != 0;
    if (!any) tell("--inject: no call had its result put in: none was made as often as asked for");
  }
  if (request_.counters) {
    std::string text = "kernel counters";
    for (const auto& [name, value] : core().counters())
      if (value != 0) text += fmt::format("\n  {} = {}", name, value);
    tell(text);
  }
  if (view_) view_->finish();
  view_.reset();
  if (partners_.trace != nullptr) {
    partners_.trace->flush();
    if (!partners_.trace->failure().empty())
      exit_code = fail(ExitCode::kInternal, fmt::format("the trace is not complete: {}", partners_.trace->failure()));
  }
  if (partners_.summary != nullptr) {
    partners_.summary->write(summary_json(request_, system_, account, *counts_));
    partners_.summary->flush();
    if (!partners_.summary->failure().empty())
      exit_code = fail(ExitCode::kInternal, fmt::format("{}: {}", request_.summary, partners_.summary->failure()));
  }
  Output::standard().flush();
  if (!Output::standard().failure().empty())
    exit_code = fail(ExitCode::kInternal, fmt::format("standard output: {}", Output::standard().failure()));
  return exit_code;
}

}  // namespace jacinth::cli
