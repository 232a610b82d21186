#include "cairn/base/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace cairn {

int edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<int> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
      const bool swapped =
          i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

std::string nearest(std::string_view name, std::span<const std::string> known) {
  constexpr std::size_t kLongest = 200;  // names longer than this are not typing mistakes
  if (name.empty() || name.size() > kLongest) return {};
  const std::string* best = nullptr;
  int best_distance = 0;
  for (const std::string& candidate : known) {
    if (candidate.size() > kLongest) continue;
    int distance = edit_distance(name, candidate);
    // "max_iters" for "max_iter", "forest" for "random_forest": a contained name is near whatever its length.
    if (name.size() >= 4 &&
        (candidate.find(name) != std::string::npos || name.find(candidate) != std::string::npos))
      distance = std::min(distance, 2);
    if (!best || distance < best_distance) best = &candidate, best_distance = distance;
  }
  const int enough = std::max<int>(2, static_cast<int>(name.size()) / 3);
  if (best && best_distance <= enough) return *best;
  // "polynomail" for "polynomial-features": near to how a longer name begins.
  constexpr std::size_t kTelling = 5;
  if (name.size() < kTelling) return {};
  best = nullptr;
  for (const std::string& candidate : known) {
    if (candidate.size() <= name.size() || candidate.size() > kLongest) continue;
    const int distance = edit_distance(name, std::string_view(candidate).substr(0, name.size()));
    if (!best || distance < best_distance) best = &candidate, best_distance = distance;
  }
  return best && best_distance <= 2 ? *best : std::string{};
}

std::string suggestion(std::string_view name, std::span<const std::string> known) {
  if (known.empty()) return {};
  if (const std::string near = nearest(name, known); !near.empty())
    return fmt::format("Did you mean '{}'?", near);
  constexpr std::size_t kShown = 12;
  const auto shown = known.first(std::min(known.size(), kShown));
  return fmt::format("Known: {}{}.", fmt::join(shown, ", "), known.size() > kShown ? ", ..." : "");
}

}  // namespace cairn
