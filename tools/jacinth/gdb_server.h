// Where debuggers connect, and the connection of the one that is there: sockets for emu/debug/gdb's sessions.
//
//   client --socket--> GdbServer::serve() --bytes--> Session --> Timeline
//                             |
//             while the run goes: a thread that looks at the sockets, and raises the interrupt when the client sends
//             one or is gone
//
// One client at a time: another is told so and sent away.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "emu/debug/gdb/session.h"
#include "tools/jacinth/gdb_address.h"
#include "tools/jacinth/host_events.h"

namespace jacinth::cli {

class GdbServer {
 public:
  /// Why a client is not served any more.
  enum class Left {
    kDetached,  ///< It wants the run to go on without it.
    kKilled,    ///< It wants the run to end.
    kGone,      ///< It closed the connection, and said nothing.
    kWish,      ///< Somebody wants this program to end: HostEvents::wish().
  };

  /// Listens, or says why that cannot be.
  static std::expected<std::unique_ptr<GdbServer>, std::string> open(const GdbAddress& address);
  ~GdbServer();
  GdbServer(const GdbServer&) = delete;
  GdbServer& operator=(const GdbServer&) = delete;

  /// Where it listens, the port that the host has chosen included.
  const GdbAddress& address() const { return address_; }

  /// What ends waiting; before anything of this. It outlives the server.
  void set_host(HostEvents& host) { host_ = &host; }
  /// Lets the run go until something stops it, as a client that comes does.
  emu::DebugStop run_until_client(emu::Timeline& timeline);
  /// Waits for a client. False: somebody wants this program to end.
  bool wait();
  /// Does what the client that came says, until it leaves. `options` needs nothing that has to do with the connection.
  Left serve(emu::Timeline& timeline, emu::gdb::SessionOptions options);
  bool wished_away() const { return host_->wish() != HostEvents::Wish::kNone; }
  /// Of the session that was served last: the run has ended, with which exit code.
  std::optional<int> ended() const { return ended_; }

 private:
  GdbServer(GdbAddress address, int listener);
  void refuse();
  void send(std::string_view bytes);
  /// What came in; nothing when the client is gone.
  std::optional<std::string> receive();
  void begin_watch();
  void end_watch();
  void watch();

  GdbAddress address_;
  HostEvents* host_ = nullptr;
  int listener_;
  int client_ = -1;
  int refused_ = -1;  // Whom we sent away last.
  int wake_ = -1;     // Ends the watch.
  bool gone_ = false;
  std::string came_meanwhile_;  // The watch's while it lives.
  std::thread watcher_;
  std::optional<int> ended_;
};

}  // namespace jacinth::cli
