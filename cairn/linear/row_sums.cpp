#include <algorithm>

#include "cairn/linear/row_sums_internal.h"

namespace cairn {
namespace {

linalg::GramOptions options_for(const NumericData& part, std::span<const double> scale,
                                const StopToken& stop) {
  return {.weights = part.weights, .targets = part.y, .num_targets = 1, .scale = scale, .stop = stop};
}

}  // namespace

linalg::Moments row_moments(const NumericRows& rows, bool centred, std::span<const double> scale,
                            const StopToken& stop) {
  const auto moments_of = [&](const NumericData& part) -> linalg::Moments {
    const linalg::GramOptions options = options_for(part, scale, stop);
    if (centred) return linalg::moments(part.x, options);
    linalg::Gram gram = linalg::gram(part.x, options);
    return {gram.weight, std::vector<double>(gram.sums.size()), std::move(gram.products)};
  };
  linalg::Moments total;
  rows.each([&](const NumericData& part) {
    stop.throw_if_requested("training");
    if (total.weight == 0)
      total = moments_of(part);
    else
      add_moments(total, moments_of(part), scale);
  });
  return total;
}

linalg::Ranges row_ranges(const NumericRows& rows) {
  linalg::Ranges all;
  rows.each([&](const NumericData& part) {
    linalg::Ranges ranges = linalg::column_ranges(part.x);
    const auto [low, high] = std::ranges::minmax(part.y);
    ranges.low.push_back(low);
    ranges.high.push_back(high);
    if (all.low.empty()) {
      all = std::move(ranges);
      return;
    }
    for (std::size_t c = 0; c < all.low.size(); ++c) {
      all.low[c] = std::min(all.low[c], ranges.low[c]);
      all.high[c] = std::max(all.high[c], ranges.high[c]);
    }
  });
  return all;
}

std::vector<double> row_triangle(const NumericRows& rows, std::span<const double> shift,
                                 std::span<const double> scale, const StopToken& stop) {
  std::vector<double> total;
  rows.each([&](const NumericData& part) {
    stop.throw_if_requested("training");
    linalg::GramOptions options = options_for(part, scale, stop);
    options.shift = shift;
    std::vector<double> r = linalg::tall_qr(part.x, options);
    if (total.empty()) {
      total = std::move(r);
      return;
    }
    // The triangle of two triangles, one upon the other.
    const auto p = static_cast<std::int64_t>(scale.size());
    total.insert(total.end(), r.begin(), r.end());
    const Matrix both = Matrix::from_rows(Tensor::take(std::move(total)).reshape(Shape{2 * p, p}));
    total = linalg::tall_qr(both, {.stop = stop});
  });
  return total;
}

}  // namespace cairn
