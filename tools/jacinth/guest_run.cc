#include "tools/jacinth/guest_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "boards/system.h"
#include "emu/base/check.h"
#include "kernel/abi/task.h"
#include "kernel/boot/boot.h"
#include "kernel/boot/elf.h"
#include "kernel/inspect/crash_report.h"
#include "kernel/inspect/deadlock_report.h"
#include "kernel/inspect/exception_text.h"
#include "kernel/inspect/unsupported_report.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/guest_code.h"
#include "tools/jacinth/host_events.h"
#include "tools/jacinth/summary.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {
namespace {

constexpr std::string_view kWho = "jacinth run";
/// A guest's file is read into memory once.
constexpr off_t kMaxFileSize = off_t{1} << 30;

int fail(ExitCode code, std::string_view text) {
  say(kWho, text);
  return number(code);
}

struct FileProblem {
  ExitCode code;
  std::string text;
};

std::expected<std::vector<std::byte>, FileProblem> read_file(const std::string& path) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    // As shells tell them apart: it is not there, or it cannot be run.
    bool missing = errno == ENOENT || errno == ENOTDIR;
    return std::unexpected(FileProblem{missing ? ExitCode::kNotFound : ExitCode::kNotLoadable, std::strerror(errno)});
  }
  struct stat info = {};
  std::vector<std::byte> bytes;
  std::string problem;
  if (fstat(file, &info) != 0) {
    problem = std::strerror(errno);
  } else if (!S_ISREG(info.st_mode)) {
    problem = S_ISDIR(info.st_mode) ? "it is a directory" : "it is no regular file";
  } else if (info.st_size > kMaxFileSize) {
    problem = "it is larger than 1 GiB";
  } else {
    bytes.resize(static_cast<size_t>(info.st_size));
    for (size_t done = 0; done < bytes.size() && problem.empty();) {
      ssize_t got = ::read(file, bytes.data() + done, bytes.size() - done);
      if (got > 0) done += static_cast<size_t>(got);
      if (got == 0) bytes.resize(done);
      if (got < 0 && errno != EINTR) problem = std::strerror(errno);
    }
  }
  ::close(file);
  if (!problem.empty()) return std::unexpected(FileProblem{ExitCode::kNotLoadable, problem});
  return bytes;
}

/// All of it, before anything runs: the run must not hang on when it comes.
std::expected<std::string, FileProblem> read_console_input(const std::string& path) {
  std::string text;
  if (path.empty()) return text;
  if (path != "-") {
    auto bytes = read_file(path);
    if (!bytes) return std::unexpected(bytes.error());
    text.assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    return text;
  }
  std::array<char, 4096> buffer;
  for (;;) {
    ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(FileProblem{ExitCode::kUsage, std::strerror(errno)});
    text.append(buffer.data(), static_cast<size_t>(got));
    if (text.size() > static_cast<size_t>(kMaxFileSize))
      return std::unexpected(FileProblem{ExitCode::kUsage, "it is larger than 1 GiB"});
  }
}

class OutputLines final : public kernel::LineSink {
 public:
  explicit OutputLines(Output& output) : output_(output) {}
  void line(std::string_view text) override { output_.write(text); }

 private:
  Output& output_;
};

/// Tells of processes that die of an exception.
class CrashWatch final : public kernel::KernelObserver {
 public:
  CrashWatch(kernel::Core& core, SymbolizedCode& code, const Style& style) : core_(core), code_(code), style_(style) {
    core_.tasks().add_observer(*this, kernel::Hears::kAllButTraffic);
  }
  ~CrashWatch() override { core_.tasks().remove_observer(*this); }
  CrashWatch(const CrashWatch&) = delete;
  CrashWatch& operator=(const CrashWatch&) = delete;

  void crashed(kernel::Thread& thread, const kernel::Exception& exception) override {
    std::string report = kernel::crash_report(thread, exception, code_);
    size_t first_line = report.find('\n');
    say(kWho, style_.bad(report.substr(0, first_line)) + report.substr(first_line, report.size() - first_line - 1));
    crashes_.push_back({.process = abi::raw(thread.process().koid()),
                        .process_name = std::string(thread.process().name()),
                        .thread = abi::raw(thread.koid()),
                        .exception = kernel::exception_name(exception),
                        .detail = kernel::exception_detail(exception, core_.platform().arch()),
                        .pc = thread.registers().pc,
                        .place = kernel::call_site_text(code_, thread)});
  }

  const std::vector<Crash>& crashes() const { return crashes_; }
  bool crashed(const kernel::Process& process) const {
    for (const Crash& crash : crashes_)
      if (crash.process == abi::raw(process.koid())) return true;
    return false;
  }

 private:
  kernel::Core& core_;
  SymbolizedCode& code_;
  const Style& style_;
  std::vector<Crash> crashes_;
};

/// Whether a process ended with a code that only the kernel gives.
bool killed_by_kernel(int64_t return_code) {
  return return_code <= static_cast<int64_t>(abi::TaskRetcode::kSyscallKill) &&
         return_code >= static_cast<int64_t>(abi::TaskRetcode::kCriticalProcessKill);
}

