// The area under the ROC curve of any scores, and how sure it is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace cairn {

struct RankingArea {
  double value = 0;  // probability that a positive row scores above a negative one, ties counted half
  double variance =
      0;  // of that value over samples (DeLong, DeLong, Clarke-Pearson 1988); NaN below 2 rows of a class
  std::int64_t positives = 0, negatives = 0;
};

// The area for scores [n] and labels [n], where `positive` is the label of the positive rows and every other
// label is negative. Exact: scores are compared as doubles and counted in integers, so the order of rows and
// the number of threads change no bit. O(n) by radix on the scores; DeLong's variance comes out of the same
// pass (Sun and Xu 2014). nullopt: only one class, or a score that is NaN. UsageError: lengths differ, or
// 2^31 rows and more.
std::optional<RankingArea> ranking_area(std::span<const double> scores, std::span<const std::int32_t> labels,
                                        std::int32_t positive = 1);

}  // namespace cairn
