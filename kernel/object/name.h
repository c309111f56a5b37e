// ZX_PROP_NAME: at most 31 bytes, cut at the first NUL (zircon/kernel/object, set_name of each dispatcher).
#pragma once

#include <string>
#include <string_view>

#include "emu/state/archive.h"

namespace jacinth::kernel {

class Name {
 public:
  static constexpr size_t kMaxLength = 31;

  Name() = default;
  explicit Name(std::string_view text) { set(text); }

  void set(std::string_view text) {
    text = text.substr(0, text.find('\0'));
    text_ = text.substr(0, kMaxLength);
  }
  std::string_view text() const { return text_; }
  void state(Archive& ar) { ar(text_); }

 private:
  std::string text_;
};

}  // namespace jacinth::kernel
