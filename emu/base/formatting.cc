/// The part of {fmt} that its headers leave to its library. Debian has that only as a shared one, which makes the C++
/// library a shared one too: the two took 1 ms of every start, as much as all else before main().
#include <fmt/format-inl.h>
#include <fmt/format.h>

template fmt::detail::dragonbox::decimal_fp<float> fmt::detail::dragonbox::to_decimal(float) noexcept;
template fmt::detail::dragonbox::decimal_fp<double> fmt::detail::dragonbox::to_decimal(double) noexcept;
template char fmt::detail::decimal_point_impl(fmt::detail::locale_ref);
template fmt::detail::thousands_sep_result<char> fmt::detail::thousands_sep_impl(fmt::detail::locale_ref);
