// A program's way to the kernel's log: every one can write, readable ones follow it from the oldest record on
// (zircon/kernel/object/log_dispatcher.cc).
#pragma once

#include <cstdint>

#include "kernel/object/log.h"
#include "kernel/object/object.h"

namespace jacinth::kernel {

class Debuglog final : public Object, public LogReader {
 public:
  static constexpr ObjectType kType = ObjectType::kDebuglog;

  Debuglog(Core& core, bool readable);
  /// For loading only.
  explicit Debuglog(Core& core);

  /// The next record, which counts as read; null when there is none yet. Good until the next write.
  const Log::Record* read();

  void on_record() override;
  void state(Archive& ar) override;
  void on_loaded(Archive& ar) override;

 private:
  ~Debuglog() override;

  bool readable_ = false;
  uint64_t next_ = 0;
};

}  // namespace jacinth::kernel
