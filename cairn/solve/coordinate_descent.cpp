#include "cairn/solve/coordinate_descent.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

double soft_threshold(double v, double by) { return v > by ? v - by : v < -by ? v + by : 0.0; }

// Fenchel dual of the elastic net at the residual scaled into the feasible set, by coordinate: |z_j . A| <=
// l1_j.
double duality_gap(SquaredLoss& loss, std::span<const double> l1, std::span<const double> l2,
                   std::span<const double> w) {
  double scale = 1, norm = 0, squares = 0;
  for (std::int64_t j = 0; j < loss.size(); ++j) {
    const double slope = std::abs(loss.correlation(j) - l2[at(j)] * w[at(j)]);
    if (slope > l1[at(j)]) scale = std::min(scale, l1[at(j)] / slope);
    norm += l1[at(j)] * std::abs(w[at(j)]);
    squares += l2[at(j)] * w[at(j)] * w[at(j)];
  }
  return 0.5 * (1 + scale * scale) * (loss.residual_square() + squares) + norm -
         scale * loss.residual_target();
}

}  // namespace

ProductLoss::ProductLoss(std::span<const double> products, std::span<const double> cross,
                         double target_square)
    : products_(products),
      cross_(cross),
      gradient_(cross.begin(), cross.end()),
      w_(cross.size()),
      target_square_(target_square) {
  CAIRN_ASSERT(products.size() == cross.size() * cross.size());
}

double ProductLoss::curvature(std::int64_t j) const { return products_[at(j) * (cross_.size() + 1)]; }

void ProductLoss::move(std::int64_t j, double change) {
  w_[at(j)] += change;
  const double* column = products_.data() + at(j) * cross_.size();
  for (std::size_t i = 0; i < gradient_.size(); ++i) gradient_[i] -= change * column[i];
}

// With c = Z'y and g = Z'r: |r|^2 = |y|^2 - w.(c + g) and r.y = |y|^2 - w.c.
double ProductLoss::residual_square() {
  double sum = target_square_;
  for (std::size_t j = 0; j < w_.size(); ++j) sum -= w_[j] * (cross_[j] + gradient_[j]);
  return std::max(sum, 0.0);
}

double ProductLoss::residual_target() {
  return target_square_ - std::inner_product(w_.begin(), w_.end(), cross_.begin(), 0.0);
}

ResidualLoss::ResidualLoss(const Matrix& x, std::span<const double> y, std::span<const double> weights,
                           std::span<const double> mean)
    : sparse_(x.is_sparse()), weights_(weights.begin(), weights.end()), mean_(mean.begin(), mean.end()) {
  const auto n = at(x.rows()), d = at(x.columns());
  CAIRN_ASSERT(y.size() == n && mean.size() == d + 1);
  for (std::size_t i = 0; i < n; ++i) {
    target_.push_back(y[i] - mean[d]);
    target_square_ += weight(i) * target_[i] * target_[i];
    total_weight_ += weight(i);
  }
  residual_ = target_;
  curvature_.assign(d, 0.0);
  if (sparse_) {
    const Tensor stored = x.values().to(DType::f64);
    const auto values = stored.data<double>();
    starts_.assign(d + 1, 0);
    for (const std::int32_t c : x.indices()) ++starts_[static_cast<std::size_t>(c) + 1];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    rows_.resize(values.size());
    values_.resize(values.size());
    std::vector<std::int64_t> next(starts_.begin(), starts_.end() - 1);
    for (std::size_t i = 0; i < n; ++i)
      for (auto k = at(x.indptr()[i]); k < at(x.indptr()[i + 1]); ++k) {
        const auto to = at(next[static_cast<std::size_t>(x.indices()[k])]++);
        rows_[to] = static_cast<std::int32_t>(i);
        values_[to] = values[k];
      }
    for (std::size_t j = 0; j < d; ++j) {
      double square = 0, inside = 0;
      for (auto k = at(starts_[j]); k < at(starts_[j + 1]); ++k) {
        const double s = weight(at(rows_[k])), centred = values_[k] - mean_[j];
        square += s * centred * centred;
        inside += s;
      }
      curvature_[j] = square + (total_weight_ - inside) * mean_[j] * mean_[j];
    }
    return;
  }
  values_.resize(n * d);
  std::vector<double> tile;
  constexpr std::size_t kRows = 64;
  for (std::size_t begin = 0; begin < n; begin += kRows) {
    const std::size_t rows = std::min(kRows, n - begin);
    tile.resize(rows * d);
    x.tile(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(begin + rows), tile.data());
    for (std::size_t j = 0; j < d; ++j)
      for (std::size_t i = 0; i < rows; ++i) {
        const double centred = tile[i * d + j] - mean_[j];
        values_[j * n + begin + i] = centred;
        curvature_[j] += weight(begin + i) * centred * centred;
      }
  }
}

