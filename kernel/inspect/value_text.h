// Values of the ABI as text, with what they point to and what they name: handles with the object behind them, strings
// and buffers cut short, structures by their fields. kernel/abi/format.h does single values; this does the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/guest_view.h"

namespace jacinth::kernel {

/// Other words for what is another number in every run: koids, handles, addresses and times.
class ValueNames {
 public:
  virtual ~ValueNames() = default;
  virtual std::string koid(uint64_t koid) = 0;
  /// `named` is nothing when the process has no such handle.
  virtual std::string handle(uint32_t value, std::optional<GuestView::Named> named) = 0;
  virtual std::string address(uint64_t address) = 0;
  virtual std::string time(uint64_t time) = 0;
  /// A call gave the program this range: what lay there before is something else.
  virtual void new_range(uint64_t /*begin*/, uint64_t /*size*/) {}
};

/// How much of what is long is shown, and how.
struct TextLimits {
  size_t bytes = 32;            ///< Of a string or buffer.
  size_t elements = 16;         ///< Of an array.
  ValueNames* names = nullptr;  ///< Null: the numbers themselves.
};

/// How much lies behind a pointer.
struct Extent {
  uint64_t count = 1;
  bool in_records = true;  ///< Else in bytes.
  bool array = false;      ///< The call or the structure says how many there are: print brackets.
};

/// Whether a call has yet to do its work, or has done it.
enum class Moment : uint8_t { kBefore, kAfter };

class ValuePrinter {
 public:
  /// Appends to `out`.
  ValuePrinter(const GuestView& view, const TextLimits& limits, std::string& out)
      : view_(view), limits_(limits), out_(out) {}

  void scalar(const abi::ValueFormat& format, uint64_t value, ObjectType object = ObjectType::kNone);
  /// "0x1f3<channel:1042>".
  void handle(uint64_t value);
  void address(uint64_t value);
  void hex(uint64_t value);
  void decimal(uint64_t value);
  /// In quotes, with C's escapes; "..." behind it when `more`.
  void quoted(std::span<const std::byte> bytes, bool more);

  /// What lies at an address. `selector` chooses among the meanings of a variant. When it cannot be seen: the address.
  void memory(const abi::ValueFormat& format, GuestAddr at, Extent extent, uint64_t selector = 0);
  /// From now on, structures show what their pointers of this direction point to. `actual` says how many elements came
  /// out, by the name of the argument that does; `filled`, how many bytes came into all of them, one after the other.
  struct Pointers {
    bool in = true;
    bool out = false;
    const void* context = nullptr;
    std::optional<uint64_t> (*actual)(const void* context, std::string_view name) = nullptr;
    std::optional<uint64_t> filled = std::nullopt;
  };
  void show(const Pointers& pointers) { pointers_ = pointers; }
  /// Only the fields that point to results, for structures that are arguments: empty when there are none.
  void results_of(const abi::StructInfo& record, GuestAddr at);

  std::string& out() { return out_; }

 private:
  const abi::StructInfo& for_arch(const abi::StructInfo& record) const;
  uint64_t element_size(const abi::ValueFormat& format) const;
  void element(const abi::ValueFormat& format, std::span<const std::byte> bytes, uint64_t selector);
  void record(const abi::StructInfo& record, std::span<const std::byte> bytes);
  void field(const abi::StructInfo& record, const abi::FieldInfo& field, std::span<const std::byte> bytes);
  void pointer_field(const abi::StructInfo& record, const abi::FieldInfo& field, std::span<const std::byte> bytes);
  void text(GuestAddr at, Extent extent, bool until_nul);

  const GuestView& view_;
  TextLimits limits_;
  std::string& out_;
  Pointers pointers_;
};

/// A field of a structure whose bytes are given; fields of more than eight bytes give their first eight.
uint64_t field_value(const abi::FieldInfo& field, std::span<const std::byte> bytes);

}  // namespace jacinth::kernel
