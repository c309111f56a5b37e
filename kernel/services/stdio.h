// Standard streams: the other ends of the sockets that a program has as its descriptors 0, 1 and 2.
//
// What is written is passed on byte by byte, as soon as the kernel leaves. Standard input is a row of pieces, which the
// socket is filled with as far as it has room: at once where the whole of it is there already (a file), otherwise when
// somebody waits for the socket to become readable. So a program that never reads does not make anybody wait for a
// terminal; and since the piece comes at that very moment of virtual time, whenever it was typed, a run can be made
// again from the pieces alone.
//
// Left out: a program that only polls, without ever waiting, sees no input of a terminal or pipe.
#pragma once

#include "kernel/ipc/socket.h"
#include "kernel/services/endpoint.h"

namespace jacinth::kernel {

class SocketEndpoint : public Endpoint {
 public:
  Object* object() const final { return socket_.ref().get(); }
  void state(Archive& ar) override;
  void let_go() override;

 protected:
  SocketEndpoint(Services& services, Kind kind, Ref<Socket> socket);
  SocketEndpoint(Services& services, Kind kind) : Endpoint(services, kind) {}
  KernelHandle<Socket>& socket() { return socket_; }

 private:
  KernelHandle<Socket> socket_;
};

class OutputEndpoint final : public SocketEndpoint {
 public:
  OutputEndpoint(Services& services, Ref<Socket> socket, unsigned descriptor)
      : SocketEndpoint(services, Kind::kOutput, std::move(socket)), descriptor_(descriptor) {}
  explicit OutputEndpoint(Services& services) : SocketEndpoint(services, Kind::kOutput) {}

  bool attend() override;
  void state(Archive& ar) override;

 private:
  uint32_t descriptor_ = 0;
};

class InputEndpoint final : public SocketEndpoint {
 public:
  InputEndpoint(Services& services, Ref<Socket> socket) : SocketEndpoint(services, Kind::kInput, std::move(socket)) {}
  explicit InputEndpoint(Services& services) : SocketEndpoint(services, Kind::kInput) {}

  bool attend() override;
  /// Somebody waits, and there is nothing: the next piece.
  void feed_if_wanted();
  void state(Archive& ar) override;

 private:
  /// Puts into the socket what it has room for. False once all of it is in and there is no more.
  bool fill();

  uint64_t piece_ = 0;  // The next to be read.
  uint64_t at_ = 0;     // In it.
  bool over_ = false;
};

}  // namespace jacinth::kernel
