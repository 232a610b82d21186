#include "cairn/ops/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cairn/base/error.h"

namespace cairn {

WindowAxis transposed_axis(const char* where, std::int64_t pixels, WindowAxis axis, bool same,
                           std::int64_t more) {
  // What the convolution's last window does not reach: as many pixels more would make it one window more.
  const std::int64_t left = same ? std::min(axis.stride, axis.reach()) : axis.stride;
  if (more < 0 || more >= left)
    throw ShapeError(where, fmt::format("output_padding = {} is outside [0, {} = {})", more,
                                        left == axis.stride ? "stride" : "the window's reach", left));
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max(), kFar = std::int64_t{1} << 40;
  const bool countable = pixels <= kFar / axis.stride;
  if (countable && same) {
    std::int32_t before = 0, after = 0;
    same_padding(pixels * axis.stride, axis.kernel, axis.stride, axis.dilation, before, after);
    axis.before = before;
    axis.after = after;
    more += axis.stride - left;
  }
  if (countable) axis.input = (pixels - 1) * axis.stride - axis.before - axis.after + axis.reach() + more;
  if (!countable || axis.input > kMost)
    throw ShapeError(where, fmt::format("{} rows or columns become {}; images have at most {}", pixels,
                                        countable ? fmt::to_string(axis.input) : "more than can be", kMost));
  if (axis.input < 1)
    throw ShapeError(where,
                     fmt::format("{} rows or columns become {}; images have at least 1", pixels, axis.input),
                     "Take less off, or a larger window.");
  return axis;
}

}  // namespace cairn
