#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/linear/standard_design_internal.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

// Weighted sums about the first row, and the extremes, of each column.
struct Sums {
  std::vector<double> sum, squares, low, high;
  double weight = 0;
};

void merge(Sums& into, const Sums& other) {
  if (other.sum.empty()) return;
  for (std::size_t j = 0; j < into.sum.size(); ++j) {
    into.sum[j] += other.sum[j];
    into.squares[j] += other.squares[j];
    into.low[j] = std::min(into.low[j], other.low[j]);
    into.high[j] = std::max(into.high[j], other.high[j]);
  }
  into.weight += other.weight;
}

std::int64_t block_rows(std::int64_t columns) {
  return std::clamp<std::int64_t>((1 << 17) / std::max<std::int64_t>(columns, 1), 1, 4096);
}

Sums sums_of(const Matrix& x, std::span<const double> weights, std::span<const double> shift,
             std::int64_t begin, std::int64_t end) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  const auto d = static_cast<std::size_t>(x.columns());
  Sums s{std::vector<double>(d), std::vector<double>(d), std::vector<double>(d, kFar),
         std::vector<double>(d, -kFar)};
  std::vector<double> row(d);
  for (std::int64_t r = begin; r < end; ++r) {
    const double w = weights.empty() ? 1.0 : weights[static_cast<std::size_t>(r)];
    if (w == 0) continue;
    x.tile(r, r + 1, row.data());
    for (std::size_t j = 0; j < d; ++j) {
      const double v = row[j] - shift[j];
      s.sum[j] += w * v;
      s.squares[j] += w * v * v;
      s.low[j] = std::min(s.low[j], v);
      s.high[j] = std::max(s.high[j], v);
    }
    s.weight += w;
  }
  return s;
}

}  // namespace

StandardDesign::StandardDesign(const Matrix& x, std::span<const double> weights, bool intercept,
                               StopToken stop)
    : x_(x), intercept_(intercept), stop_(std::move(stop)) {
  const auto d = static_cast<std::size_t>(x_.columns());
  centre_.assign(d, 0.0);
  scale_.assign(d, 0.0);
  measure(weights);
}

void StandardDesign::measure(std::span<const double> weights) {
  const std::size_t d = scale_.size();
  if (d == 0) return;
  std::vector<double> shift(d, 0.0);
  if (intercept_) x_.tile(0, 1, shift.data());  // a large offset does not cancel the digits
  const auto map = [&](std::int64_t begin, std::int64_t end) {
    return sums_of(x_, weights, shift, begin, end);
  };
  const Sums s = parallel_reduce<Sums>(x_.rows(), block_rows(x_.columns()), map, merge, stop_);
  for (std::size_t j = 0; j < d; ++j) {
    const double mean = intercept_ ? s.sum[j] / s.weight : 0;
    const double far = std::max(std::abs(s.low[j]), std::abs(s.high[j]));
    if (!(far > 0)) continue;
    centre_[j] = shift[j] + mean;
    double spread = std::sqrt(s.squares[j] / s.weight - mean * mean);
    const double range = intercept_ ? s.high[j] - s.low[j] : far;
    // Squares that leave the range of numbers, or lose every digit, leave the range of the values.
    if (!std::isfinite(spread) || !std::isfinite(mean) || !(spread > 1e-8 * range)) {
      spread = range / 2;
      centre_[j] = intercept_ ? shift[j] + (s.low[j] / 2 + s.high[j] / 2) : 0;
    }
    if (spread > 0 && std::isfinite(1 / spread)) scale_[j] = 1 / spread;
  }
}

StandardDesign::Raw StandardDesign::raw(std::span<const double> theta) const {
  Raw raw{std::vector<double>(scale_.size()), theta.back()};
  for (std::size_t j = 0; j < scale_.size(); ++j) {
    raw.weights[j] = theta[j] * scale_[j];
    raw.intercept -= raw.weights[j] * centre_[j];
  }
  return raw;
}

void StandardDesign::sums(std::span<const double> theta, std::span<double> out) const {
  const Raw r = raw(theta);
  linalg::multiply(x_, r.weights, r.intercept, out, stop_);
}

void StandardDesign::transposed(std::span<const double> r, std::span<double> out) const {
  const std::size_t d = scale_.size();
  const double total = std::reduce(r.begin(), r.end());
  if (d > 0) linalg::multiply_transposed(x_, r, 1, out.first(d), stop_);
  for (std::size_t j = 0; j < d; ++j) out[j] = scale_[j] == 0 ? 0 : scale_[j] * (out[j] - centre_[j] * total);
  out[d] = intercept_ ? total : 0;
}

void StandardDesign::products(std::span<const double> h, std::span<double> out) const {
  const std::size_t d = scale_.size(), p = d + 1;
  const linalg::Gram g = linalg::gram(x_, {.weights = h, .shift = centre_, .scale = scale_, .stop = stop_});
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) out[i * p + j] = g.products[i * d + j];
    if (scale_[i] == 0) out[i * p + i] = 1;
    out[i * p + d] = out[d * p + i] = intercept_ ? g.sums[i] : 0;
  }
  out[d * p + d] = intercept_ ? g.weight : 1;
}

TargetUnit target_unit(std::span<const double> y, std::span<const double> weights, bool centred,
                       const char* learner) {
  TargetUnit u;
  const auto weight = [&](std::size_t r) { return weights.empty() ? 1.0 : weights[r]; };
  double shift = 0, sum = 0, squares = 0;
  for (std::size_t r = 0; r < y.size(); ++r) {
    if (weight(r) == 0) continue;
    if (centred && u.weight == 0) shift = y[r];
    u.weight += weight(r);
    sum += weight(r) * (y[r] - shift);
  }
  u.centre = centred ? shift + sum / u.weight : 0;
  for (std::size_t r = 0; r < y.size(); ++r)
    if (weight(r) != 0) squares += weight(r) * (y[r] - u.centre) * (y[r] - u.centre);
  u.spread = std::sqrt(squares / u.weight);
  if (!std::isfinite(u.spread))
    throw FitError(learner, "the squares of the target are beyond the range of numbers", "Rescale it.");
  if (!(u.spread > 0)) u.spread = 1;
  return u;
}

}  // namespace cairn
