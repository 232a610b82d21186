// Pooling of images in two dimensions: x [N, H, W, C] to [N, P, Q, C], P = (H + top + bottom - Kh) / stride
// + 1. A window that covers nothing but padding is refused.
//
//   Tensor y = max_pool2d(x, 2);                    // windows of 2 x 2, side by side
//   Tensor z = average_pool2d(x, 3, {.stride = 2, .padding = 1});
#pragma once

#include "cairn/ops/window.h"
#include "cairn/tensor/op.h"

namespace cairn {

struct Pool2dOptions {
  Pair stride = 0;  // 0: the window's own size
  Padding padding = 0;
  bool count_padding = false;  // averages: padding counts as zeros
};

Tensor max_pool2d(const Tensor& x, Pair window, const Pool2dOptions& options = {});  // the first of equals
Tensor average_pool2d(const Tensor& x, Pair window, const Pool2dOptions& options = {});
// Averages of windows [floor(i H / P), ceil((i + 1) H / P)): whatever H, the result has `result` rows and
// columns.
Tensor adaptive_average_pool2d(const Tensor& x, Pair result);
Tensor adaptive_max_pool2d(const Tensor& x, Pair result);  // the largest of the same windows
Tensor global_average_pool2d(const Tensor& x);             // [N, C]

struct Pool2dAttributes {
  std::int32_t window_rows = 1, window_columns = 1, stride_rows = 1, stride_columns = 1;
  std::int32_t top = 0, bottom = 0, left = 0, right = 0;
  bool count_padding = false;
  std::int32_t rows = 0, columns = 0;  // of a gradient's result
  static const ParamList& list();
};

struct Pool2dShape {
  std::int64_t images = 0, channels = 0;
  WindowAxis rows, columns;
};
// `images` is the tensor with the pixels, not the pooled one.
Pool2dShape pool2d_shape(const Pool2dAttributes& attributes, const Shape& images);

extern const OpDef kMaxPool2d;              // images
extern const OpDef kMaxPool2dGradient;      // gradient and images: each value at its window's largest pixel
extern const OpDef kMaxPool2dGather;        // values and images: those at each window's largest pixel
extern const OpDef kAveragePool2d;          // images
extern const OpDef kAveragePool2dGradient;  // gradient: each value's share spread over its window

}  // namespace cairn
