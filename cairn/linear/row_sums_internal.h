// Sums over the rows of a regression, in memory or in parts. Columns are those of the features, then the
// target: p = d + 1 of them. Parts are added in their order, so where they end changes the sums by rounding
// only; rows in memory are summed by one call.
#pragma once

#include <span>
#include <vector>

#include "cairn/model/numeric.h"
#include "cairn/ops/moments.h"

namespace cairn {

// linalg::moments(), or without `centred` the plain products with means of 0. scale [p] or empty.
linalg::Moments row_moments(const NumericRows& rows, bool centred, std::span<const double> scale,
                            const StopToken& stop);
linalg::Ranges row_ranges(const NumericRows& rows);  // [p]
// linalg::tall_qr() with shift and scale [p]: R [p, p].
std::vector<double> row_triangle(const NumericRows& rows, std::span<const double> shift,
                                 std::span<const double> scale, const StopToken& stop);

}  // namespace cairn
