// Intervals of means of per-row losses.
#pragma once

#include <cmath>
#include <vector>

#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn::metric_detail {

// The influence of each row on the weighted mean of loss(i): its weighted distance from the mean, over the
// sum of weights.
template <class Loss>
std::vector<double> mean_influence(const Scored& rows, double mean, Loss&& loss) {
  const double total = weighted_sum(rows, [](std::int64_t) { return 1.0; }).weight;
  std::vector<double> influence(static_cast<std::size_t>(rows.size()));
  parallel_for(rows.size(), kSumBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      if (const double w = weight_of(rows, i); w > 0)
        influence[static_cast<std::size_t>(i)] = w * (loss(i) - mean) / total;
  });
  return influence;
}

// value * exp(+- quantile * standard error of the logarithm): the delta method on the scale on which a
// skewed, positive estimate is nearest to normal.
inline Bounds on_log_scale(double value, const Spread& of_logarithm) {
  const double factor = std::exp(of_logarithm.quantile() * std::sqrt(of_logarithm.variance));
  return {value / factor, value * factor};
}

// The interval of the mean of losses that are never below 0.
template <class Loss>
Bounds mean_loss_bounds(const Scored& rows, double mean, Loss&& loss) {
  if (mean == 0) return {0, 0};
  std::vector<double> influence = mean_influence(rows, mean, loss);
  for (double& v : influence) v /= mean;
  return on_log_scale(mean, spread(rows, influence));
}

}  // namespace cairn::metric_detail
