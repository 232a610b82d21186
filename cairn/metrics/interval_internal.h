// The statistics of intervals: Wilson's score interval, Student's quantile, the spread of clustered rows, the
// bootstrap.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/metrics/metric.h"

namespace cairn::metric_detail {

constexpr double kNormalQuantile = 1.9599639845400545;  // 97.5 %
constexpr int kResamples = 1000;

// The score interval of a proportion p seen on n rows (Wilson 1927); n need not be whole.
Bounds wilson(double p, double n, double quantile = kNormalQuantile);

// The 97.5 % quantile of Student's t with `df` >= 1 degrees of freedom, to 4 digits.
double student_quantile(double df);

// Rows that come together: a row each, or whole groups.
struct Units {
  std::int64_t count = 0;
  std::vector<std::int64_t> of_row;   // [n] the row's unit; empty when every row is its own
  std::vector<std::int64_t> members;  // [n] rows, unit after unit; empty as above
  std::vector<std::int64_t> starts;   // [count + 1] into members
};
Units units_of(const Scored& rows);

// The variance of an estimate from the influence of each row on it, rows of one group summed first:
// m / (m - 1) * sum of squares over the m units that have any weight.
struct Spread {
  double variance = 0;
  std::int64_t units = 0;
  double quantile() const;  // Student's with units - 1 when rows are grouped or few
};
Spread spread(const Scored& rows, std::span<const double> influence);

// The number of equally weighted independent units that would be as informative as these rows (Kish 1965).
// `weights` [n].
double effective_units(const Scored& rows, std::span<const double> weights);

// The interval of a value in [0, 1] with this spread: Wilson's for the number of rows at which a proportion
// would have the same variance (Korn and Graubard 1998), or `fallback_n` when the rows show no variance at
// all.
Bounds bounded_interval(double value, const Spread& s, double fallback_n);

// The interval of the weighted share of hits. Equal weights and no groups: Wilson's on the number of rows.
// hit, weights: [n]; rows of weight 0 do not count.
Bounds proportion_interval(const Scored& rows, std::span<const double> hit, std::span<const double> weights);

// Draws the rows of one resample: `units` of units.count whole units, with replacement.
std::vector<std::int64_t> draw_rows(const Units& units, std::int64_t draws, Random& random);

// A copy of chosen rows that owns its memory.
struct Gathered {
  Gathered(const Scored& rows, std::span<const std::int64_t> chosen, bool with_probabilities);
  Scored view;

 private:
  void number_groups(const Scored& rows, std::span<const std::int64_t> chosen);
  std::vector<double> truth_, predicted_, probabilities_, weights_, quantiles_;
  std::vector<std::int32_t> labels_, decisions_;
  std::vector<std::int64_t> groups_;
  std::vector<std::uint8_t> events_;
};

// Percentiles of the resampled values (NaN: undefined there) as an interval; `shrink` = sqrt(m / n).
Bounds percentile_interval(std::vector<double> resampled, double value, double shrink);

// How many units a resample draws, and what share of all units that is.
struct ResamplePlan {
  std::int64_t draws = 0;
  double shrink = 1;
};
ResamplePlan resample_plan(const Units& units, std::int64_t n, std::int64_t values_a_row);

// The percentile bootstrap of a metric; of a calibration error, which chance alone can only raise, the
// reflected one.
Bounds bootstrap(const Metric& metric, const Scored& rows, double value, std::uint64_t seed);

}  // namespace cairn::metric_detail
