// Convolution of images in two dimensions (cross-correlation, as all frameworks compute it) and its
// transpose. Images [N, H, W, C], weights [O, Kh, Kw, C / groups], bias [O]; results [N, P, Q, O] with
//
//   P = (H + top + bottom - dilation (Kh - 1) - 1) / stride + 1,  y[n, p, q, o] = b[o] +
//   sum over i, j, c of x[n, p stride - top + i dilation, q stride - left + j dilation, c] w[o, i, j, c].
//
// groups = C with O = C is a depthwise convolution. The three operations are each other's gradients, so
// derivatives of any order exist.
//
//   Tensor y = conv2d(x, w, b, {.stride = 2, .padding = Padding::same()});
#pragma once

#include "cairn/ops/window.h"
#include "cairn/tensor/op.h"

namespace cairn {

struct Conv2dOptions {
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  std::int32_t groups = 1;
  bool relu = false;  // max(y, 0), in the same pass over memory
};

Tensor conv2d(const Tensor& x, const Tensor& weight, const Conv2dOptions& options = {});
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options = {});

struct ConvTranspose2dOptions {
  Pair stride = 1;
  Padding padding = 0;  // taken off the result; same: the result has input * stride + output_padding rows
  Pair dilation = 1;
  Pair output_padding = 0;  // rows and columns more at the end, less than stride (same: and than the reach)
  std::int32_t groups = 1;
};

// x [N, P, Q, I], weight [I, Kh, Kw, O / groups], result [N, H, W, O] with
// H = (P - 1) stride - top - bottom + dilation (Kh - 1) + 1 + output_padding: the gradient of conv2d with
// respect to its images.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const ConvTranspose2dOptions& options = {});
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& options = {});

struct Conv2dAttributes {
  std::int32_t stride_rows = 1, stride_columns = 1;
  std::int32_t top = 0, bottom = 0, left = 0, right = 0;
  std::int32_t dilation_rows = 1, dilation_columns = 1, groups = 1;
  // The gradients' results: rows and columns of the images, or of the kernel. 0 in conv2d itself.
  std::int32_t rows = 0, columns = 0;
  bool relu = false;
  static const ParamList& list();
};

// Shape of one convolution, with x [N, H, W, C] and w [O, Kh, Kw, C / groups]: what kernels ask.
struct Conv2dShape {
  std::int64_t images = 0, channels = 0, filters = 0, groups = 1;
  WindowAxis rows, columns;
  std::int64_t out_rows() const { return rows.output(); }
  std::int64_t out_columns() const { return columns.output(); }
  std::int64_t group_channels() const { return channels / groups; }
  std::int64_t multiply_adds() const {
    return images * out_rows() * out_columns() * filters * rows.kernel * columns.kernel * group_channels();
  }
};
Conv2dShape conv2d_shape(const KernelArgs& a);                  // of conv2d
Conv2dShape conv2d_data_gradient_shape(const KernelArgs& a);    // in: gradient, weight
Conv2dShape conv2d_weight_gradient_shape(const KernelArgs& a);  // in: images, gradient

extern const OpDef kConv2d;                // images, weight and, if there is one, bias
extern const OpDef kConv2dDataGradient;    // gradient [N, P, Q, O] and weight to [N, rows, columns, C]
extern const OpDef kConv2dWeightGradient;  // images and gradient to [O, rows, columns, C / groups]
extern const OpDef kConvTranspose2d;       // kConv2dDataGradient under the name that people know

}  // namespace cairn
