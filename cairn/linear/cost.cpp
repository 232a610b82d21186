#include "cairn/linear/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

// Up to this many numbers one thread is done before others are awake.
constexpr std::int64_t kSmall = 1 << 17;

// log(1 + e^z) without overflow.
double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

}  // namespace

double sigmoid(double z) {
  // Both branches take the exponential of a negative number: e^-z overflows for z < -709.
  if (z >= 0) return 1 / (1 + std::exp(-z));
  const double e = std::exp(z);
  return e / (1 + e);
}

std::vector<double> softmax(std::span<const double> logits) {
  std::vector<double> p(logits.begin(), logits.end());
  if (p.empty()) return p;
  const double top = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& v : p) sum += v = std::exp(v - top);
  for (double& v : p) v /= sum;
  return p;
}

Cost::Cost(CostKind kind, Matrix x, std::vector<double> y, double l2, std::vector<double> weights)
    : kind_(kind), x_(std::move(x)), y_(std::move(y)), weights_(std::move(weights)), l2_(l2) {
  const auto n = static_cast<std::size_t>(x_.rows());
  if (y_.size() != n || (!weights_.empty() && weights_.size() != n))
    throw ShapeError("cost",
                     fmt::format("{} rows have {} targets and {} weights", n, y_.size(), weights_.size()));
  if (n == 0) throw DataError("cost", "there are no rows");
  packed_ = !x_.is_sparse() && x_.num_stored() <= kSmall;
  if (packed_) x_ = x_.to_rows();
  total_weight_ =
      weights_.empty() ? static_cast<double>(n) : std::accumulate(weights_.begin(), weights_.end(), 0.0);
}

double Cost::row_cost(double z, double y, double& slope) const {
  if (kind_ == CostKind::squared) {
    slope = z - y;
    return 0.5 * slope * slope;
  }
  slope = sigmoid(z) - y;
  return softplus(z) - y * z;
}

void Cost::small_gradient(std::span<const double> w, double b, CostGradient& into) const {
  const std::size_t n = y_.size(), d = w.size();
  const double* row = x_.dense().data<double>().data();
  for (std::size_t i = 0; i < n; ++i, row += d) {
    double z = 0, slope = 0;
    for (std::size_t j = 0; j < d; ++j) z = std::fma(w[j], row[j], z);
    z += b;  // last, as the courses add it: their printed digits hold down to the rounding of the sum
    double cost = row_cost(z, y_[i], slope);
    if (!weights_.empty()) cost *= weights_[i], slope *= weights_[i];
    into.cost += cost;
    into.db += slope;
    for (std::size_t j = 0; j < d; ++j) into.dw[j] += slope * row[j];
  }
}

void Cost::large_gradient(std::span<const double> w, double b, CostGradient& into) const {
  std::vector<double> z(y_.size()), costs(y_.size());
  linalg::multiply(x_, w, b, z);
  for (std::size_t i = 0; i < z.size(); ++i) {
    double slope = 0;
    costs[i] = row_cost(z[i], y_[i], slope);
    z[i] = slope;
    if (!weights_.empty()) costs[i] *= weights_[i], z[i] *= weights_[i];
  }
  const std::vector<double> ones(z.size(), 1.0);
  into.cost = linalg::dot(costs, ones);
  into.db = linalg::dot(z, ones);
  linalg::multiply_transposed(x_, z, 1, into.dw);
}

void Cost::add_penalty(std::span<const double> w, CostGradient& into) const {
  double squares = 0;
  into.cost /= total_weight_;
  into.db /= total_weight_;
  for (std::size_t j = 0; j < w.size(); ++j) {
    squares += w[j] * w[j];
    into.dw[j] = (into.dw[j] + l2_ * w[j]) / total_weight_;
  }
  into.cost += l2_ / (2 * total_weight_) * squares;
}

void Cost::gradient(std::span<const double> w, double b, CostGradient& into) const {
  if (static_cast<std::int64_t>(w.size()) != x_.columns())
    throw ShapeError("cost", fmt::format("{} weights for {} features", w.size(), x_.columns()));
  into.cost = into.db = 0;
  into.dw.assign(w.size(), 0.0);
  if (packed_)
    small_gradient(w, b, into);
  else
    large_gradient(w, b, into);
  add_penalty(w, into);
}

CostGradient Cost::gradient(std::span<const double> w, double b) const {
  CostGradient g;
  gradient(w, b, g);
  return g;
}

double Cost::value(std::span<const double> w, double b) const { return gradient(w, b).cost; }

Descent gradient_descent(const Cost& cost, std::vector<double> w, double b, const DescentOptions& options) {
  Descent walk{.w = std::move(w), .b = b};
  walk.history.reserve(static_cast<std::size_t>(options.num_iterations));
  CostGradient here = cost.gradient(walk.w, walk.b), next = here;
  walk.start_cost = here.cost;
  std::vector<double> moved(walk.w.size());
  for (std::int64_t i = 0; i < options.num_iterations; ++i) {
    constexpr std::int64_t kLookEvery = 256;
    if (i % kLookEvery == 0) options.stop.throw_if_requested("gradient descent");
    if (i > 0 && options.stop.time_is_up()) break;
    for (std::size_t j = 0; j < moved.size(); ++j) moved[j] = walk.w[j] - options.learning_rate * here.dw[j];
    const double moved_b = walk.b - options.learning_rate * here.db;
    cost.gradient(moved, moved_b, next);  // gives the cost after this step and the gradient of the next one
    if (!std::isfinite(next.cost)) {
      walk.diverged = true;
      break;
    }
    std::swap(walk.w, moved);
    walk.b = moved_b;
    std::swap(here, next);
    walk.history.push_back(here.cost);
    if (options.keep_path_every > 0 && i % options.keep_path_every == 0)
      walk.path.push_back({i, walk.w, walk.b});
  }
  return walk;
}

}  // namespace cairn
