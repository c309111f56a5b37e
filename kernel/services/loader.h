// The loader service (fuchsia.ldsvc.Loader of July 2020): where the dynamic linker has its libraries from.
//
//   LoadObject(name) -> status, VMO      Config(text) -> status      Clone(channel) -> status      Done
//
// Names are looked up below the given folders alone. Config names a subfolder to look in first, as the sanitizers'
// libraries want it; with a '!' behind it, the only one. Facts: zircon/system/ulib/ldmsg, ulib/loader-service.
#pragma once

#include "kernel/services/endpoint.h"

namespace jacinth::kernel {

class LoaderEndpoint final : public ChannelEndpoint {
 public:
  LoaderEndpoint(Services& services, Ref<Channel> channel);
  explicit LoaderEndpoint(Services& services);

  /// What LoadObject finds. kInvalidArgs for a name that could lead out of the folders.
  Result<HandleOwner> load(std::string_view name);

  void state(Archive& ar) override;

 private:
  bool request(const FidlHeader& header, Message& message) override;
  Status configure(std::string_view text);
  void answer(const FidlHeader& header, Status status, HandleOwner handle = {});

  std::string subfolder_;
  bool only_subfolder_ = false;
};

}  // namespace jacinth::kernel
