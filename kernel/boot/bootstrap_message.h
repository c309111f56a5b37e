// The first message of a process: handles by what they are for, arguments and environment (zircon/processargs.h).
//
//   header | info word per handle | argument strings | environment strings | names of namespace entries
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernel/abi/processargs.h"
#include "kernel/ipc/message.h"

namespace jacinth::kernel {

class BootstrapMessage {
 public:
  /// `info` as abi::processargs_info() makes it.
  void add_handle(uint32_t info, HandleOwner handle);
  void set_arguments(std::span<const std::string> arguments) { arguments_ = arguments; }
  void set_environment(std::span<const std::string> environment) { environment_ = environment; }
  void set_names(std::span<const std::string> names) { names_ = names; }
  size_t handle_count() const { return handles_.size(); }

  /// Bytes of the whole message.
  uint64_t size() const;
  /// kOutOfRange when a channel cannot carry that much.
  Result<Message> take();

 private:
  std::vector<uint32_t> infos_;
  std::vector<HandleOwner> handles_;
  std::span<const std::string> arguments_;
  std::span<const std::string> environment_;
  std::span<const std::string> names_;
};

}  // namespace jacinth::kernel