double ResidualLoss::correlation(std::int64_t j) {
  const std::size_t n = residual_.size();
  double sum = 0;
  if (sparse_) {
    for (auto k = at(starts_[at(j)]); k < at(starts_[at(j) + 1]); ++k) {
      const auto i = at(rows_[k]);
      sum += weight(i) * values_[k] * residual_[i];
    }
    // sum s (x - m)(r + o) = sum s x r + o W m - m sum s (r + o), whose last sum is zero: residuals stay
    // centred.
    return sum + offset_ * total_weight_ * mean_[at(j)];
  }
  const double* column = values_.data() + at(j) * n;
  if (weights_.empty()) return linalg::dot({column, n}, residual_);
  for (std::size_t i = 0; i < n; ++i) sum += weights_[i] * column[i] * residual_[i];
  return sum;
}

void ResidualLoss::move(std::int64_t j, double change) {
  if (sparse_) {
    for (auto k = at(starts_[at(j)]); k < at(starts_[at(j) + 1]); ++k)
      residual_[at(rows_[k])] -= change * values_[k];
    offset_ += change * mean_[at(j)];
    return;
  }
  const std::size_t n = residual_.size();
  linalg::add_scaled(-change, std::span(values_).subspan(at(j) * n, n), residual_);
}

double ResidualLoss::residual_square() {
  double sum = 0;
  for (std::size_t i = 0; i < residual_.size(); ++i)
    sum += weight(i) * (residual_[i] + offset_) * (residual_[i] + offset_);
  return sum;
}

double ResidualLoss::residual_target() {
  double sum = 0;
  for (std::size_t i = 0; i < residual_.size(); ++i) sum += weight(i) * (residual_[i] + offset_) * target_[i];
  return sum;
}

CoordinateDescentResult coordinate_descent(SquaredLoss& loss, std::span<const double> l1,
                                           std::span<const double> l2, std::span<double> w,
                                           const CoordinateDescentOptions& options) {
  const std::int64_t d = loss.size();
  CAIRN_ASSERT(std::ssize(l1) == d && std::ssize(l2) == d && std::ssize(w) == d);
  CoordinateDescentResult result;
  for (std::int64_t j = 0; j < d; ++j)
    if (w[at(j)] != 0) loss.move(j, w[at(j)]);
  // Returns the largest change of the fit that one coordinate brought, squared.
  const auto step = [&](std::int64_t j) {
    const double curvature = loss.curvature(j);
    if (!(curvature > 0)) return 0.0;
    const double old = w[at(j)];
    const double now =
        soft_threshold(loss.correlation(j) + curvature * old, l1[at(j)]) / (curvature + l2[at(j)]);
    if (now == old) return 0.0;
    w[at(j)] = now;
    loss.move(j, now - old);
    return curvature * (now - old) * (now - old);
  };
  const double total = loss.target_square(), enough = options.tolerance * total;
  std::vector<std::int64_t> active;
  while (result.passes < options.max_passes) {
    options.stop.throw_if_requested("coordinate descent");
    if (result.passes > 0 && options.stop.time_is_up()) break;
    ++result.passes;
    double largest = 0;
    for (std::int64_t j = 0; j < d; ++j) largest = std::max(largest, step(j));
    result.gap = duality_gap(loss, l1, l2, w);
    if (result.gap <= enough || largest == 0) {
      result.converged = true;
      break;
    }
    // The columns in use are brought to rest before all columns are asked again.
    active.clear();
    for (std::int64_t j = 0; j < d; ++j)
      if (w[at(j)] != 0) active.push_back(j);
    const double rest = std::max(1e-3 * largest, 1e-18 * total);
    for (double change = largest; change > rest && result.passes < options.max_passes;) {
      if (result.passes % 64 == 0) {
        options.stop.throw_if_requested("coordinate descent");
        if (options.stop.time_is_up()) break;
      }
      ++result.passes;
      change = 0;
      for (const std::int64_t j : active) change = std::max(change, step(j));
    }
  }
  result.gap = total > 0 ? std::max(result.gap, 0.0) / total : 0;
  return result;
}

}  // namespace cairn
