// A run that debuggers drive through the GDB remote protocol, one after the other.
//
//   wait for one --> do what it says --> detached: the run goes on, and stops when another one comes
//                                    --> gone without a word: everything stands until another one comes
//                                    --> killed, or the run has ended: over
#pragma once

#include <string_view>

#include "emu/debug/gdb/session.h"
#include "emu/debug/timeline.h"
#include "tools/jacinth/gdb_server.h"

namespace jacinth::cli {

struct GdbRunOptions {
  std::string_view who;
  /// The run begins when a debugger says so; otherwise at once, and stops when one comes.
  bool wait = true;
  /// What of a session has nothing to do with the connection.
  emu::gdb::SessionOptions session;
};

struct GdbRunEnd {
  enum class Kind {
    kEnded,    ///< By itself: `exit_code`.
    kBlocked,  ///< Without a debugger, and no thread will ever run again.
    kKilled,   ///< By a debugger.
    kWish,     ///< Somebody wants this program to end: HostEvents::wish().
  };
  Kind kind = Kind::kEnded;
  int exit_code = 0;
};

GdbRunEnd run_by_gdb(GdbServer& server, emu::Timeline& timeline, HostEvents& host, const GdbRunOptions& options);

}  // namespace jacinth::cli
