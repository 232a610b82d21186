#include <cmath>
#include <span>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/train/mixup_internal.h"

namespace cairn::train_detail {
namespace {

// Marsaglia, Tsang: A simple method for generating gamma variables; 2000. Below 1 a power of a uniform number
// takes the shape down from alpha + 1 (their section 6).
double gamma_variable(double alpha, Random& random) {
  if (alpha < 1) {
    const double u = 1 - random.uniform();  // above 0
    return gamma_variable(alpha + 1, random) * std::pow(u, 1 / alpha);
  }
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = random.normal(), v = std::pow(1 + c * x, 3);
    const double u = 1 - random.uniform();
    if (v > 0 && std::log(u) < x * x / 2 + d * (1 - v + std::log(v))) return d * v;
  }
}

// What stands in row r: target (one number a class, or the value) and weight.
std::vector<double> target_row(std::span<const double> values, std::int64_t r, const Mixup& how) {
  const auto at = static_cast<std::size_t>(r * (how.weighted ? 2 : 1));
  std::vector<double> row(static_cast<std::size_t>(how.classes > 0 ? how.classes : 1), 0.0);
  row[how.classes > 0 ? static_cast<std::size_t>(values[at]) : 0] = how.classes > 0 ? 1 : values[at];
  if (how.weighted) row.push_back(values[at + 1]);
  return row;
}

// Rows of `from` [n, d]: share[i] of row i and the rest of row other[i].
template <class T>
Tensor mixed_rows(const Tensor& from, const std::vector<double>& share,
                  const std::vector<std::int64_t>& other) {
  const Tensor whole = from.contiguous();
  Tensor out = Tensor::empty(from.shape(), from.dtype());
  const auto in = whole.data<T>();
  auto to = out.mutable_data<T>();
  const auto n = std::ssize(share);
  const auto d = static_cast<std::size_t>(from.size() / n);
  parallel_for(n, 8, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const auto mine = static_cast<T>(share[i]), rest = static_cast<T>(1 - share[i]);
      const std::size_t a = i * d, b = static_cast<std::size_t>(other[i]) * d;
      for (std::size_t k = 0; k < d; ++k) to[a + k] = mine * in[a + k] + rest * in[b + k];
    }
  });
  return out;
}

}  // namespace

double beta_share(double alpha, Random& random) {
  const double a = gamma_variable(alpha, random), b = gamma_variable(alpha, random);
  return a + b > 0 ? a / (a + b) : 0.5;  // both underflow for a tiny alpha
}

void mix(Batch& batch, const Mixup& how, Random& random) {
  const std::int64_t n = batch.x.size(0);
  const Tensor wide = batch.y.contiguous().to(DType::f64);
  std::vector<double> targets;
  for (std::int64_t r = 0; r < n; ++r) {
    const std::vector<double> row = target_row(wide.data<double>(), r, how);
    targets.insert(targets.end(), row.begin(), row.end());
  }
  const std::int64_t width = std::ssize(targets) / n;
  batch.y = Tensor::take(std::move(targets)).reshape({n, width}).to(batch.x.dtype());
  const std::vector<std::int64_t> other = random.permutation(n);
  std::vector<double> share;
  for (std::int64_t r = 0; r < n; ++r) share.push_back(beta_share(how.alpha, random));
  const auto all = [&](const Tensor& t) {
    return t.dtype() == DType::f32 ? mixed_rows<float>(t, share, other) : mixed_rows<double>(t, share, other);
  };
  batch.x = all(batch.x);
  batch.y = all(batch.y);
}

MixedTargets mixed_targets(const Tensor& y, const Mixup& how) {
  if (!how.weighted) return {y, {}};
  const std::int64_t width = y.size(1) - 1;
  return {y.slice(1, 0, width), y.slice(1, width, width + 1).reshape({y.size(0)})};
}

}  // namespace cairn::train_detail
