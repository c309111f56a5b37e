#include "kernel/inspect/value_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/abi/format.h"

namespace jacinth::kernel {
namespace {

using abi::ArgFormat;
using abi::FieldInfo;
using abi::StructInfo;
using abi::ValueFormat;

constexpr std::string_view kMore = "...";
/// Structures of the ABI are smaller than this; larger ones (vector registers) are shown in part.
constexpr size_t kMaxRecord = 4096;
/// Nothing is mapped below.
constexpr uint64_t kFirstAddress = 0x10000;

uint64_t load(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

void escape(std::string& out, unsigned char c, bool digit_follows) {
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    default: break;
  }
  if (c >= 0x20 && c < 0x7f) {
    out += static_cast<char>(c);
  } else if (c == 0 && !digit_follows) {
    out += "\\0";
  } else {
    constexpr char kDigits[] = "0123456789abcdef";
    out += "\\x";
    out += kDigits[c >> 4];
    out += kDigits[c & 15];
  }
}

}  // namespace

uint64_t field_value(const FieldInfo& field, std::span<const std::byte> bytes) {
  if (field.offset + field.size > bytes.size()) return 0;
  return load(bytes.subspan(field.offset, std::min<size_t>(field.size, sizeof(uint64_t))));
}

void ValuePrinter::decimal(uint64_t value) {
  fmt::format_int text(value);
  out_.append(text.data(), text.size());
}

void ValuePrinter::hex(uint64_t value) {
  char digits[18];
  char* at = std::end(digits);
  do {
    *--at = "0123456789abcdef"[value & 15];
    value >>= 4;
  } while (value != 0);
  *--at = 'x';
  *--at = '0';
  out_.append(at, std::end(digits));
}

void ValuePrinter::address(uint64_t value) {
  if (value == 0) {
    out_ += "NULL";
  } else if (limits_.names != nullptr) {
    out_ += limits_.names->address(value);
  } else {
    hex(value);
  }
}

void ValuePrinter::handle(uint64_t value) {
  auto raw = static_cast<uint32_t>(value);
  if (raw == 0) {
    out_ += "ZX_HANDLE_INVALID";
    return;
  }
  std::optional<GuestView::Named> named = view_.named(static_cast<Handle>(raw));
  if (limits_.names != nullptr) {
    out_ += limits_.names->handle(raw, named);
    return;
  }
  hex(raw);
  if (!named) return;
  out_ += '<';
  out_ += abi::object_type_name(named->type);
  out_ += ':';
  decimal(abi::raw(named->koid));
  out_ += '>';
}

void ValuePrinter::scalar(const ValueFormat& format, uint64_t value, ObjectType object) {
  switch (format.format) {
    case ArgFormat::kHandle: handle(value); return;
    // The common ones without a string in between.
    case ArgFormat::kUint:
    case ArgFormat::kCount: decimal(abi::narrow(format, value)); return;
    case ArgFormat::kAddress:
    case ArgFormat::kPaddr:
    case ArgFormat::kFutex:
      value = abi::narrow(format, value);
      if (value == 0) {
        out_ += '0';
      } else if (limits_.names != nullptr) {
        out_ += limits_.names->address(value);
      } else {
        hex(value);
      }
      return;
    case ArgFormat::kHex:  // Often an address that the table of calls cannot know for one.
      if (limits_.names == nullptr || value < kFirstAddress) break;
      out_ += limits_.names->address(value);
      return;
    case ArgFormat::kKoid:
      if (limits_.names == nullptr || value == 0) break;
      out_ += limits_.names->koid(value);
      return;
    case ArgFormat::kTime:
    case ArgFormat::kTicks:
      if (limits_.names == nullptr) break;
      out_ += limits_.names->time(abi::narrow(format, value));
      return;
    default: break;
  }
  out_ += abi::format_scalar(format, value, object);
}

void ValuePrinter::quoted(std::span<const std::byte> bytes, bool more) {
  out_ += '"';
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto next = i + 1 < bytes.size() ? static_cast<unsigned char>(bytes[i + 1]) : 0;
    escape(out_, static_cast<unsigned char>(bytes[i]), next >= '0' && next <= '9');
  }
  out_ += '"';
  if (more) out_ += kMore;
}

