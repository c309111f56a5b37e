// One end of something that the emulator serves to programs itself: there is no process behind it.
//
//   program --message--> [ channel ] --readable--> Services: ready --attend()--> answer into the channel
//
// An endpoint is plain data: what it serves, and its own small state. It acts only in attend(), which the kernel calls
// when it leaves, so that an answer is there before anybody runs on, at the virtual time of the question.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "kernel/ipc/channel.h"
#include "kernel/object/kernel_handle.h"
#include "kernel/object/observer.h"
#include "kernel/services/fidl.h"

namespace jacinth::kernel {

class Services;

class Endpoint {
 public:
  enum class Kind : uint8_t { kLoader, kOutput, kInput, kFile, kDirectory, kNode, kLauncher, kHeld };

  virtual ~Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  Kind kind() const { return kind_; }
  uint64_t number() const { return number_; }
  /// There may be something to do. False: it is over, and the endpoint goes.
  virtual bool attend() = 0;
  /// The object whose other end the program has.
  virtual Object* object() const = 0;
  /// All state but kind and number; each override calls its base first.
  virtual void state(Archive& ar);
  /// Everything that it holds goes, with no consequence.
  virtual void let_go();

 protected:
  Endpoint(Services& services, Kind kind);
  Services& services() const { return services_; }
  void watch(Object& object);

 private:
  friend class Services;
  class Watch final : public Observer {
   public:
    explicit Watch(Endpoint& endpoint) : endpoint_(endpoint) {}
    void on_signals(Signals signals, Signals rose) override;
    void on_handle_closed() override { unlink(); }

   private:
    Endpoint& endpoint_;
  };

  Services& services_;
  Kind kind_;
  uint64_t number_ = 0;
  Watch watch_;
};

/// One that takes requests from a channel, one after the other.
class ChannelEndpoint : public Endpoint {
 public:
  bool attend() final;
  Object* object() const final { return channel_.ref().get(); }
  void state(Archive& ar) override;
  void let_go() override;

 protected:
  ChannelEndpoint(Services& services, Kind kind, Ref<Channel> channel);
  /// For loading.
  ChannelEndpoint(Services& services, Kind kind) : Endpoint(services, kind) {}

  /// False closes the connection: the request was none, or it was the last.
  virtual bool request(const FidlHeader& header, Message& message) = 0;
  void send(FidlWriter& answer) { send(answer.take()); }
  void send(Message message);

 private:
  KernelHandle<Channel> channel_;
};

}  // namespace jacinth::kernel
