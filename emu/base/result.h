// TRY: passes a failure on, or unwraps the value. Works with every std::expected whose error converts.
#pragma once

#include <expected>
#include <utility>

/// `T value = TRY(expression)`: the value, or return the error from the enclosing function.
#define TRY(expression)                                                            \
  ({                                                                               \
    auto&& try_result_ = (expression);                                             \
    if (!try_result_) [[unlikely]]                                                 \
      return std::unexpected(try_result_.error());                                 \
    ::jacinth::detail::unwrap(std::forward<decltype(try_result_)>(try_result_));   \
  })

namespace jacinth::detail {

/// The value of an expected, moved out by value so that TRY never yields a dangling reference.
template <class Expected>
auto unwrap(Expected&& expected) {
  using Value = typename std::remove_cvref_t<Expected>::value_type;
  if constexpr (!std::is_void_v<Value>) return Value(std::forward<Expected>(expected).value());
}

}  // namespace jacinth::detail
