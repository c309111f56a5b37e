// What every structure that crosses between guest and kernel must be.
#pragma once

#include <type_traits>

namespace jacinth::abi {

/// Plain data of the ABI: bytes may be copied in and out, and a field lies where the layout says. Programs see every
/// byte, so padding is always declared, and {} clears it.
template <class T>
concept WireStruct = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T>;

}  // namespace jacinth::abi
