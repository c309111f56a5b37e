#include "tools/jacinth/suggest.h"

#include <algorithm>
#include <vector>

namespace jacinth::cli {

size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: the swap looks two back.
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string closest(std::string_view wrong, std::span<const std::string> names) {
  // A third of the letters may be wrong; beyond that it is another word.
  size_t best = wrong.size() / 3 + 1;
  std::string found;
  for (const std::string& name : names) {
    // What was only begun counts as close.
    size_t distance = wrong.size() > 3 && name.starts_with(wrong) ? 1 : edit_distance(wrong, name);
    // Not one letter need be the same then.
    if (distance >= std::min(wrong.size(), name.size())) continue;
    if (distance < best || (distance == best && found.empty())) {
      best = distance;
      found = name;
    }
  }
  return found;
}

std::vector<std::string> similar(std::string_view wrong, std::span<const std::string> names) {
  constexpr size_t kMax = 3;
  std::vector<std::pair<size_t, std::string>> found;
  for (const std::string& name : names) {
    size_t distance = edit_distance(wrong, name);
    if (distance <= wrong.size() / 3) found.emplace_back(distance, name);
  }
  std::string_view last = wrong.substr(std::min(wrong.rfind('.') + 1, wrong.size()));
  for (size_t i = 0; found.empty() && last.size() > 2 && i < names.size(); ++i)
    if (names[i].find(last) != std::string::npos) found.emplace_back(0, names[i]);
  std::ranges::stable_sort(found, {}, &std::pair<size_t, std::string>::first);
  std::vector<std::string> result;
  for (size_t i = 0; i < std::min(found.size(), kMax); ++i) result.push_back(std::move(found[i].second));
  return result;
}

}  // namespace jacinth::cli
