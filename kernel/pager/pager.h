// User pagers: programs that bring in the pages of VMOs when somebody touches them (zircon/kernel/object/
// pager_dispatcher.cc, pager_proxy.cc).
//
//   Pager --owns--> PagerSource (one per VMO) <--PageProvider-- PageSource of the VMO's pages
//                        |
//                        '--PortEntry--> Port --> the program: READ, DIRTY, COMPLETE
//
// A source has one packet. While that stands in the port, further requests wait; when it is read, the next one takes
// its place. The last packet is COMPLETE, once the VMO is detached or gone.
//
// Left out: messages about requests that take long (only their time-out is kept).
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "kernel/ipc/port.h"
#include "kernel/object/object.h"
#include "kernel/vm/page_source.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

class Pager;

class PagerSource final : public PortSource, public PageProvider {
 public:
  PagerSource(Pager& pager, uint64_t id) : pager_(pager), id_(id) {}
  PagerSource(Pager& pager, uint64_t id, Ref<Port> port, uint64_t key, CowPages& pages);
  ~PagerSource() override;

  void state(Archive& ar);

 private:
  // PageProvider
  void request_waits() override { send(); }
  void request_over(uint64_t ticket) override;
  void detached() override;
  void closed() override;
  // PortEntry
  void on_dequeued() override;

  void send();

  Pager& pager_;
  uint64_t id_;
  Ref<Port> port_;
  uint64_t key_ = 0;
  CowPages* pages_ = nullptr;      // Null when they are gone, and COMPLETE has yet to be read.
  bool busy_ = false;              // The packet is on its way.
  uint64_t active_ = 0;            // The request that it tells of; 0 for COMPLETE.
  bool complete_pending_ = false;  // COMPLETE is due, or stands in the port.
};

class Pager final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kPager;
  explicit Pager(Core& core);

  /// A VMO whose pages come through this pager. kInvalidArgs for options that make no sense.
  Result<Ref<Vmo>> create_vmo(Ref<Port> port, uint64_t key, uint64_t size, abi::VmoOptions options);
  /// VMOs that the pager has not heard the last of.
  size_t source_count() const { return sources_.size(); }

  void state(Archive& ar) override;

 private:
  friend class PagerSource;
  ~Pager() override;
  void on_zero_handles() override { sources_.clear(); }

  std::map<uint64_t, std::unique_ptr<PagerSource>> sources_;
  uint64_t next_source_ = 1;
};

}  // namespace jacinth::kernel
