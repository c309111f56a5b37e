// Who has a handle to what: every handle table turned around.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernel/abi/names.h"

namespace jacinth::kernel {

class Core;
class Object;
class Process;

class Holders {
 public:
  /// Goes through every process once.
  explicit Holders(Core& core);

  struct Holder {
    Process* process = nullptr;
    Handle handle = Handle::kInvalid;
  };
  const std::vector<Holder>& of(Koid object) const;

  /// `held by process 1040 "demo" as 0x1f3`; "held by nobody", or by nobody but messages on their way.
  std::string text(Core& core, Koid object) const;

 private:
  std::map<uint64_t, std::vector<Holder>> by_object_;
};

/// "channel:1042", with the name behind it when the object has one.
std::string object_text(const Object& object);

}  // namespace jacinth::kernel
