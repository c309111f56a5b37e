// What lies in a frame: the saved state of one value.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "emu/state/archive.h"

namespace jacinth::emu {

/// The bytes of a frame, and back. An error says what is wrong with them.
template <class T>
std::vector<std::byte> to_payload(T& value) {
  Writer writer;
  writer(value);
  return writer.take();
}
template <class T>
std::expected<T, std::string> from_payload(std::span<const std::byte> payload) {
  Reader reader(payload);
  T value;
  reader(value);
  if (!reader.ok()) return std::unexpected(reader.error());
  return value;
}

}  // namespace jacinth::emu
