// What the pager in pager_child.cc provides: a VMO whose pages hold known numbers, but for one that it never brings.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t kPage = 4096;
constexpr uint64_t kPages = 16;
constexpr uint64_t kBadPage = 13;

constexpr uint64_t first_word(uint64_t page) { return page * 3 + 1; }
