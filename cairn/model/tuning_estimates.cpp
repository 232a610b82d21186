// What many scores say together: of the best of them, and of how much of it is luck.
#include <algorithm>
#include <cmath>

#include "cairn/model/tuning.h"

namespace cairn {

double expected_best(std::vector<double> values, std::int64_t k) {
  std::ranges::sort(values, std::greater<>{});
  const auto n = std::ssize(values);
  // The i-th largest is the best of k when it is drawn and no larger one is: C(n - 1 - i, k - 1) / C(n, k).
  double left = 1, sum = 0;  // `left`: the chance that none of the larger ones was drawn
  for (std::int64_t i = 0; i < n && left > 0; ++i) {
    const double drawn = std::min(1.0, static_cast<double>(k) / static_cast<double>(n - i));
    sum += left * drawn * values[static_cast<std::size_t>(i)];
    left *= 1 - drawn;
  }
  return sum;
}

double score_without_peeking(const std::vector<std::vector<double>>& parts) {
  if (parts.empty() || parts[0].size() < 2) return std::nan("");
  const std::size_t k = parts[0].size();
  double sum = 0;
  std::size_t counted = 0;
  for (std::size_t part = 0; part < k; ++part) {
    const std::vector<double>* best = nullptr;
    double best_score = -INFINITY;
    for (const auto& trial : parts) {
      double others = 0;
      for (std::size_t j = 0; j < k; ++j)
        if (j != part) others += trial[j];
      if (!std::isnan(others) && !std::isnan(trial[part]) && others > best_score) {
        best_score = others;
        best = &trial;
      }
    }
    if (!best) continue;
    sum += (*best)[part];
    ++counted;
  }
  return counted > 0 ? sum / static_cast<double>(counted) : std::nan("");
}

}  // namespace cairn
