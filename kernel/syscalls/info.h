// zx_object_get_info and the two property calls, topic by topic: each family of objects answers for its own.
//
//   zx_object_get_info --topic--> InfoRow --> answer(InfoRequest&) --> one() or many()
//
// A family exports its rows; kernel/syscalls/object.cc looks them up. What stands in no row and is a topic of the real
// kernel's counts as something that we lack.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/abi/info.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/property.h"
#include "kernel/syscalls/call.h"

namespace jacinth::kernel {

/// What one zx_object_get_info asks about, and where the answer goes.
class InfoRequest {
 public:
  InfoRequest(Call& call, Handle handle, UserBytesOut buffer, uint64_t size, UserOut<uint64_t> actual,
              UserOut<uint64_t> avail)
      : call_(call), handle_(handle), buffer_(buffer), size_(size), actual_(actual), avail_(avail) {}

  Call& call() { return call_; }
  Handle handle() const { return handle_; }
  /// The object asked about.
  template <class T>
  Result<Ref<T>> get(Rights rights) {
    return call_.get<T>(handle_, rights);
  }
  /// Neither a buffer nor room for the number of all records: only how many were written is asked for.
  bool asks_count_only() const { return buffer_.null() && avail_.null() && !actual_.null(); }
  /// How many records of this size there is room for.
  template <class T>
  size_t room() const {
    return size_ / sizeof(T);
  }

  /// Answers with one record: kBufferTooSmall when there is no room, which the counts say too.
  template <abi::WireStruct T>
  Status one(const T& record) {
    bool fits = size_ >= sizeof(T);
    if (fits) TRY_STATUS(buffer_.write_value(record));
    TRY_STATUS(counts(fits ? 1 : 0, 1));
    return fits ? Status::kOk : Status::kBufferTooSmall;
  }
  /// Answers with as many records as there is room for.
  template <abi::WireStruct T>
  Status many(std::span<const T> records) {
    size_t fitting = std::min(records.size(), room<T>());
    if (fitting > 0) TRY_STATUS(buffer_.write(std::as_bytes(records.first(fitting))));
    return counts(fitting, records.size());
  }
  /// The same for topics that tell the counts also when they fail.
  template <abi::WireStruct T>
  Status many_or_none(std::span<const T> records) {
    size_t fitting = std::min(records.size(), room<T>());
    Status status = fitting > 0 ? buffer_.write(std::as_bytes(records.first(fitting))) : Status::kOk;
    if (status == Status::kParked) return status;
    TRY_STATUS(status == Status::kOk ? counts(fitting, records.size()) : counts(0, 0));
    return status;
  }
  /// The two counts alone, for topics that tell them even when they fail.
  Status counts(uint64_t actual, uint64_t avail) {
    TRY_STATUS(actual_.write_unless_null(actual));
    return avail_.write_unless_null(avail);
  }

 private:
  Call& call_;
  Handle handle_;
  UserBytesOut buffer_;
  uint64_t size_;
  UserOut<uint64_t> actual_;
  UserOut<uint64_t> avail_;
};

struct InfoRow {
  abi::InfoTopic topic{};
  Status (*answer)(InfoRequest& request) = nullptr;
};

/// A property that one call reads and another writes; null for the direction that does not exist. `object` is what the
/// handle names, rights checked; `size` is the guest's.
struct PropertyRow {
  abi::Property property{};
  Status (*get)(Call& call, Object& object, UserBytesOut value, uint64_t size) = nullptr;
  Status (*set)(Call& call, Object& object, UserBytesIn value, uint64_t size) = nullptr;
};

/// A property that is one number in the guest's buffer.
template <class T>
Status give_property(UserBytesOut value, uint64_t size, T property) {
  if (size < sizeof(T)) return Status::kBufferTooSmall;
  return value.write_value(property);
}
template <class T>
Result<T> take_property(UserBytesIn value, uint64_t size) {
  if (size < sizeof(T)) return Status::kBufferTooSmall;
  T property{};
  TRY_STATUS(value.read(std::as_writable_bytes(std::span(&property, 1))));
  return property;
}

// The families, one function each, in the file of that name.
std::span<const InfoRow> bti_infos();
std::span<const InfoRow> exception_infos();
std::span<const InfoRow> handle_infos();
std::span<const InfoRow> memory_infos();
std::span<const InfoRow> resource_infos();
std::span<const InfoRow> socket_infos();
std::span<const InfoRow> stream_infos();
std::span<const InfoRow> system_infos();
std::span<const InfoRow> task_infos();
std::span<const InfoRow> timer_infos();
std::span<const PropertyRow> exception_properties();
std::span<const PropertyRow> name_properties();
std::span<const PropertyRow> socket_properties();
std::span<const PropertyRow> stream_properties();
std::span<const PropertyRow> task_properties();

}  // namespace jacinth::kernel
