// How long ago pages were used: page frames in queues by age (zircon/kernel/vm/page_queues.cc).
//
//   newest [ gen n ][ n-1 ] | [ n-2 ] ... [ n-7 ] oldest  | [ unneeded ]      [ zero forks ]
//            active: never       evicted when memory      what programs     anonymous pages that were zeros
//            evicted as "old"    runs low                 do not need       when they were made: looked at once
//
// Only pages that a pager can bring again have an age: clean and not pinned. Each begins in the newest queue, and comes
// back there when it is accessed. To rotate is to begin a new generation; what is in the oldest joins the next one.
//
// The queues are lists through the frames' records, whose owner says where each frame is.
//
// Left out: queues of dirty, wired and unswappable pages, which nothing is ever taken from.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/vm/frame.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Pmm;

class PageQueues {
 public:
  static constexpr unsigned kGenerations = 8;
  /// The newest ones, which are in use.
  static constexpr unsigned kActive = 2;
  /// The last ones, from which pages go before memory is short.
  static constexpr unsigned kOldest = 2;

  explicit PageQueues(Pmm& pmm) : pmm_(pmm) {}
  PageQueues(const PageQueues&) = delete;
  PageQueues& operator=(const PageQueues&) = delete;

  /// The frame is in no queue before.
  void add_reclaimable(Frame frame) { push(frame, newest()); }
  void add_zero_fork(Frame frame) { push(frame, kZeroForks); }
  /// No effect when it is in none.
  void remove(Frame frame);
  /// No effect unless it has an age.
  void mark_accessed(Frame frame);
  void mark_unneeded(Frame frame);
  bool unneeded(Frame frame) const;

  /// A new generation begins.
  void rotate();
  uint64_t rotations() const { return rotations_; }

  /// The frame to go first, among those that are unneeded or at least `age` generations old; kNone when there is none.
  /// The next one behind it, likewise, for frames that cannot go.
  Frame oldest(unsigned age) const;
  Frame after(Frame frame, unsigned age) const;
  /// The frame that came to the newest queue last; kNone when there is none. FrameRecord::next leads on.
  Frame newest_frame() const { return queues_[newest()].first; }
  /// Takes out the anonymous page that waits longest to be looked at; kNone when there is none.
  Frame pop_zero_fork();

  /// 0 is the newest.
  uint64_t count(unsigned age) const { return queues_[queue_of_age(age)].count; }
  uint64_t unneeded_count() const { return queues_[kUnneeded].count; }
  uint64_t zero_fork_count() const { return queues_[kZeroForks].count; }
  uint64_t active_count() const;
  uint64_t inactive_count() const;
  /// Of those, what goes first.
  uint64_t oldest_count() const;

  /// Behind the records themselves. Loading checks every link.
  void state(Archive& ar);

 private:
  static constexpr unsigned kUnneeded = kGenerations + 1;
  static constexpr unsigned kZeroForks = kGenerations + 2;
  static constexpr unsigned kQueues = kGenerations + 3;  // The first is none.

  struct Queue {
    Frame first = Frame::kNone;  // Came last.
    Frame last = Frame::kNone;
    uint64_t count = 0;
    void state(Archive& ar);
  };

  unsigned newest() const { return queue_of_age(0); }
  unsigned queue_of_age(unsigned age) const {
    return static_cast<unsigned>((rotations_ + kGenerations - age) % kGenerations) + 1;
  }
  void push(Frame frame, unsigned queue);
  /// The oldest frame of generations younger than `below` and at least `age` old.
  Frame oldest_below(unsigned below, unsigned age) const;
  bool sound() const;

  Pmm& pmm_;
  std::array<Queue, kQueues> queues_;
  uint64_t rotations_ = 0;
};

}  // namespace jacinth::kernel
