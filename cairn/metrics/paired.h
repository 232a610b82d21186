// Comparing two models on the same rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cairn/metrics/metric.h"

namespace cairn {

// second - first with its 95 % interval, by a percentile bootstrap in which both see the same resampled rows
// (whole groups where given): what the rows have in common cancels, so it is far narrower than two separate
// intervals suggest. Streams and cost as in estimate(). NaN bounds when it cannot be told; nullopt when the
// metric is undefined for one of them. UsageError: the two do not have the same task, rows, truth, weights
// and groups.
std::optional<Estimate> paired_difference(const Metric& metric, const Scored& first, const Scored& second,
                                          std::uint64_t seed);

// The same with a two-sided p-value: how often resampled differences, moved to a mean of 0, are as large as
// the one seen (Efron, Tibshirani: An introduction to the bootstrap; 1993, section 16.4).
struct PairedBootstrap {
  Estimate difference;
  double p = 1;  // at least 1 / 1001; NaN when it cannot be told
};
std::optional<PairedBootstrap> paired_bootstrap(const Metric& metric, const Scored& first,
                                                const Scored& second, std::uint64_t seed);

// McNemar's test whether two classifiers err equally often, by the exact binomial of the rows that one of
// them alone decides rightly (McNemar 1947). Rows of weight 0 do not count; others count once. UsageError as
// above; not for rows that come in groups, which do not err independently: nullopt.
struct McNemar {
  std::int64_t first_only = 0, second_only = 0;  // rows that only this one decides rightly
  double p = 1;
};
std::optional<McNemar> mcnemar(const Scored& first, const Scored& second);

// Two-sided p-value of `wins` of `trials` fair coins: 2 P(at most min(wins, trials - wins)), at most 1.
double sign_test(std::int64_t wins, std::int64_t trials);

// Five times two-fold cross-validation: differences [5][2] of a metric, each fold trained on the other
// (Alpaydin: Combined 5 x 2 cv F test for comparing supervised classification learning algorithms; 1999).
struct FiveByTwo {
  double mean = 0, f = 0, p = 1;  // mean difference; F with 10 and 5 degrees of freedom
};
FiveByTwo five_by_two(std::span<const double> differences);  // [10]: both folds of a repetition side by side

// Holm's adjusted p-values (1979): the chance of any false discovery among all of them is kept. NaN stays NaN
// and is not counted.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace cairn
