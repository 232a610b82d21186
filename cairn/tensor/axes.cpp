#include "cairn/tensor/axes.h"

#include <fmt/format.h>

#include "cairn/base/error.h"

namespace cairn {

int checked_axis(const char* where, std::int64_t axis, const Tensor& t) {
  const int n = t.ndim();
  if (axis < -n || axis >= n)
    throw ShapeError(where, n == 0
                                ? fmt::format("axis {} does not exist in {}, which has none", axis, t.text())
                                : fmt::format("axis {} does not exist in {}; its axes are {} to {}", axis,
                                              t.text(), -n, n - 1));
  return static_cast<int>(axis < 0 ? axis + n : axis);
}

std::uint32_t checked_axes(const char* where, const AxisList& axes, const Tensor& t) {
  if (axes.count() == 0) return (1U << t.ndim()) - 1;
  std::uint32_t bits = 0;
  for (int i = 0; i < axes.count(); ++i) {
    const std::uint32_t bit = 1U << checked_axis(where, axes[i], t);
    if (bits & bit) throw ShapeError(where, fmt::format("axis {} of {} is given twice", axes[i], t.text()));
    bits |= bit;
  }
  return bits;
}

}  // namespace cairn
