#include "cairn/train/mixup_internal.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/ops/shape_ops.h"

namespace cairn::train_detail {
namespace {

// Its logarithm, because for a small alpha almost all of them lie below the range of numbers. Marsaglia,
// Tsang: A simple method for generating gamma variables; 2000. Below 1 a power of a uniform number takes the
// shape down from alpha + 1 (their section 6).
double log_gamma_variable(double alpha, Random& random) {
  if (alpha < 1) {
    const double u = 1 - random.uniform();  // above 0
    return log_gamma_variable(alpha + 1, random) + std::log(u) / alpha;
  }
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = random.normal(), v = std::pow(1 + c * x, 3);
    const double u = 1 - random.uniform();
    if (v > 0 && std::log(u) < x * x / 2 + d * (1 - v + std::log(v))) return std::log(d * v);
  }
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
  constexpr std::int64_t kGrain = 1 << 15;  // numbers
  parallel_for(n, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, std::ssize(in) / n)),
               [&](std::int64_t begin, std::int64_t end) {
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
  constexpr double kLeast =
      1e-300;  // a smaller alpha's shares are 0 and 1 as well, and its logarithms infinite
  alpha = std::max(alpha, kLeast);
  const double a = log_gamma_variable(alpha, random), b = log_gamma_variable(alpha, random);
  return 1 / (1 + std::exp(b - a));
}

void mix(Batch& batch, const Mixup& how, Random& random) {
  const std::int64_t n = batch.x.size(0);
  const std::vector<std::int64_t> other = random.permutation(n);
  std::vector<double> share;
  for (std::int64_t r = 0; r < n; ++r) share.push_back(beta_share(how.alpha, random));
  const auto all = [&](const Tensor& t) {
    return t.dtype() == DType::f32 ? mixed_rows<float>(t, share, other) : mixed_rows<double>(t, share, other);
  };
  const DType dtype = batch.x.dtype();
  batch.x = all(batch.x);
  batch.y = all(how.classes > 0 ? one_hot(batch.y, how.classes, dtype) : batch.y.to(dtype));
  if (batch.weights.defined()) batch.weights = all(batch.weights);
}

}  // namespace cairn::train_detail