/// What a failed CHECK flushes before it ends the program.
struct LastWords {
  Output* trace = nullptr;

  LastWords() { set_crash_reporter(&LastWords::speak, this); }
  ~LastWords() { set_crash_reporter(nullptr, nullptr); }
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

  static void speak(void* context, std::string_view) {
    auto* self = static_cast<LastWords*>(context);
    if (self->trace != nullptr) self->trace->flush();
    Output::standard().flush();
    _exit(number(ExitCode::kInternal));
  }
};

class GuestRun {
 public:
  GuestRun(const RunRequest& request, const boards::Board& board, std::string_view console_input, Output* trace,
           Output* summary)
      : request_(request),
        style_(Style::choose(request.color, Output::error())),
        trace_(trace),
        summary_(summary),
        system_(board, system_options()),
        crash_watch_(core(), code_, style_) {
    last_words_.trace = trace;
    if (trace_ != nullptr) {
      trace_lines_.emplace(*trace_);
      strace_.emplace(core(), *trace_lines_, request.strace_options);
    }
    if (summary_ != nullptr) counts_.emplace(core());
    kernel().console_input().feed(Time{}, console_input);
    kernel().unsupported().set_hook([this](kernel::Thread& thread, const kernel::UnsupportedUse& use) {
      say(kWho, kernel::unsupported_use_text(thread, use, code_));
      return request_.stop_at_unsupported;
    });
  }

  int run(std::span<const std::byte> file) {
    auto begun = std::chrono::steady_clock::now();
    if (std::optional<std::string> problem = start(file))
      return fail(ExitCode::kNotLoadable, fmt::format("{}: {}", request_.file, *problem));
    RunAccount account;
    ExitCode code = run_to_end();
    account.exit_code = number(code);
    account.exit_reason = exit_reason(code);
    const kernel::Ref<kernel::Process>& process = kernel().initial_process();
    if (process->dead()) {
      account.return_code = process->return_code();
      if (code == ExitCode::kOk) account.exit_code = static_cast<uint8_t>(process->return_code());
    }
    account.host_time = {std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun).count()};
    account.crashes = crash_watch_.crashes();
    return finish(account);
  }

 private:
  kernel::Kernel& kernel() { return system_.kernel(); }
  kernel::Core& core() { return kernel().core(); }

  boards::SystemOptions system_options() {
    boards::SystemOptions options;
    options.cpus = request_.cpus;
    options.ram = request_.ram;
    options.seed = request_.seed;
    for (const auto& [name, value] : request_.kernel_options) options.kernel.options[name] = value;
    options.console = [this](std::string_view text) {
      Output::standard().write(text);
      if (Output::standard().closed()) host_.raise_flag();
    };
    return options;
  }

  /// Puts the program into its first process. What is wrong with it, if anything.
  std::optional<std::string> start(std::span<const std::byte> file) {
    kernel::BootOptions options;
    options.elf = file;
    options.name = request_.file.substr(request_.file.rfind('/') + 1);
    options.arguments.push_back(request_.file);
    options.arguments.insert(options.arguments.end(), request_.arguments.begin(), request_.arguments.end());
    for (const auto& [name, value] : request_.environment)
      options.environment.push_back(fmt::format("{}={}", name, value));
    options.root = request_.root;
    auto process = kernel::boot(kernel(), options);
    if (!process) return process.error().line;
    return std::nullopt;
  }

  ExitCode run_to_end() {
    if (request_.wall_limit) host_.start_wall_limit(*request_.wall_limit);
    emu::RunLimits limits;
    limits.interrupt = &host_.flag();
    if (request_.time_limit) limits.time = Time{request_.time_limit->ns};
    for (;;) {
      emu::RunEnd end = system_.run(limits);
      if (kernel().outcome()) return outcome();
      switch (end) {
        case emu::RunEnd::kBlocked: return deadlock();
        case emu::RunEnd::kTimeLimit:
          say(kWho,
              fmt::format("stopped: the limit of {} of virtual time has come", duration_text(*request_.time_limit)));
          return ExitCode::kTimeLimit;
        default: break;
      }
      host_.lower_flag();
      if (Output::standard().closed()) return ExitCode::kClosedPipe;
      switch (host_.wish()) {
        case HostEvents::Wish::kInterrupt:
          say(kWho, fmt::format("interrupted at {}", time_text(system_.machine().now())));
          return ExitCode::kInterrupted;
        case HostEvents::Wish::kTerminate:
          say(kWho, fmt::format("terminated at {}", time_text(system_.machine().now())));
          return ExitCode::kTerminated;
        case HostEvents::Wish::kWallLimit:
          say(kWho, fmt::format("stopped: the limit of {} of real time has come, at {} of virtual time",
                                duration_text(*request_.wall_limit), time_text(system_.machine().now())));
          return ExitCode::kTimeLimit;
        case HostEvents::Wish::kNone: break;
      }
    }
  }

  ExitCode outcome() {
    if (kernel().outcome()->kind == kernel::Outcome::Kind::kUnsupported) {
      say(kWho, "stopped: --on-unsupported=stop");
      return ExitCode::kUnsupported;
    }
    if (kernel().outcome()->kind == kernel::Outcome::Kind::kPoweredOff) {
      say(kWho, "the program switched the machine off");
      return ExitCode::kOk;
    }
    if (kernel().outcome()->kind == kernel::Outcome::Kind::kOutOfMemory) {
      say(kWho, style_.bad("out of memory") +
                    fmt::format(": the machine rebooted at {}; give it more with --ram, or see --kernel-arg "
                                "kernel.oom.behavior and kernel.oom.enable",
                                time_text(system_.machine().now())));
      return ExitCode::kOutOfMemory;
    }
    const kernel::Process& process = *kernel().initial_process();
    if (crash_watch_.crashed(process)) return ExitCode::kException;
    if (!killed_by_kernel(process.return_code())) return ExitCode::kOk;
    say(kWho, fmt::format("process {} was killed: {}", abi::raw(process.koid()),
                          kernel::return_code_text(process.return_code())));
    return ExitCode::kKilled;
  }

  ExitCode deadlock() {
    std::string report = kernel::deadlock_report(kernel(), code_);
    report.pop_back();
    say(kWho, style_.bad("deadlock") + ": " + report);
    return ExitCode::kDeadlock;
  }

  static std::string time_text(Time time) {
    return fmt::format("{}.{:09}s", time.ns / 1'000'000'000, time.ns % 1'000'000'000);
  }

  int finish(const RunAccount& account) {
    int exit_code = account.exit_code;
    if (std::string list = kernel::unsupported_summary(kernel().unsupported()); !list.empty()) {
      say(kWho, "the guest used what Jacinth lacks, and its results may differ from those of a real system for it:\n" +
                    list +
                    "  `jacinth syscalls NAME` says what is missing of a call; --on-unsupported=stop ends the run "
                    "at the first.");
    }
    if (request_.counters) {
      std::string text = "kernel counters";
      for (const auto& [name, value] : core().counters())
        if (value != 0) text += fmt::format("\n  {} = {}", name, value);
      say(kWho, text);
    }
    strace_.reset();
    if (trace_ != nullptr) {
      trace_->flush();
      if (!trace_->failure().empty())
        exit_code = fail(ExitCode::kInternal, fmt::format("the trace is not complete: {}", trace_->failure()));
    }
    if (summary_ != nullptr) {
      summary_->write(summary_json(request_, system_, account, *counts_));
      summary_->flush();
      if (!summary_->failure().empty())
        exit_code = fail(ExitCode::kInternal, fmt::format("{}: {}", request_.summary, summary_->failure()));
    }
    Output::standard().flush();
    if (!Output::standard().failure().empty())
      exit_code = fail(ExitCode::kInternal, fmt::format("standard output: {}", Output::standard().failure()));
    return exit_code;
  }

  const RunRequest& request_;
  LastWords last_words_;
  HostEvents host_;
  Style style_;
  Output* trace_;
  Output* summary_;
  boards::System system_;
  SymbolizedCode code_;
  CrashWatch crash_watch_;
  std::optional<OutputLines> trace_lines_;
  std::optional<kernel::Strace> strace_;
  std::optional<kernel::CallCounts> counts_;
};

}  // namespace

