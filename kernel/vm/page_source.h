// Where the pages of a container come from when it has a pager: requests that threads wait on, and who answers them
// (zircon/kernel/vm/page_source.cc).
//
//   thread's PageRequest --wait_for--> PageSource of a CowPages --> PageProvider (a pager's packets on a port)
//          ^                                   |
//          '------ woken: look again ----------'  pages supplied, dirtied, failed; source detached
//
// A request that begins inside another is not sent: it waits behind that one, and looks again when that one is over.
// Requests that are sent never overlap. A thread has one request at most, and its wait is data: the container, the
// pages, its place in line.
//
// Left out: batches that grow beyond what the call asked for, but for the pages that a write goes on to.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "emu/time/time.h"
#include "kernel/abi/names.h"
#include "kernel/object/ref.h"
#include "kernel/vm/page_viewer.h"
#include "kernel/vm/pages_id.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class CowPages;
class PageSource;
class Vm;

enum class PageRequestKind : uint8_t {
  kRead,   ///< The pages are absent.
  kDirty,  ///< They are there, and about to be written to.
};

/// A thread's wait for pages. The derived class knows the thread.
class PageRequest {
 public:
  PageRequest();
  PageRequest(const PageRequest&) = delete;
  PageRequest& operator=(const PageRequest&) = delete;
  virtual ~PageRequest();

  bool waiting() const { return bool(pages_); }
  PageRequestKind kind() const { return kind_; }
  /// What was asked for: where a request waits behind another that may be less.
  PageRange range() const { return range_; }
  uint64_t ticket() const { return ticket_; }

  /// Parks the thread until the pages are there: kParked. Or how an earlier wait for them failed, or why the thread
  /// cannot wait.
  Status wait_for(CowPages& pages, PageRequestKind kind, PageRange range);
  /// The wait ended before the pages came. kTimedOut is what the next look at them will say.
  void give_up(Status status);
  /// Whether a suspension ended the wait; asked once.
  bool take_interruption();
  /// What the thread did is over: how earlier waits ended means nothing any more.
  void forget_failure() { failure_ = {}; }

  void state(Archive& ar, Vm& vm);

 protected:
  /// Stops the thread until wake() or the deadline: kParked, or why that cannot be.
  virtual Status park(Time deadline) = 0;
  virtual void wake() = 0;

 private:
  friend class PageSource;
  void end(Status status);

  struct Failure {
    Status status = Status::kOk;
    PagesId pages = PagesId::kNone;
    PageRequestKind kind{};
    PageRange range;
  };

  Ref<CowPages> pages_;  // While it waits.
  PageRequestKind kind_{};
  PageRange range_;
  uint64_t left_ = 0;    // Pages that have not been answered yet.
  uint64_t ticket_ = 0;  // Its place in line.
  uint64_t behind_ = 0;  // The ticket of the request that it waits behind; 0 when it was sent itself.
  bool told_ = false;    // The provider has it.
  bool interrupted_ = false;
  Failure failure_;
};

/// Who answers the requests of one source. It is told that there is one, and takes it when it can.
class PageProvider {
 public:
  virtual ~PageProvider() = default;
  virtual void request_waits() = 0;
  /// Nobody waits for this request any more.
  virtual void request_over(uint64_t ticket) = 0;
  /// There will be no more requests.
  virtual void detached() = 0;
  /// The container is gone, after detached(); the provider may end itself.
  virtual void closed() = 0;
};

/// Whoever calls anything that ends requests holds on to the container: the last that waits for its pages may be the
/// last that knows it.
class PageSource {
 public:
  explicit PageSource(bool traps_dirty) : traps_dirty_(traps_dirty) {}
  ~PageSource();
  PageSource(const PageSource&) = delete;
  PageSource& operator=(const PageSource&) = delete;

  /// Whether the first write to a page needs the provider's consent.
  bool traps_dirty() const { return traps_dirty_; }
  bool detached() const { return detached_; }
  /// Who answers; it outlives the source or calls disconnect().
  void connect(PageProvider& provider) { provider_ = &provider; }
  bool connected() const { return provider_ != nullptr; }
  /// The provider goes: nobody answers any more. Requests end with `status`; nobody else is told.
  void disconnect(Status status);

  /// The oldest request that the provider does not have yet, which it has now; null when there is none.
  const PageRequest* take_next();
  bool idle() const { return requests_.empty(); }

  /// The pages have come (or are gone for good): those who wait for nothing else look again.
  void resolve(PageRequestKind kind, PageRange range);
  /// Every request that touches the range ends with this status.
  void fail(PageRange range, Status status);
  /// All requests end with `status`, and there are none from now on.
  void detach(Status status);
  /// The container is about to go, and nobody waits.
  void close();

  void state(Archive& ar);

 private:
  friend class PageRequest;
  using BySpan = std::map<uint64_t, PageRequest*>;  // By first page; they do not overlap.

  BySpan& sent(PageRequestKind kind) { return sent_[static_cast<size_t>(kind)]; }
  BySpan::iterator first_at(PageRequestKind kind, uint64_t page);
  void add(PageRequest& request);
  void remove(PageRequest& request);
  void end(PageRequest& request, Status status);
  void end_all(Status status);
  /// False when the loaded request cannot be one of this source.
  bool restore(PageRequest& request);

  bool traps_dirty_;
  bool detached_ = false;
  PageProvider* provider_ = nullptr;
  uint64_t next_ticket_ = 1;
  std::array<BySpan, 2> sent_;
  std::map<std::pair<uint64_t, uint64_t>, PageRequest*> requests_;  // All of them, by `behind_`, then ticket.
};

}  // namespace jacinth::kernel
