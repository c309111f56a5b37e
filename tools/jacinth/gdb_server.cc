#include "tools/jacinth/gdb_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "emu/base/check.h"
#include "emu/debug/gdb/packet.h"

namespace jacinth::cli {
namespace {

/// How long a signal may go unseen: one that comes just before a poll() does not end it.
constexpr int kPollMs = 200;

using Failure = std::unexpected<std::string>;

Failure system_failure(std::string_view what) { return Failure(fmt::format("{}: {}", what, std::strerror(errno))); }

std::expected<int, std::string> listen_on_path(const std::string& path) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) return Failure(fmt::format("{}: too long for a socket's path", path));
  std::memcpy(name.sun_path, path.data(), path.size());
  auto* raw = reinterpret_cast<sockaddr*>(&name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_failure("socket");
  bool bound = bind(fd, raw, sizeof name) == 0;
  if (!bound && errno == EADDRINUSE) {
    // What a program left behind that was killed: nobody listens there.
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool dead = connect(probe, raw, sizeof name) != 0 && errno == ECONNREFUSED;
    close(probe);
    if (dead) unlink(path.c_str());
    bound = dead && bind(fd, raw, sizeof name) == 0;
    if (!bound) errno = EADDRINUSE;
  }
  if (bound && listen(fd, 4) == 0) return fd;
  auto failure = system_failure(path);
  close(fd);
  return failure;
}

std::expected<int, std::string> listen_on_port(GdbAddress& address) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) return Failure(fmt::format("{}: {}", address.host, gai_strerror(error)));
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bool ok = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 4) == 0;
  freeaddrinfo(found);
  if (!ok) {
    auto failure = system_failure(address.text());
    if (fd >= 0) close(fd);
    return failure;
  }
  sockaddr_storage bound = {};
  socklen_t size = sizeof bound;
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  if (bound.ss_family == AF_INET) address.port = ntohs(reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  if (bound.ss_family == AF_INET6) address.port = ntohs(reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
  return fd;
}

}  // namespace

std::expected<std::unique_ptr<GdbServer>, std::string> GdbServer::open(const GdbAddress& address) {
  GdbAddress bound = address;
  auto listener = bound.is_path ? listen_on_path(bound.path) : listen_on_port(bound);
  if (!listener) return Failure(listener.error());
  return std::unique_ptr<GdbServer>(new GdbServer(std::move(bound), *listener));
}

GdbServer::GdbServer(GdbAddress address, int listener)
    : address_(std::move(address)), listener_(listener), wake_(eventfd(0, EFD_CLOEXEC)) {
  CHECK(wake_ >= 0, "eventfd: {}", std::strerror(errno));
}

GdbServer::~GdbServer() {
  if (client_ >= 0) close(client_);
  if (refused_ >= 0) close(refused_);
  close(wake_);
  close(listener_);
  if (address_.is_path) unlink(address_.path.c_str());
}

emu::DebugStop GdbServer::run_until_client(emu::Timeline& timeline) {
  begin_watch();
  emu::DebugStop stop = timeline.resume({.interrupt = &host_->flag()});
  end_watch();
  return stop;
}

bool GdbServer::wait() {
  while (!wished_away()) {
    pollfd listener = {.fd = listener_, .events = POLLIN, .revents = 0};
    if (poll(&listener, 1, kPollMs) <= 0) continue;
    client_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client_ < 0) continue;
    int on = 1;
    if (!address_.is_path) setsockopt(client_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    gone_ = false;
    came_meanwhile_.clear();
    return true;
  }
  return false;
}

/// A line for people, and a packet that debuggers show as why they cannot connect. The connection stays until the next
/// one comes: who finds it closed while he writes does not read what came before.
void GdbServer::refuse() {
  int another = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (another < 0) return;
  constexpr std::string_view kWhy = "another debugger is connected already";
  std::string text = fmt::format("jacinth: {}\n+{}", kWhy, emu::gdb::framed(fmt::format("E.{}", kWhy)));
  static_cast<void>(::send(another, text.data(), text.size(), MSG_NOSIGNAL));
  shutdown(another, SHUT_WR);
  if (refused_ >= 0) close(refused_);
  refused_ = another;
}

