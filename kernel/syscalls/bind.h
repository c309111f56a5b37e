// From typed handlers to one kind of entry: bind<port_wait> decodes the argument registers by the parameters of
//
//   Status port_wait(Call& call, Handle handle, Time deadline, UserOut<abi::PortPacket> packet);
//
// Registers hold 64 bits whatever the argument's type: the rest is dropped, as the compiler of a real handler would
// drop it (zircon/system/ulib/zircon, the syscall wrappers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "emu/base/address.h"
#include "emu/base/check.h"
#include "emu/time/time.h"
#include "kernel/abi/names.h"
#include "kernel/syscalls/call.h"
#include "kernel/syscalls/user.h"

namespace jacinth::kernel {

/// Runs one call. What it returns goes to the result register, unless the thread is parked or gone.
using Handler = int64_t (*)(Call& call);

namespace detail {

template <class T>
T decode(Call& call, uint64_t value) {
  if constexpr (std::is_base_of_v<UserPointer, T>) {
    return T(call.memory(), GuestAddr(value));
  } else if constexpr (std::is_same_v<T, GuestAddr> || std::is_same_v<T, PhysAddr>) {
    return T(value);
  } else if constexpr (std::is_same_v<T, Time> || std::is_same_v<T, Duration>) {
    return T{static_cast<int64_t>(value)};
  } else {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>, "no register holds such an argument");
    return static_cast<T>(value);
  }
}

template <class R>
int64_t encode(Call& call, R result) {
  if constexpr (std::is_same_v<R, Status>) {
    CHECK(result != Status::kParked || call.thread().parked(), "call {} says it waits and does not", call.number());
    return abi::raw(result);
  } else if constexpr (std::is_same_v<R, Time>) {
    return result.ns;
  } else {
    static_assert(std::is_integral_v<R>, "no register holds such a result");
    return static_cast<int64_t>(result);
  }
}

template <auto kHandler, class R, class... Parameters, size_t... kIndex>
int64_t invoke(R (*)(Call&, Parameters...), Call& call, std::index_sequence<kIndex...>) {
  static_assert(sizeof...(Parameters) <= 8, "a call has at most eight arguments");
  if constexpr (std::is_void_v<R>) {
    kHandler(call, decode<Parameters>(call, call.argument(kIndex))...);
    return 0;
  } else {
    return encode<R>(call, kHandler(call, decode<Parameters>(call, call.argument(kIndex))...));
  }
}

template <class R, class... Parameters>
constexpr auto indices(R (*)(Call&, Parameters...)) {
  return std::index_sequence_for<Parameters...>{};
}

}  // namespace detail

template <auto kHandler>
int64_t bind(Call& call) {
  return detail::invoke<kHandler>(kHandler, call, detail::indices(kHandler));
}

}  // namespace jacinth::kernel
