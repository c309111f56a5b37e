// TRY: passes a failure on, or unwraps the value. Works with every std::expected whose error converts, and in
// functions that return the error itself when that is an enumeration (a kernel call that returns a Status).
#pragma once

#include <expected>
#include <type_traits>
#include <utility>

namespace jacinth::detail {

/// What TRY returns when it passes a failure on: becomes any std::expected that can hold the error, or the bare error.
/// Only enumerations convert to the bare error: expected<std::string, std::string> could not tell which one it got.
template <class Error>
struct Failure : std::unexpected<Error> {
  using std::unexpected<Error>::unexpected;
  // NOLINTNEXTLINE(google-explicit-constructor): TRY returns it where a bare error is expected.
  constexpr operator Error() const
    requires std::is_enum_v<Error>
  {
    return this->error();
  }
};
template <class Error>
Failure(Error) -> Failure<Error>;

/// The value of an expected, moved out by value so that TRY never yields a dangling reference.
template <class Expected>
constexpr auto unwrap(Expected&& expected) {
  using Value = typename std::remove_cvref_t<Expected>::value_type;
  if constexpr (!std::is_void_v<Value>) return Value(std::forward<Expected>(expected).value());
}

}  // namespace jacinth::detail

/// `T value = TRY(expression)`: the value, or return the error from the enclosing function.
#define TRY(expression)                                                          \
  ({                                                                             \
    auto&& try_result_ = (expression);                                           \
    if (!try_result_) [[unlikely]]                                               \
      return ::jacinth::detail::Failure(try_result_.error());                    \
    ::jacinth::detail::unwrap(std::forward<decltype(try_result_)>(try_result_)); \
  })
