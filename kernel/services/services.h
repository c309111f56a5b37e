// The services of a run: what a program finds at the other end of the handles that it starts with, served by the
// emulator itself instead of by other processes of a Fuchsia system.
//
//   loader service | standard streams | folders | /svc with the process launcher
//
// All of it acts inside the kernel's own entries, in the order in which requests came, and is saved, loaded and hashed
// with the kernel. What comes from outside comes through ServiceHost.
//
// Left out: services that would need a process of their own; /svc says which one was asked for and refuses.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/ipc/socket.h"
#include "kernel/services/endpoint.h"
#include "kernel/services/file_tree.h"
#include "kernel/services/host.h"
#include "kernel/syscalls/attendant.h"
#include "kernel/syscalls/kernel.h"

namespace jacinth::kernel {

class Services final : public Attendant {
 public:
  /// `host` may be null where nothing is served; both outlive this.
  Services(Kernel& kernel, ServiceHost* host);
  ~Services() override;
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  Kernel& kernel() { return kernel_; }
  Core& core() { return kernel_.core(); }
  ServiceHost& host() { return *host_; }
  FileTree& files() { return files_; }

  /// A new connection to the loader service.
  Result<HandleOwner> open_loader();
  /// The library as a VMO that programs may run from; the reason when there is none.
  Result<Ref<Vmo>> library(std::string_view name);
  /// A stream for descriptor 0, 1 or 2.
  Result<HandleOwner> open_stream(unsigned descriptor);
  /// A connection to a directory, with rights and flags of fuchsia.io.
  Result<HandleOwner> open_directory(uint64_t node, uint32_t flags);
  /// The same to /svc, which is made at first use.
  Result<HandleOwner> open_service_directory();
  bool is_service_directory(uint64_t node) const { return node == service_directory_; }
  /// The node whose token this is.
  std::optional<uint64_t> node_of_token(Koid token) const;
  /// Nanoseconds since 1970.
  int64_t utc_now() { return kUtcAtStart + core().now().ns; }
  /// A channel whose other end is held and never used.
  Result<HandleOwner> open_held();
  /// A clock that runs, with the right to read it.
  Result<HandleOwner> make_utc_clock();
  /// The channel of the initial program's messages, where it has a dynamic linker.
  Ref<Channel>& bootstrap() { return bootstrap_; }
  /// Whose name was asked for in /svc and is not there.
  const std::set<std::string>& refused() const { return refused_; }
  void refuse(std::string_view service) { refused_.emplace(service); }
  /// What the loader service was asked for and did not find.
  const std::set<std::string>& missing_libraries() const { return missing_; }
  void note_missing(std::string_view name) { missing_.emplace(name); }

  /// Takes it in, and looks after it at once; unless a service has the other end too.
  void add(std::unique_ptr<Endpoint> endpoint);
  void ready(const Endpoint& endpoint);
  /// The endpoint at the other end of a channel; null when a program has that.
  Endpoint* serving(const Channel& channel);
  /// Some connection is to this node.
  bool connected_to(uint64_t node) const;
  /// Standard input waits to be asked for, or does not any more.
  void set_hungry(uint64_t number) { hungry_ = number, set_pending(); }

  /// A line for whoever traces.
  void tell(std::string_view service, std::string_view text);

  void attend() override;
  void let_go() override;
  void state(Archive& ar) override;

 private:
  std::unique_ptr<Endpoint> make(Endpoint::Kind kind);
  void feed_the_hungry();
  void set_pending() {
    pending_ = !ready_.empty();
    watchful_ = hungry_ != 0;
  }
  Result<HandleOwner> pair_off(std::unique_ptr<Endpoint> (*maker)(Services&, Ref<Channel>));

  Kernel& kernel_;
  /// 1 July 2020, when the SDK was made whose programs are run. No run asks the host for the day.
  static constexpr int64_t kUtcAtStart = int64_t{1'593'561'600} * 1'000'000'000;

  ServiceHost* host_;
  FileTree files_;
  uint64_t service_directory_ = 0;
  std::map<uint64_t, std::unique_ptr<Endpoint>> endpoints_;
  /// By their numbers: what may have something to do. Empty between the kernel's entries.
  std::set<uint64_t> ready_;
  uint64_t last_number_ = 0;
  uint64_t hungry_ = 0;  // The endpoint that feeds standard input when somebody waits for it; 0: none.
  std::map<std::string, Ref<Vmo>, std::less<>> libraries_;
  std::set<std::string> refused_;
  std::set<std::string> missing_;
  Ref<Channel> bootstrap_;
};

}  // namespace jacinth::kernel
