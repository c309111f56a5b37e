// Streams: a VMO with a place to go on reading and writing (zircon/kernel/object/stream_dispatcher.cc).
//
//   handles --> Stream(seek) --Ref--> Vmo(content size)          duplicates share the place, streams of a VMO its end
//
// Reads end at the content size. Writes move it, and grow the VMO if it can; what lies between the old content and a
// write further on becomes zeros. A transfer is done page by page: what came before a failure counts, and only a
// transfer of nothing at all fails.
//
// Left out: operations that wait for each other. One that waits for a page begins anew, so it never mixes with another.
#pragma once

#include <cstdint>

#include "emu/base/address.h"
#include "kernel/abi/info_handle.h"
#include "kernel/abi/stream.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

/// Buffers of a guest, as its zx_iovec_t name them. The guest may change them while they are used: each entry is read
/// when it is needed.
class UserVector {
 public:
  UserVector(AddressSpace& memory, GuestAddr entries, uint64_t count)
      : memory_(memory), entries_(entries), count_(count) {}

  AddressSpace& memory() const { return memory_; }
  uint64_t count() const { return count_; }
  Result<abi::Iovec> entry(uint64_t index) const;
  /// Of all buffers; kInvalidArgs when no number can say it.
  Result<uint64_t> capacity() const;

 private:
  AddressSpace& memory_;
  GuestAddr entries_;
  uint64_t count_;
};

class Stream final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kStream;

  Stream(Core& core, Ref<Vmo> vmo, abi::StreamOptions options, uint64_t seek);
  /// For loading.
  explicit Stream(Core& core);

  // How many bytes were moved. A bad buffer is what a fault there would be: kNotFound, kAccessDenied; a bad vector
  // kInvalidArgs.

  /// From where the stream stands; nothing behind the content.
  Result<uint64_t> read(const UserVector& buffers);
  Result<uint64_t> read_at(const UserVector& buffers, uint64_t offset);
  /// To where the stream stands, or to the end of the content if the stream appends. kNoSpace when there is no room at
  /// all; kFileBig, or kOutOfRange when appending, when the end could not be told.
  Result<uint64_t> write(const UserVector& buffers);
  Result<uint64_t> write_at(const UserVector& buffers, uint64_t offset);
  Result<uint64_t> append(const UserVector& buffers);

  /// Where the stream stands then. kInvalidArgs for a place before the start, or beyond what a number can say.
  Result<uint64_t> seek(abi::SeekOrigin origin, int64_t offset);

  bool appends() const { return abi::contains(options_, abi::StreamOptions::kModeAppend); }
  void set_appends(bool appends);
  abi::InfoStream info() const;

  bool waitable() const override { return false; }
  void state(Archive& ar) override;

 private:
  ~Stream() override = default;
  struct Moved {
    Status status = Status::kOk;
    uint64_t bytes = 0;
  };
  Moved move(const UserVector& buffers, AccessKind access, uint64_t offset, uint64_t length);
  /// Writes where there is room, and moves the end of the content if that is behind it now.
  Moved put(const UserVector& buffers, uint64_t offset, uint64_t length);
  /// How many of the bytes from `offset` to `end` fit when the VMO is as large as it can be.
  Result<uint64_t> make_room(uint64_t offset, uint64_t end);

  Ref<Vmo> vmo_;
  abi::StreamOptions options_{};
  uint64_t seek_ = 0;
};

}  // namespace jacinth::kernel
