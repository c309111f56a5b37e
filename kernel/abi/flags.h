// Sets of bits with a type of their own: a set of rights is not a set of signals, and neither is a number.
#pragma once

#include <type_traits>

namespace jacinth::abi {

/// True for the enumerations that are sets of bits; each says so beside its definition.
template <class E>
inline constexpr bool kIsFlagSet = false;

template <class E>
concept FlagSetType = std::is_enum_v<E> && kIsFlagSet<E>;

/// The number that goes to the guest. Also for plain enumerations (raw(koid), raw(handle), raw(status)).
template <class E>
  requires std::is_enum_v<E>
constexpr std::underlying_type_t<E> raw(E value) {
  return static_cast<std::underlying_type_t<E>>(value);
}

template <FlagSetType E>
constexpr E operator|(E a, E b) {
  return static_cast<E>(raw(a) | raw(b));
}
template <FlagSetType E>
constexpr E operator&(E a, E b) {
  return static_cast<E>(raw(a) & raw(b));
}
template <FlagSetType E>
constexpr E operator^(E a, E b) {
  return static_cast<E>(raw(a) ^ raw(b));
}
template <FlagSetType E>
constexpr E operator~(E a) {
  return static_cast<E>(~raw(a));
}
template <FlagSetType E>
constexpr E& operator|=(E& a, E b) {
  return a = a | b;
}
template <FlagSetType E>
constexpr E& operator&=(E& a, E b) {
  return a = a & b;
}

/// Whether `set` has every bit of `bits`.
template <FlagSetType E>
constexpr bool contains(E set, std::type_identity_t<E> bits) {
  return (set & bits) == bits;
}

/// Whether `set` has any bit of `bits`.
template <FlagSetType E>
constexpr bool intersects(E set, std::type_identity_t<E> bits) {
  return raw(set & bits) != 0;
}

/// Whether `set` has no bits beside `allowed`: the usual test of an options argument.
template <FlagSetType E>
constexpr bool within(E set, std::type_identity_t<E> allowed) {
  return raw(set & ~allowed) == 0;
}

}  // namespace jacinth::abi
