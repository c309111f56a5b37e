#include "tools/jacinth/debug_session.h"

#include "boards/system.h"
#include "kernel/inspect/debug_events.h"
#include "tools/jacinth/debug/debugger.h"
#include "tools/jacinth/gdb_run.h"
#include "tools/jacinth/guest_code.h"

namespace jacinth::cli {
namespace {

std::string words_for(const emu::DebugStop& stop) {
  if (stop.reason != emu::DebugStop::Reason::kBlocked) return {};
  return "every thread waits, and nothing is left that could wake any of them\n";
}

}  // namespace

RunDriver::End DebugSession::drive(const StartedRun& run) {
  kernel::DebugTarget target(run.system.kernel());
  target.add_file(run.program, run.bytes);
  kernel::DebugEvents events(run.system.kernel());
  emu::TimeTravel timeline(run.system, target, events, {.end = run.end});
  timeline_ = &timeline;
  End end =
      talk({.system = run.system, .host = run.host, .timeline = timeline, .target = target, .recorded = run.recorded});
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
  options.session.describe = words_for;
  // gdb moves the run itself; everything else can be asked for.
  SymbolizedCode code;
  Debugger debugger(run.timeline, run.system.kernel(), code, &run.host.flag(), Debugger::Role::kAnswers);
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
