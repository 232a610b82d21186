// How a window moves over the rows and columns of images: what convolution and pooling share.
#pragma once

#include <cstdint>

#include "cairn/tensor/shape.h"

namespace cairn {

struct Pair {  // of rows and of columns
  std::int32_t rows = 1, columns = 1;
  Pair() = default;
  Pair(int both) : rows(both), columns(both) {}  // NOLINT(google-explicit-constructor): .stride = 2
  Pair(int of_rows, int of_columns) : rows(of_rows), columns(of_columns) {}
};

struct Padding {  // zeros around the images
  std::int32_t top = 0, bottom = 0, left = 0, right = 0;
  bool is_same = false;
  Padding() = default;
  Padding(int all) : top(all), bottom(all), left(all), right(all) {}  // NOLINT(google-explicit-constructor)
  Padding(int of_top, int of_bottom, int of_left, int of_right)
      : top(of_top), bottom(of_bottom), left(of_left), right(of_right) {}
  // As many that the result has ceil(input / stride) rows and columns; an odd one goes behind.
  static Padding same() {
    Padding p;
    p.is_same = true;
    return p;
  }
};

// One axis: taps `dilation` apart, the window `stride` further each time.
struct WindowAxis {
  std::int64_t input = 0, kernel = 1, stride = 1, dilation = 1, before = 0, after = 0;
  std::int64_t reach() const { return dilation * (kernel - 1) + 1; }
  std::int64_t output() const {  // not positive: the window does not fit
    const std::int64_t room = input + before + after - reach();
    return room < 0 ? 0 : room / stride + 1;
  }
};

// Padding of one axis that gives ceil(input / stride) results; an odd one goes behind.
inline void same_padding(std::int64_t input, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                         std::int32_t& before, std::int32_t& after) {
  const std::int64_t results = (input + stride - 1) / stride;
  const std::int64_t missing = (results - 1) * stride + dilation * (kernel - 1) + 1 - input;
  before = static_cast<std::int32_t>(missing > 0 ? missing / 2 : 0);
  after = static_cast<std::int32_t>(missing > 0 ? missing - missing / 2 : 0);
}

// The axis of the convolution that a transposed one of `pixels` rows or columns undoes. `axis` has kernel,
// stride, dilation and what is taken off before and after; `same` chooses that so that the input, which is
// what is made, becomes pixels * stride and `more` (output_padding). ShapeError naming `where`.
WindowAxis transposed_axis(const char* where, std::int64_t pixels, WindowAxis axis, bool same,
                           std::int64_t more);

}  // namespace cairn
