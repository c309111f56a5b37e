// FIDL messages of July 2020 (wire format 1): what programs ask of the services, and what they are answered.
//
//   txid u32 | flags 3 bytes | magic 1 | ordinal u64 | the request's own fields | what they point to, each at 8 bytes
//
// Nothing in a request is believed: every length is held against the bytes that are there, padding is zero, each handle
// is claimed once, and a request with anything left over is none. A service closes the connection that such a one came
// over, as the generated code of that time does.
//
// Left out: tables, and unions in requests; no call that is served here has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "kernel/abi/names.h"
#include "kernel/ipc/message.h"

namespace jacinth::kernel {

inline constexpr uint64_t kFidlPresent = ~uint64_t{0};
inline constexpr uint32_t kFidlHandlePresent = ~uint32_t{0};

inline constexpr uint8_t kFidlMagic = 1;

struct FidlHeader {
  uint32_t txid = 0;
  uint8_t flags[3] = {};
  uint8_t magic = kFidlMagic;
  uint64_t ordinal = 0;
};
static_assert(sizeof(FidlHeader) == 16);

/// Takes a request apart, field by field. After the last: done() says whether all of it was as it should be; until then
/// every field that is not there reads as zero.
class FidlReader {
 public:
  /// `fields`: bytes of the request's own fields, without the header. `message` outlives this.
  FidlReader(Message& message, size_t fields);

  /// Nothing when the message is too short for a header.
  static std::optional<FidlHeader> header(const Message& message);

  template <class T>
  T number() {
    T value{};
    take_inline(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  /// A string, or a vector of bytes, of at most `limit`.
  std::string_view bytes(uint64_t limit);
  /// The count of a vector of anything; who calls reads the elements with nested().
  uint64_t vector(uint64_t limit);
  HandleOwner handle();
  HandleOwner optional_handle();

  /// From here on, fields are read from the elements of a vector of `size` bytes; then return_from_nested().
  void nested(size_t size);
  void return_from_nested();

  bool ok() const { return ok_; }
  /// Whether all went well and nothing is left.
  bool done();

 private:
  void take_inline(std::span<std::byte> to);
  /// The next `size` bytes that something points to, with their padding.
  std::span<const std::byte> out_of_line(uint64_t size);

  Message& message_;
  std::span<const std::byte> bytes_;
  size_t at_ = 0;   // In the fields.
  size_t end_ = 0;  // Of the fields.
  size_t begin_ = 0;
  size_t next_ = 0;  // Where the next thing that is pointed to begins.
  size_t handles_ = 0;
  struct Outer {
    size_t begin, at, end;
  };
  std::vector<Outer> outer_;
  bool ok_ = true;
};

/// Puts an answer, or an event, together.
class FidlWriter {
 public:
  FidlWriter(uint32_t txid, uint64_t ordinal);

  template <class T>
  void number(T value) {
    align(alignof(T));
    append(std::as_bytes(std::span(&value, 1)));
  }
  void status(Status status) { number(static_cast<int32_t>(abi::raw(status))); }
  /// Up to a multiple of `bytes`.
  void align(size_t bytes);
  /// The field of a string or vector; its bytes follow when all fields are written: call body() then.
  void vector(uint64_t count) {
    number(count);
    number(kFidlPresent);
  }
  /// What a field points to.
  void body(std::span<const std::byte> bytes);
  void body(std::string_view text) { body(std::as_bytes(std::span(text))); }
  /// The field of a handle; an empty one is an absent one.
  void handle(HandleOwner handle);

  Message take();

 private:
  void append(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  std::vector<std::byte> bytes_;
  std::vector<HandleOwner> handles_;
};

}  // namespace jacinth::kernel
