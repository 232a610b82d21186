#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn::metric_detail {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

Bounds wilson(double p, double n, double quantile) {
  const double z2 = quantile * quantile;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = quantile / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  // At 0 and 1 the formula's ends are exactly these, but for rounding.
  return {p <= 0 ? 0.0 : std::max(0.0, centre - half), p >= 1 ? 1.0 : std::min(1.0, centre + half)};
}

double student_quantile(double df) {
  constexpr std::array<double, 5> kFew{0, 12.7062, 4.3027, 3.1824, 2.7764};
  if (df < 5) return kFew[static_cast<std::size_t>(std::max(1.0, std::floor(df)))];
  // Abramowitz and Stegun 26.7.5.
  const double z = kNormalQuantile, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
  return z + (z3 + z) / (4 * df) + (5 * z5 + 16 * z3 + 3 * z) / (96 * df * df) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * df * df * df);
}

Units units_of(const Scored& rows) {
  Units units{.count = rows.size()};
  if (rows.groups.empty()) return units;
  std::vector<std::int64_t> order(rows.groups.size());
  std::iota(order.begin(), order.end(), 0);
  const auto group = [&](std::int64_t row) { return rows.groups[static_cast<std::size_t>(row)]; };
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return group(a) != group(b) ? group(a) < group(b) : a < b;
  });
  units.of_row.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || group(order[i]) != group(order[i - 1]))
      units.starts.push_back(static_cast<std::int64_t>(i));
    units.of_row[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(units.starts.size()) - 1;
  }
  units.count = static_cast<std::int64_t>(units.starts.size());
  units.starts.push_back(static_cast<std::int64_t>(order.size()));
  units.members = std::move(order);
  return units;
}

namespace {

// Sums over the units' rows of a per-row value; the values themselves when every row is its own unit.
std::vector<double> sums_by_unit(const Units& units, std::span<const double> values) {
  if (units.of_row.empty()) return {values.begin(), values.end()};
  std::vector<double> sums(static_cast<std::size_t>(units.count));
  for (std::size_t i = 0; i < values.size(); ++i)
    sums[static_cast<std::size_t>(units.of_row[i])] += values[i];
  return sums;
}

}  // namespace

double Spread::quantile() const {
  return units < 2 ? kNaN : student_quantile(static_cast<double>(units - 1));
}

Spread spread(const Scored& rows, std::span<const double> influence) {
  const Units units = units_of(rows);
  const auto sums = sums_by_unit(units, influence);
  std::int64_t m = 0;
  if (rows.weights.empty()) {
    m = units.count;
  } else {
    const auto weights = sums_by_unit(units, rows.weights);
    m = std::count_if(weights.begin(), weights.end(), [](double w) { return w > 0; });
  }
  double squares = 0;
  for (const double s : sums) squares += s * s;
  return {m < 2 ? kNaN : squares * static_cast<double>(m) / static_cast<double>(m - 1), m};
}

double effective_units(const Scored& rows, std::span<const double> weights) {
  double sum = 0, squares = 0;
  for (const double w : sums_by_unit(units_of(rows), weights)) {
    sum += w;
    squares += w * w;
  }
  return squares > 0 ? sum * sum / squares : 0;
}

Bounds bounded_interval(double value, const Spread& s, double fallback_n) {
  const bool shows_variance = s.variance > 1e-24 && value > 0 && value < 1;
  const double n = shows_variance ? value * (1 - value) / s.variance : fallback_n;
  if (!(n > 0)) return {kNaN, kNaN};
  return wilson(value, n, s.units < 2 ? kNormalQuantile : s.quantile());
}

Bounds proportion_interval(const Scored& rows, std::span<const double> hit, std::span<const double> weights) {
  double sum = 0, hits = 0, low = std::numeric_limits<double>::infinity(), high = 0, count = 0;
  for (std::size_t i = 0; i < hit.size(); ++i) {
    if (!(weights[i] > 0)) continue;
    sum += weights[i];
    hits += weights[i] * hit[i];
    low = std::min(low, weights[i]);
    high = std::max(high, weights[i]);
    count += 1;
  }
  if (count == 0) return {kNaN, kNaN};
  const double share = hits / sum;
  if (rows.groups.empty() && low == high) return wilson(share, count);
  std::vector<double> influence(hit.size());
  for (std::size_t i = 0; i < hit.size(); ++i)
    influence[i] = weights[i] > 0 ? weights[i] * (hit[i] - share) / sum : 0.0;
  return bounded_interval(share, spread(rows, influence), effective_units(rows, weights));
}

Bounds unknown_bounds(const Scored&, double) { return {kNaN, kNaN}; }

}  // namespace cairn::metric_detail