void GdbServer::send(std::string_view bytes) {
  while (!bytes.empty() && !gone_) {
    ssize_t done = ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR && !wished_away()) continue;
    if (done < 0) {
      gone_ = true;
      return;
    }
    bytes.remove_prefix(static_cast<size_t>(done));
  }
}

std::optional<std::string> GdbServer::receive() {
  if (!came_meanwhile_.empty()) return std::exchange(came_meanwhile_, {});
  while (!gone_ && !wished_away()) {
    std::array<pollfd, 2> both = {pollfd{.fd = client_, .events = POLLIN, .revents = 0},
                                  pollfd{.fd = listener_, .events = POLLIN, .revents = 0}};
    if (poll(both.data(), both.size(), kPollMs) <= 0) continue;
    // The client first: it may be gone, and the other one in its place.
    if (both[0].revents == 0) {
      if ((both[1].revents & POLLIN) != 0) refuse();
      continue;
    }
    std::array<char, 16384> bytes;
    ssize_t got = recv(client_, bytes.data(), bytes.size(), 0);
    if (got > 0) return std::string(bytes.data(), static_cast<size_t>(got));
    if (got < 0 && errno == EINTR) continue;
    gone_ = true;
  }
  return std::nullopt;
}

GdbServer::Left GdbServer::serve(emu::Timeline& timeline, emu::gdb::SessionOptions options) {
  options.send = [this](std::string_view bytes) { send(bytes); };
  options.running = [this](bool runs) { runs ? begin_watch() : end_watch(); };
  options.interrupt = &host_->flag();
  Left left = Left::kGone;
  {
    emu::gdb::Session session(timeline, std::move(options));
    while (std::optional<std::string> bytes = receive()) {
      session.feed(*bytes);
      if (session.over() != emu::gdb::Session::Over::kNot) break;
    }
    switch (session.over_when_gone()) {
      case emu::gdb::Session::Over::kDetached: left = Left::kDetached; break;
      case emu::gdb::Session::Over::kKilled: left = Left::kKilled; break;
      case emu::gdb::Session::Over::kNot: break;
    }
    ended_ = session.ended();
  }
  if (wished_away()) left = Left::kWish;
  close(client_);
  client_ = -1;
  gone_ = false;
  return left;
}

void GdbServer::begin_watch() {
  host_->lower_flag();
  // A wish that came just before must not be lost with it.
  if (wished_away() || gone_) {
    host_->raise_flag();
    return;
  }
  watcher_ = std::thread([this] { watch(); });
}

void GdbServer::end_watch() {
  if (!watcher_.joinable()) return;
  uint64_t one = 1;
  static_cast<void>(::write(wake_, &one, sizeof one));
  watcher_.join();
  static_cast<void>(::read(wake_, &one, sizeof one));
}

/// A client that waits for the run sends nothing but the interrupt. Whatever else comes is kept. Without a client, one
/// that comes is what the run stops for.
void GdbServer::watch() {
  while (true) {
    std::array<pollfd, 3> all = {pollfd{.fd = wake_, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = listener_, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = client_, .events = POLLIN, .revents = 0}};
    if (poll(all.data(), all.size(), -1) < 0) continue;
    if (all[0].revents != 0) return;
    if (all[2].revents == 0) {
      if ((all[1].revents & POLLIN) == 0) continue;
      if (client_ < 0) return host_->raise_flag();
      refuse();
      continue;
    }
    std::array<char, 1024> bytes;
    ssize_t got = recv(client_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) {
      gone_ = true;
      host_->raise_flag();
      return;
    }
    std::string_view came(bytes.data(), static_cast<size_t>(got));
    came_meanwhile_ += came;
    if (came.contains(emu::gdb::kInterruptByte)) host_->raise_flag();
  }
}

}  // namespace jacinth::cli
