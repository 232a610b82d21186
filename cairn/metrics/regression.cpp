#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cairn/metrics/loss_internal.h"

namespace cairn::metric_detail {
namespace {

double truth_of(const Scored& rows, std::int64_t i) { return rows.truth[static_cast<std::size_t>(i)]; }
double residual(const Scored& rows, std::int64_t i) {
  return truth_of(rows, i) - rows.predicted[static_cast<std::size_t>(i)];
}
double squared(const Scored& rows, std::int64_t i) {
  const double e = residual(rows, i);
  return e * e;
}
double absolute(const Scored& rows, std::int64_t i) { return std::abs(residual(rows, i)); }
double relative(const Scored& rows, std::int64_t i) {
  return absolute(rows, i) / std::abs(truth_of(rows, i));
}

// The mean over the levels of the pinball loss (Koenker and Bassett 1978); without levels at the median.
double pinball_of(const Scored& rows, std::int64_t i) {
  if (rows.levels.empty()) return absolute(rows, i) / 2;
  const std::size_t q = rows.levels.size();
  double sum = 0;
  for (std::size_t l = 0; l < q; ++l) {
    const double e = truth_of(rows, i) - rows.quantiles[static_cast<std::size_t>(i) * q + l];
    sum += e > 0 ? rows.levels[l] * e : (rows.levels[l] - 1) * e;
  }
  return sum / static_cast<double>(q);
}

std::vector<double> absolute_errors(const Scored& rows) {
  std::vector<double> errors(static_cast<std::size_t>(rows.size()));
  for (std::int64_t i = 0; i < rows.size(); ++i) errors[static_cast<std::size_t>(i)] = absolute(rows, i);
  return errors;
}

// Squared distances of the truth from its weighted mean.
struct TruthSpread {
  double mean = 0, squares = 0, weight = 0;
};
std::optional<TruthSpread> truth_spread(const Scored& rows) {
  const auto mean = weighted_sum(rows, [&](std::int64_t i) { return truth_of(rows, i); }).mean();
  if (!mean) return std::nullopt;
  bool constant = true;
  double first = std::numeric_limits<double>::quiet_NaN();
  for (std::int64_t i = 0; constant && i < rows.size(); ++i) {
    if (!(weight_of(rows, i) > 0)) continue;
    if (std::isnan(first)) first = truth_of(rows, i);
    constant = truth_of(rows, i) == first;
  }
  if (constant) return std::nullopt;
  const auto squares = weighted_sum(rows, [&](std::int64_t i) {
    const double d = truth_of(rows, i) - *mean;
    return d * d;
  });
  return TruthSpread{*mean, squares.sum, squares.weight};
}

}  // namespace

double quantile(std::vector<double> values, std::span<const double> weights, double q) {
  if (weights.empty()) {
    const double position = q * static_cast<double>(values.size());
    const auto at = static_cast<std::size_t>(std::max(0.0, std::ceil(position) - 1));
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(at);
    std::nth_element(values.begin(), nth, values.end());
    if (position != std::floor(position) || at + 1 == values.size() || position == 0) return *nth;
    return (*nth + *std::min_element(nth + 1, values.end())) / 2;
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (weights[i] > 0) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return values[a] != values[b] ? values[a] < values[b] : a < b;
  });
  std::vector<double> below(order.size());  // sums of weights up to and with each
  std::transform_inclusive_scan(order.begin(), order.end(), below.begin(), std::plus<>(),
                                [&](std::size_t i) { return weights[i]; });
  const double rank = q * below.back();
  const auto at =
      static_cast<std::size_t>(std::lower_bound(below.begin(), below.end(), rank) - below.begin());
  // A sum of weights that meets the rank but for rounding counts as meeting it.
  const bool flat = below[at] - rank <= 4 * std::numeric_limits<double>::epsilon() * below.back();
  if (!flat || at + 1 == order.size()) return values[order[at]];
  return (values[order[at]] + values[order[at + 1]]) / 2;
}

