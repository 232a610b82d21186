#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/linear/fold_moments_internal.h"
#include "cairn/linear/row_sums_internal.h"

namespace cairn::path_search {

using linalg::Moments;

std::vector<Moments> moments_of_parts(const NumericData& data, const Folds& folds, bool intercept,
                                      std::string_view learner, const StopToken& stop) {
  std::vector<Moments> parts;
  for (const std::vector<std::int64_t>& rows : folds.parts) {
    const NumericData part = rows_of(data, rows);
    Moments m = row_moments(NumericRows(part), intercept, {}, stop);
    if (!std::ranges::all_of(m.products, [](double v) { return std::isfinite(v); }))
      throw FitError(std::string(learner), "the squares of columns or target are beyond the range of numbers",
                     "Rescale them.");
    parts.push_back(std::move(m));
  }
  return parts;
}

Moments joined(const std::vector<Moments>& parts, const std::vector<std::size_t>& which) {
  Moments all;
  for (const std::size_t part : which) add_moments(all, parts[part]);
  return all;
}

Moments joined(const std::vector<Moments>& parts) {
  std::vector<std::size_t> all(parts.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return joined(parts, all);
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
