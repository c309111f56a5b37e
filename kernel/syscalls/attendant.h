// Whoever serves programs from inside the kernel's own entries (kernel/services): the seam that the kernel sees.
#pragma once

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Attendant {
 public:
  virtual ~Attendant() = default;
  /// The kernel leaves: whether attend() is to be called before.
  bool wants_attention() const { return pending_ || watchful_; }
  /// Whether something came that is not dealt with yet.
  bool pending() const { return pending_; }
  /// Deals with all that came.
  virtual void attend() = 0;

  /// Drops every reference, with no consequence: the end of the kernel, or of what a snapshot replaces.
  virtual void let_go() = 0;
  virtual void state(Archive& ar) = 0;

 protected:
  bool pending_ = false;
  /// Wants to look each time.
  bool watchful_ = false;
};

}  // namespace jacinth::kernel
