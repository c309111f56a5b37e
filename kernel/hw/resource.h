// Resources: the right to a range of something that only the system gives out: addresses, interrupts, I/O ports, and
// numbers that stand for powers ("may make code executable").
//
//   root ---------- any kind, any range
//   ranged root --- all of one kind                     made by the kernel when it starts the first program
//   resource ------ [base, base + size) of one kind     made by zx_resource_create from one of the others
//
// A resource keeps no link to the one it was made from. Exclusive ranges overlap no other resource of their kind, but
// the roots, which have no range. zircon/kernel/object/resource_dispatcher.cc and resource.cc settle the checks.
#pragma once

#include <cstdint>
#include <string_view>

#include "emu/base/access.h"
#include "kernel/abi/info_handle.h"
#include "kernel/abi/resource.h"
#include "kernel/object/name.h"
#include "kernel/object/object.h"

namespace jacinth::kernel {

class Resource final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kResource;

  /// What the machine has of a kind at all; size 0 where it has none of it.
  struct Range {
    uint64_t base = 0;
    uint64_t size = 0;
  };
  static Range all_of(Arch arch, abi::ResourceKind kind);

  /// A new one, checked against the machine and all other resources: kInvalidArgs for a range that is none, kBadState
  /// for a kind that the machine lacks, kNotFound when the range is not free for it.
  static Result<Ref<Resource>> create(Core& core, abi::ResourceKind kind, uint64_t base, uint64_t size,
                                      abi::ResourceFlags flags, std::string_view name);
  /// All of a kind.
  static Ref<Resource> create_ranged_root(Core& core, abi::ResourceKind kind, std::string_view name);
  /// For loading.
  explicit Resource(Core& core) : Object(core, kType) {}

  abi::ResourceKind kind() const { return kind_; }
  bool exclusive() const { return contains(flags_, abi::ResourceFlags::kExclusive); }
  bool is_root() const { return kind_ == abi::ResourceKind::kRoot; }
  bool is_ranged_root() const { return !is_root() && size_ == 0; }

  /// Whether it covers a range of a kind: kWrongType, kOutOfRange when not. kAccessDenied for the machine's memory,
  /// which even the roots do not open: programs get it as VMOs.
  Status validate(abi::ResourceKind kind, uint64_t base, uint64_t size) const;

  abi::InfoResource info() const;
  bool waitable() const override { return false; }
  std::string_view name() const override { return name_.text(); }
  Status set_name(std::string_view name) override;
  void state(Archive& ar) override;

 private:
  Resource(Core& core, abi::ResourceKind kind, Range range, abi::ResourceFlags flags, std::string_view name);
  template <class T, class... Arguments>
  friend Ref<T> make_object(Arguments&&... arguments);
  bool overlaps(const Range& range) const;

  abi::ResourceKind kind_ = abi::ResourceKind::kRoot;
  uint64_t base_ = 0;
  uint64_t size_ = 0;
  abi::ResourceFlags flags_ = abi::ResourceFlags::kNone;
  Name name_;
};

}  // namespace jacinth::kernel