const StructInfo& ValuePrinter::for_arch(const StructInfo& record) const {
  return view_.arch() == Arch::kArm64 && record.on_arm64 != nullptr ? *record.on_arm64 : record;
}

uint64_t ValuePrinter::element_size(const ValueFormat& format) const {
  if (format.format == ArgFormat::kStruct) return for_arch(*format.record).size;
  return format.size;
}

void ValuePrinter::text(GuestAddr at, Extent extent, bool until_nul) {
  std::array<std::byte, 256> buffer;
  uint64_t size = extent.array ? extent.count : buffer.size();
  size_t wanted = std::min<uint64_t>({size, limits_.bytes, buffer.size()});
  size_t seen = view_.peek(at, std::span(buffer).first(wanted));
  if (seen == 0 && wanted != 0) return address(at.value);
  std::span<const std::byte> bytes = std::span(buffer).first(seen);
  bool more = size > seen;
  if (until_nul) {
    auto nul = std::find(bytes.begin(), bytes.end(), std::byte{0});
    if (nul != bytes.end()) {
      bytes = bytes.first(static_cast<size_t>(nul - bytes.begin()));
      more = false;
    }
  }
  quoted(bytes, more);
}

void ValuePrinter::memory(const ValueFormat& format, GuestAddr at, Extent extent, uint64_t selector) {
  if (format.format == ArgFormat::kVariant) return memory(format.variants->select(selector), at, extent, selector);
  if (at.value == 0) return address(0);
  if (format.format == ArgFormat::kBytes || format.format == ArgFormat::kString) {
    return text(at, extent, format.format == ArgFormat::kString);
  }
  uint64_t size = element_size(format);
  if (size == 0 || size > kMaxRecord) return address(at.value);
  uint64_t count = extent.in_records ? extent.count : extent.count / size;
  bool brackets = extent.array && (extent.in_records || count != 1);
  if (!extent.in_records && count == 0) return address(at.value);  // No room for even one.

  std::array<std::byte, kMaxRecord> buffer;
  std::span<std::byte> bytes = std::span(buffer).first(size);
  size_t begin = out_.size();
  if (brackets) out_ += '[';
  for (uint64_t i = 0; i < count; ++i) {
    if (i > 0) out_ += ", ";
    if (i == limits_.elements) {
      out_ += kMore;
      break;
    }
    if (!view_.peek_all(at + i * size, bytes)) {
      out_.resize(begin);
      return address(at.value);
    }
    element(format, bytes, selector);
  }
  if (brackets) out_ += ']';
}

void ValuePrinter::element(const ValueFormat& format, std::span<const std::byte> bytes, uint64_t selector) {
  if (format.format == ArgFormat::kStruct) {
    record(for_arch(*format.record), bytes);
  } else if (format.format == ArgFormat::kVariant) {
    element(format.variants->select(selector), bytes, selector);
  } else if (format.format == ArgFormat::kBytes || format.format == ArgFormat::kString) {
    quoted(bytes.first(std::min(bytes.size(), limits_.bytes)), bytes.size() > limits_.bytes);
  } else {
    scalar(format, load(bytes));
  }
}

void ValuePrinter::record(const StructInfo& record, std::span<const std::byte> bytes) {
  out_ += '{';
  bool first = true;
  for (const FieldInfo& at : record.fields) {
    if (at.when >= 0 && (field_value(record.fields[static_cast<size_t>(at.when)], bytes) & at.when_bits) == 0) continue;
    if (at.value.format == ArgFormat::kNone) continue;
    size_t begin = out_.size();
    if (!first) out_ += ", ";
    out_ += at.name;
    out_ += '=';
    size_t before = out_.size();
    field(record, at, bytes);
    if (out_.size() == before) {
      out_.resize(begin);  // A variant that means nothing here.
    } else {
      first = false;
    }
  }
  out_ += '}';
}

