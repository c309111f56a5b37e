#include "tools/jacinth/debug_session.h"

#include "boards/system.h"
#include "kernel/inspect/debug_events.h"
#include "tools/jacinth/debug/debugger.h"
#include "tools/jacinth/gdb_run.h"
#include "tools/jacinth/guest_code.h"

namespace jacinth::cli {
namespace {

/// For what the protocol has no words for, or not the right ones.
std::string words_for(Debugger& debugger, const emu::DebugStop& stop) {
  using Reason = emu::DebugStop::Reason;
  switch (stop.reason) {
    case Reason::kBlocked: return "every thread waits, and nothing is left that could wake any of them\n";
    case Reason::kMoment:
    case Reason::kCallBefore:
    case Reason::kCallBehind:
    case Reason::kHistoryEnd: break;
    default: return {};
  }
  std::string text = debugger.tell(stop).text;
  return text.substr(0, text.find('\n') + 1);
}

}  // namespace

RunDriver::End DebugSession::drive(const StartedRun& run) {
  kernel::DebugTarget target(run.system.kernel());
  target.add_file(run.program, run.bytes);
  kernel::DebugEvents events(run.system.kernel());
  emu::TimeTravel timeline(run.system, target, events, {.end = run.end});
  timeline_ = &timeline;
  End end = talk({.system = run.system,
                  .host = run.host,
                  .timeline = timeline,
                  .target = target,
                  .recorded = run.recorded,
                  .symbols = run.symbols,
                  .end_words = run.end_words});
  parted_ = timeline.parted();
  timeline_ = nullptr;
  return end;
}

std::expected<std::unique_ptr<GdbDebugSession>, std::string> GdbDebugSession::open(std::string_view who,
                                                                                   std::string_view address,
                                                                                   bool wait) {
  auto parsed = parse_gdb_address(address);
  if (!parsed) return std::unexpected(parsed.error());
  auto server = GdbServer::open(*parsed);
  if (!server) return std::unexpected(server.error());
  return std::unique_ptr<GdbDebugSession>(new GdbDebugSession(who, std::move(*server), wait));
}

RunDriver::End GdbDebugSession::talk(const DebuggedRun& run) {
  GdbRunOptions options{.who = who_, .wait = wait_, .session = {}};
  // gdb moves the run itself; everything else can be asked for.
  SymbolizedCode code(run.symbols);
  Debugger debugger(run.timeline, run.system.kernel(), code, &run.host.flag(), Debugger::Role::kAnswers);
  debugger.set_symbols(run.symbols);
  debugger.set_end_words(run.end_words);
  options.session.describe = [&debugger](const emu::DebugStop& stop) { return words_for(debugger, stop); };
  options.session.moments = [&debugger] { return debugger.moments(); };
  options.session.monitor = [&debugger](std::string_view line) { return debugger.execute(line).text; };
  options.session.stop_before_end = run.recorded;
  GdbRunEnd end = run_by_gdb(*server_, run.timeline, run.host, options);
  server_.reset();
  switch (end.kind) {
    case GdbRunEnd::Kind::kEnded: return End::kRunOver;
    case GdbRunEnd::Kind::kBlocked: return End::kBlocked;
    case GdbRunEnd::Kind::kKilled: return End::kKilled;
    case GdbRunEnd::Kind::kWish: break;
  }
  return End::kWish;
}

}  // namespace jacinth::cli
