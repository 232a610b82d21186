// Layers on images [N, H, W, C]: convolution and pooling.
#pragma once

#include <cstdint>
#include <string>

#include "cairn/base/params.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/layer.h"
#include "cairn/ops/window.h"

namespace cairn {

struct Conv2dParams {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  std::string padding = "valid";
  bool bias = true;
  std::string init = "he_uniform";
  double init_scale = 1;
  static const ParamList& list();
};

// Weight [out, kernel, kernel, in / groups], bias [out]. padding: "valid" (none), "same" (ceil(H / stride)
// rows), or a number of rows and columns on every side.
class Conv2d : public Module {
 public:
  using Params = Conv2dParams;
  static constexpr const char* kName = "conv2d";
  static constexpr const char* kDoc =
      "Every output pixel is a weighted sum of a window of the image, the same weights everywhere.";
  explicit Conv2d(Conv2dParams params);
  Tensor operator()(const Tensor& x) const { return (*this)(x, Finish{}); }
  bool finishes(bool with_residual) const { return !with_residual; }
  Tensor operator()(const Tensor& x, const Finish& finish) const;
  void visit(Visitor& v);
  Params params() const { return params_; }
  static void complete(Params& params, const Shape& sample);
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape& sample) const;
  Parameter& weight() { return weight_; }
  Parameter& bias() { return bias_; }

 private:
  Params params_;
  Padding padding_;
  Parameter weight_, bias_;
};

struct PoolParams {
  std::int64_t window = 2;
  std::int64_t stride = 0;
  std::string padding = "valid";
  static const ParamList& list();
};

namespace pool_rules {
struct Max {
  static constexpr const char *kName = "max_pool2d", *kTitle = "MaxPool2d",
                              *kDoc = "The largest number of each window.";
  static Tensor apply(const Tensor& x, std::int64_t window, std::int64_t stride, const Padding& padding);
};
struct Average {
  static constexpr const char *kName = "average_pool2d", *kTitle = "AveragePool2d",
                              *kDoc = "The mean of each window.";
  static Tensor apply(const Tensor& x, std::int64_t window, std::int64_t stride, const Padding& padding);
};
}  // namespace pool_rules

// Windows `stride` apart; stride 0: side by side.
template <class Rule>
class Pool2d : public Module {
 public:
  using Params = PoolParams;
  static constexpr const char* kName = Rule::kName;
  static constexpr const char* kDoc = Rule::kDoc;
  explicit Pool2d(PoolParams params = {});
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return params_; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape&) const { return 0; }

 private:
  Params params_;
  Padding padding_;
};
using MaxPool2d = Pool2d<pool_rules::Max>;
using AveragePool2d = Pool2d<pool_rules::Average>;
extern template class Pool2d<pool_rules::Max>;
extern template class Pool2d<pool_rules::Average>;

// The mean of every channel: [N, H, W, C] to [N, C].
class GlobalAveragePool2d : public Module {
 public:
  using Params = NoParams;
  static constexpr const char* kName = "global_average_pool2d";
  static constexpr const char* kDoc = "The mean of every channel over the whole image.";
  explicit GlobalAveragePool2d(NoParams = {}) : Module("GlobalAveragePool2d") {}
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return {}; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape&) const { return 0; }
};

}  // namespace cairn