Value mse(const Scored& rows) {
  return weighted_sum(rows, [&](std::int64_t i) { return squared(rows, i); }).mean();
}

Value rmse(const Scored& rows) {
  const Value v = mse(rows);
  return v ? Value(std::sqrt(*v)) : std::nullopt;
}

Value mae(const Scored& rows) {
  return weighted_sum(rows, [&](std::int64_t i) { return absolute(rows, i); }).mean();
}

Value pinball(const Scored& rows) {
  return weighted_sum(rows, [&](std::int64_t i) { return pinball_of(rows, i); }).mean();
}

Value mape(const Scored& rows) {
  return weighted_sum(rows, [&](std::int64_t i) { return relative(rows, i); }).mean();
}

Value median_ae(const Scored& rows) {
  if (!(weighted_sum(rows, [](std::int64_t) { return 1.0; }).weight > 0)) return std::nullopt;
  return quantile(absolute_errors(rows), rows.weights, 0.5);
}

Value max_error(const Scored& rows) {
  Value largest;
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    if (!(weight_of(rows, i) > 0)) continue;
    const double e = absolute(rows, i);
    if (std::isnan(e)) return std::nullopt;
    largest = std::max(largest.value_or(0), e);
  }
  return largest;
}

Value r2(const Scored& rows) {
  const auto total = truth_spread(rows);
  if (!total) return std::nullopt;
  return 1 - weighted_sum(rows, [&](std::int64_t i) { return squared(rows, i); }).sum / total->squares;
}

Bounds mse_bounds(const Scored& rows, double value) {
  return mean_loss_bounds(rows, value, [&](std::int64_t i) { return squared(rows, i); });
}

Bounds rmse_bounds(const Scored& rows, double value) {
  const Bounds b = mse_bounds(rows, value * value);
  return {std::sqrt(b.low), std::sqrt(b.high)};
}

// 1 - R2 = A / B, the residual and the total squares; a row moves log(A / B) by a / A - b / B. The derivative
// by the mean of the truth is 0 at the mean.
Bounds r2_bounds(const Scored& rows, double value) {
  if (value == 1) return {1, 1};
  const auto total = truth_spread(rows);
  const double unexplained = (1 - value) * total->squares;
  std::vector<double> influence(static_cast<std::size_t>(rows.size()));
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const double w = weight_of(rows, i), d = truth_of(rows, i) - total->mean;
    if (w > 0)
      influence[static_cast<std::size_t>(i)] = w * (squared(rows, i) / unexplained - d * d / total->squares);
  }
  const Bounds b = on_log_scale(1 - value, spread(rows, influence));
  return {1 - b.high, 1 - b.low};
}

Bounds mae_bounds(const Scored& rows, double value) {
  return mean_loss_bounds(rows, value, [&](std::int64_t i) { return absolute(rows, i); });
}

Bounds pinball_bounds(const Scored& rows, double value) {
  return mean_loss_bounds(rows, value, [&](std::int64_t i) { return pinball_of(rows, i); });
}

Bounds mape_bounds(const Scored& rows, double value) {
  return mean_loss_bounds(rows, value, [&](std::int64_t i) { return relative(rows, i); });
}

// Woodruff 1952: the interval of the share of errors below the median, read back as quantiles. For rows that
// count once these are order statistics, whatever the errors' distribution.
Bounds median_ae_bounds(const Scored& rows, double value) {
  const std::vector<double> errors = absolute_errors(rows);
  const double total = weighted_sum(rows, [](std::int64_t) { return 1.0; }).weight;
  std::vector<double> influence(errors.size());
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    influence[at] = weight_of(rows, i) * ((errors[at] <= value ? 1.0 : 0.0) - 0.5) / total;
  }
  const Spread s = spread(rows, influence);
  const double half = s.quantile() * std::sqrt(s.variance);
  if (!(half < 0.5))
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  return {quantile(errors, rows.weights, 0.5 - half), quantile(errors, rows.weights, 0.5 + half)};
}

}  // namespace cairn::metric_detail
