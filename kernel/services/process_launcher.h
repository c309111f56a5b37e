// The process launcher (fuchsia.process.Launcher of July 2020), through which fdio_spawn() makes processes.
//
//   AddArgs, AddEnvirons, AddNames, AddHandles: kept      Launch, CreateWithoutStarting: a process of all that
//
// Facts: zircon/system/ulib/process-launcher. The first library that the new process needs, its dynamic linker, comes
// from the loader service that the caller passes for it.
//
// Left out: a loader service that a program serves itself: nobody is there to wait for its answer. It is refused, with
// ZX_ERR_NOT_SUPPORTED.
#pragma once

#include <string>
#include <vector>

#include "kernel/services/endpoint.h"

namespace jacinth::kernel {

class ProcessLauncher final : public ChannelEndpoint {
 public:
  ProcessLauncher(Services& services, Ref<Channel> channel)
      : ChannelEndpoint(services, Kind::kLauncher, std::move(channel)) {}
  explicit ProcessLauncher(Services& services) : ChannelEndpoint(services, Kind::kLauncher) {}

  void state(Archive& ar) override;
  void let_go() override;

 private:
  struct Given {
    uint32_t info = 0;
    HandleOwner handle;
    void state(Archive& ar) {
      ar(info);
      handle.state(ar);
    }
  };

  bool request(const FidlHeader& header, Message& message) override;
  bool add_strings(Message& message, std::vector<std::string>& to);
  bool add_names(Message& message);
  bool add_handles(Message& message);
  bool launch(const FidlHeader& header, Message& message);
  void reset();

  std::vector<std::string> arguments_;
  std::vector<std::string> environment_;
  std::vector<std::string> names_;
  std::vector<Given> handles_;
  HandleOwner loader_;
};

}  // namespace jacinth::kernel
