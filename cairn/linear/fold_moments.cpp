#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/linear/fold_moments_internal.h"

namespace cairn::path_search {

using linalg::Moments;

namespace {

Moments about_zero(Moments m) {
  const std::size_t p = m.mean.size();
  for (std::size_t i = 0; i < p; ++i)
    for (std::size_t j = 0; j < p; ++j) m.products[i * p + j] += m.weight * m.mean[i] * m.mean[j];
  m.mean.assign(p, 0.0);
  return m;
}

}  // namespace

std::vector<Moments> moments_of_parts(const NumericData& data, const Folds& folds, bool intercept,
                                      std::string_view learner, const StopToken& stop) {
  std::vector<Moments> parts;
  for (const std::vector<std::int64_t>& rows : folds.parts) {
    const NumericData part = rows_of(data, rows);
    Moments m =
        linalg::moments(part.x, {.weights = part.weights, .targets = part.y, .num_targets = 1, .stop = stop});
    if (!std::ranges::all_of(m.products, [](double v) { return std::isfinite(v); }))
      throw FitError(std::string(learner), "the squares of columns or target are beyond the range of numbers",
                     "Rescale them.");
    parts.push_back(intercept ? std::move(m) : about_zero(std::move(m)));
  }
  return parts;
}

Moments joined(const std::vector<Moments>& parts, const std::vector<std::size_t>& which, bool intercept) {
  const std::size_t p = parts[0].mean.size();
  Moments all{0, std::vector<double>(p), std::vector<double>(p * p)};
  for (const std::size_t f : which) {
    all.weight += parts[f].weight;
    for (std::size_t j = 0; j < p; ++j) all.mean[j] += parts[f].weight * parts[f].mean[j];
  }
  for (double& m : all.mean) m /= all.weight;
  for (const std::size_t f : which)
    for (std::size_t i = 0; i < p; ++i) {
      const double shift = intercept ? parts[f].weight * (parts[f].mean[i] - all.mean[i]) : 0;
      for (std::size_t j = 0; j < p; ++j)
        all.products[i * p + j] += parts[f].products[i * p + j] + shift * (parts[f].mean[j] - all.mean[j]);
    }
  return all;
}

Moments joined(const std::vector<Moments>& parts, bool intercept) {
  std::vector<std::size_t> all(parts.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return joined(parts, all, intercept);
}

double error_on(const Moments& part, const Moments& learned, std::span<const double> w) {
  const std::size_t d = w.size(), p = d + 1;
  double squares = part.products[d * p + d], bias = part.mean[d] - learned.mean[d];
  for (std::size_t i = 0; i < d; ++i) {
    if (w[i] == 0) continue;
    bias -= w[i] * (part.mean[i] - learned.mean[i]);
    squares -= 2 * w[i] * part.products[i * p + d];
    for (std::size_t j = 0; j < d; ++j) squares += w[i] * w[j] * part.products[i * p + j];
  }
  return std::max(0.0, squares) / part.weight + bias * bias;
}

}  // namespace cairn::path_search