void ValuePrinter::field(const StructInfo& record, const FieldInfo& field, std::span<const std::byte> bytes) {
  if (field.pointer) return pointer_field(record, field, bytes);
  uint64_t selector = field.selector >= 0 ? field_value(record.fields[static_cast<size_t>(field.selector)], bytes) : 0;
  const ValueFormat* format = &field.value;
  if (format->format == ArgFormat::kVariant) format = &format->variants->select(selector);
  size_t size = format->format == ArgFormat::kStruct ? for_arch(*format->record).size : field.size;
  if (field.offset + size > bytes.size()) return;
  std::span<const std::byte> here = bytes.subspan(field.offset);

  if (format->format == ArgFormat::kNone) return;
  if (format->format == ArgFormat::kString || format->format == ArgFormat::kBytes) {
    here = here.first(std::min<size_t>(here.size(), size_t{field.size} * field.count));
    if (field.length >= 0) {
      here = here.first(
          std::min<uint64_t>(here.size(), field_value(record.fields[static_cast<size_t>(field.length)], bytes)));
    } else if (format->format == ArgFormat::kString) {
      here = here.first(static_cast<size_t>(std::find(here.begin(), here.end(), std::byte{0}) - here.begin()));
    }
    quoted(here.first(std::min(here.size(), limits_.bytes)), here.size() > limits_.bytes);
  } else if (format->format == ArgFormat::kSignals) {
    std::optional<GuestView::Named> named =
        field.selector >= 0 ? view_.named(static_cast<Handle>(selector)) : std::nullopt;
    scalar(*format, load(here.first(size)), named ? named->type : ObjectType::kNone);
  } else if (field.count > 1) {
    out_ += '[';
    for (size_t i = 0; i < field.count && (i + 1) * size <= here.size(); ++i) {
      if (i > 0) out_ += ", ";
      if (i == limits_.elements) {
        out_ += kMore;
        break;
      }
      element(*format, here.subspan(i * size, size), 0);
    }
    out_ += ']';
  } else {
    element(*format, here.first(size), selector);
  }
}

void ValuePrinter::pointer_field(const StructInfo& record, const FieldInfo& field, std::span<const std::byte> bytes) {
  uint64_t at = field_value(field, bytes);
  bool shown = field.direction == abi::Direction::kOut ? pointers_.out : pointers_.in;
  if (!shown) return address(at);
  Extent extent;
  if (field.length >= 0) {
    extent = {.count = field_value(record.fields[static_cast<size_t>(field.length)], bytes), .array = true};
    if (!field.actual.empty() && pointers_.actual != nullptr) {
      std::optional<uint64_t> actual = pointers_.actual(pointers_.context, field.actual);
      if (actual) extent.count = std::min(extent.count, *actual);
    }
    if (pointers_.filled) {
      extent.count = std::min(extent.count, *pointers_.filled);
      *pointers_.filled -= extent.count;
    }
  }
  memory(field.value, GuestAddr(at), extent);
}

void ValuePrinter::results_of(const StructInfo& general, GuestAddr at) {
  const StructInfo& record = for_arch(general);
  std::array<std::byte, kMaxRecord> buffer;
  std::span<std::byte> bytes = std::span(buffer).first(std::min<size_t>(record.size, kMaxRecord));
  bool first = true;
  for (const FieldInfo& field : record.fields) {
    if (!field.pointer || field.direction != abi::Direction::kOut) continue;
    if (first && !view_.peek_all(at, bytes)) return;
    out_ += first ? "{" : ", ";
    first = false;
    out_ += field.name;
    out_ += '=';
    pointer_field(record, field, bytes);
  }
  if (!first) out_ += '}';
}

}  // namespace jacinth::kernel
