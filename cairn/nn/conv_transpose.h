// A convolution backwards: images grow.
#pragma once

#include <cstdint>
#include <string>

#include "cairn/base/params.h"
#include "cairn/nn/layer.h"
#include "cairn/ops/window.h"

namespace cairn {

struct ConvTranspose2dParams {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  std::string padding = "valid";
  std::int64_t output_padding = 0;
  bool bias = true;
  std::string init = "he_uniform";
  double init_scale = 1;
  static const ParamList& list();
};

// [N, P, Q, in] to [N, H, W, out] with H = (P - 1) stride - 2 padding + dilation (kernel - 1) + 1 +
// output_padding; padding "same": H = P stride + output_padding. Weight [in, kernel, kernel, out / groups],
// bias [out].
class ConvTranspose2d : public Module {
 public:
  using Params = ConvTranspose2dParams;
  static constexpr const char* kName = "conv_transpose2d";
  static constexpr const char* kDoc =
      "Every input pixel is spread over a window of the result with the filter's weights: a convolution "
      "backwards.";
  explicit ConvTranspose2d(ConvTranspose2dParams params);
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  Params params() const { return params_; }
  static void complete(Params& params, const Shape& sample);
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape& sample) const;
  Parameter& weight() { return weight_; }
  Parameter& bias() { return bias_; }

 private:
  std::int64_t length(std::int64_t pixels, std::int64_t before, std::int64_t after) const;
  Params params_;
  Padding padding_;
  Parameter weight_, bias_;
};

}  // namespace cairn
