// Numbers that sum a column up: moments, quantiles, the most frequent value. NaN is missing and never counts;
// neither does a row of weight 0. A row of weight 2 counts as the row twice.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cairn {

struct Moments {
  std::int64_t count = 0;  // values present
  double weight = 0;       // their sum of weights
  double mean = 0;
  double deviation = 0;  // the standard deviation, with the weight as divisor (the population's)
  double low = 0, high = 0;
  bool is_constant() const;  // the spread is no more than rounding makes of equal numbers
};

// `weights` is empty (every row counts once) or as long as `values`. Two passes; values up to 1e308 do not
// overflow.
Moments moments(std::span<const double> values, std::span<const double> weights = {});

// Quantiles with linear interpolation between order statistics (definition 7 of Hyndman and Fan 1996, NumPy's
// default); `probabilities` ascending in [0, 1]. Whole weights are repeated rows; other weights are first
// scaled to a mean of 1. All NaN when no value is present.
std::vector<double> quantiles(std::span<const double> values, std::span<const double> probabilities,
                              std::span<const double> weights = {});

// The value of the largest weight, the smallest such value on a tie; NaN when no value is present.
double most_frequent(std::span<const double> values, std::span<const double> weights = {});

// The place of each value in ascending order, from 0; equal values share the mean of their places.
// No value may be NaN.
std::vector<double> mean_ranks(std::span<const double> values);

}  // namespace cairn
