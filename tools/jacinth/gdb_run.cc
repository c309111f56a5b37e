#include "tools/jacinth/gdb_run.h"

#include <fmt/format.h>

#include "tools/jacinth/output.h"

namespace jacinth::cli {
namespace {

using Kind = GdbRunEnd::Kind;
using Reason = emu::DebugStop::Reason;

/// Goes on until a client comes. What ended the run before that, if anything did.
std::optional<GdbRunEnd> run_alone(GdbServer& server, emu::Timeline& timeline) {
  while (true) {
    emu::DebugStop stop = server.run_until_client(timeline);
    if (server.wished_away()) return GdbRunEnd{.kind = Kind::kWish};
    switch (stop.reason) {
      case Reason::kEnded:
      case Reason::kHistoryEnd: return GdbRunEnd{.kind = Kind::kEnded, .exit_code = stop.exit_code};
      case Reason::kBlocked: return GdbRunEnd{.kind = Kind::kBlocked};
      case Reason::kInterrupted: return std::nullopt;
      default: break;  // Nobody asked for it.
    }
  }
}

}  // namespace

GdbRunEnd run_by_gdb(GdbServer& server, emu::Timeline& timeline, HostEvents& host, const GdbRunOptions& options) {
  server.set_host(host);
  // Tools read this line: the words stay, whatever comes behind them.
  say(options.who, fmt::format("gdb: listening on {}", server.address().text()));
  bool goes = !options.wait;
  while (true) {
    if (goes) {
      if (std::optional<GdbRunEnd> end = run_alone(server, timeline)) return *end;
    }
    goes = false;
    if (!server.wait()) return {.kind = Kind::kWish};
    switch (server.serve(timeline, options.session)) {
      case GdbServer::Left::kDetached:
        if (server.ended()) return {.kind = Kind::kEnded, .exit_code = *server.ended()};
        timeline.detach();
        goes = true;
        break;
      case GdbServer::Left::kKilled: return {.kind = Kind::kKilled};
      case GdbServer::Left::kWish: return {.kind = Kind::kWish};
      case GdbServer::Left::kGone:
        if (server.ended()) return {.kind = Kind::kEnded, .exit_code = *server.ended()};
        say(options.who, "gdb: the debugger is gone without a word; the run stands until another one comes");
        break;
    }
  }
}

}  // namespace jacinth::cli