int run_guest(const RunRequest& request) {
  auto file = read_file(request.file);
  if (!file) return fail(file.error().code, fmt::format("{}: {}", request.file, file.error().text));
  std::expected<Arch, std::string> arch = kernel::elf_arch(*file);
  if (!arch) return fail(ExitCode::kNotLoadable, fmt::format("{}: {}", request.file, arch.error()));
  const boards::Board& board = request.board != nullptr ? *request.board : boards::default_board(*arch);
  if (board.arch != *arch)
    return fail(ExitCode::kNotLoadable,
                fmt::format("{}: it is for {}, and board {} is not", request.file, arch_name(*arch), board.name));
  boards::SystemOptions fit;
  fit.cpus = request.cpus;
  fit.ram = request.ram;
  if (std::string problem = boards::unfit(board, fit); !problem.empty()) return fail(ExitCode::kUsage, problem);

  auto console_input = read_console_input(request.console_input);
  if (!console_input)
    return fail(ExitCode::kUsage, fmt::format("{}: {}", request.console_input, console_input.error().text));

  std::unique_ptr<Output> trace_file;
  Output* trace = nullptr;
  if (request.strace) {
    trace = &Output::error();
    if (!request.strace->empty()) {
      auto opened = Output::open(*request.strace, Output::Flush::kWhenFull);
      if (!opened) return fail(ExitCode::kUsage, fmt::format("{}: {}", *request.strace, opened.error()));
      trace_file = std::move(*opened);
      trace = trace_file.get();
      if (*request.strace == "-") trace = &Output::standard();
    }
  }
  std::unique_ptr<Output> summary;
  if (!request.summary.empty()) {
    auto opened = Output::open(request.summary, Output::Flush::kWhenFull);
    if (!opened) return fail(ExitCode::kUsage, fmt::format("{}: {}", request.summary, opened.error()));
    summary = std::move(*opened);
  }
  return GuestRun(request, board, *console_input, trace, summary.get()).run(*file);
}

}  // namespace jacinth::cli
