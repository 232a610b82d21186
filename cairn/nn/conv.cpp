#include "cairn/nn/conv.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/nn/count.h"
#include "cairn/nn/image_rules_internal.h"
#include "cairn/nn/init.h"
#include "cairn/ops/conv2d.h"
#include "cairn/ops/pool2d.h"

namespace cairn {

namespace {

// Rows or columns of the result.
std::int64_t windows(const char* name, std::int64_t input, std::int64_t kernel, std::int64_t stride,
                     std::int64_t dilation, const Padding& padding, std::int64_t before, std::int64_t after) {
  if (padding.is_same) return (input + stride - 1) / stride;
  const WindowAxis axis{.input = input,
                        .kernel = kernel,
                        .stride = stride,
                        .dilation = dilation,
                        .before = before,
                        .after = after};
  if (axis.output() < 1)
    throw ShapeError(
        name,
        fmt::format("a window over {} rows or columns does not fit the image's {}", axis.reach(), input),
        "Pad it, or take a smaller window.");
  return axis.output();
}

}  // namespace

const ParamList& Conv2dParams::list() {
  using P = Conv2dParams;
  static const ParamList l{
      param<&P::in>("in", "channels that come in", between(1, 1e6), {"in_channels"}),
      param<&P::out>("out", "channels that go out", between(1, 1e6), {"out_channels", "filters"}),
      param<&P::kernel>("kernel", "rows and columns of the window", between(1, kMostTaps), {"kernel_size"}),
      param<&P::stride>("stride", "how far the window moves", between(1, kMostTaps), {"strides"}),
      param<&P::dilation>("dilation", "distance of the window's taps", between(1, kMostTaps)),
      param<&P::groups>("groups", "of channels with weights of their own; as many as in: depthwise",
                        between(1, 1e6)),
      param<&P::padding>("padding", "valid, same, or rows and columns of zeros around"),
      param<&P::bias>("bias", "whether a number of its own is added to every channel", {}, {"use_bias"}),
      param<&P::init>("init", "how the weights are drawn at first", init::rule(), {"kernel_initializer"}),
      param<&P::init_scale>("init_scale", "gain, bound or standard deviation of that draw", above(0)),
  };
  return l;
}

Conv2d::Conv2d(Conv2dParams params)
    : Module(fmt::format("Conv2d {} -> {}, {} x {}", params.in, params.out, params.kernel, params.kernel)),
      params_(std::move(params)) {
  validate({kName, &params_, &Params::list()});
  padding_ = padding_named(kName, params_.padding);
  if (params_.in % params_.groups != 0 || params_.out % params_.groups != 0)
    throw ParamError("", fmt::format("conv2d.groups = {} does not divide in = {} and out = {}",
                                     params_.groups, params_.in, params_.out));
  weight_ = Parameter(Shape{params_.out, params_.kernel, params_.kernel, params_.in / params_.groups},
                      init::named(params_.init, params_.init_scale));
  if (params_.bias) bias_ = Parameter(Shape{params_.out}, init::zeros());
}

Tensor Conv2d::operator()(const Tensor& x, const Finish& finish) const {
  const ModuleScope here = scope();
  const Conv2dOptions options{.stride = static_cast<int>(params_.stride),
                              .padding = padding_,
                              .dilation = static_cast<int>(params_.dilation),
                              .groups = static_cast<std::int32_t>(params_.groups),
                              .relu = finish.relu};
  return params_.bias ? conv2d(x, weight_, bias_, options) : conv2d(x, weight_, options);
}

void Conv2d::visit(Visitor& v) {
  v.module(*this);
  v.parameter("weight", weight_);
  v.parameter("bias", bias_);
}

void Conv2d::complete(Params& params, const Shape& sample) {
  if (params.in == 0 && sample.ndim() == 3) params.in = sample[2];
}

Shape Conv2d::output_shape(const Shape& sample) const {
  const Shape s = image_sample(kName, sample);
  if (s[2] != params_.in)
    throw ShapeError(
        kName, fmt::format("a sample of {} comes in; its channels should be {}", sample.text(), params_.in));
  return {windows(kName, s[0], params_.kernel, params_.stride, params_.dilation, padding_, padding_.top,
                  padding_.bottom),
          windows(kName, s[1], params_.kernel, params_.stride, params_.dilation, padding_, padding_.left,
                  padding_.right),
          params_.out};
}

std::int64_t Conv2d::multiply_adds(const Shape& sample) const {
  return count_product(
      {output_shape(sample).size(), params_.kernel, params_.kernel, params_.in / params_.groups});
}

const ParamList& PoolParams::list() {
  using P = PoolParams;
  static const ParamList l{
      param<&P::window>("window", "rows and columns of the window", between(1, kMostTaps),
                        {"kernel_size", "pool_size"}),
      param<&P::stride>("stride", "how far the window moves; 0: side by side", between(0, kMostTaps),
                        {"strides"}),
      param<&P::padding>("padding", "valid, same, or rows and columns around"),
  };
  return l;
}

Tensor pool_rules::Max::apply(const Tensor& x, std::int64_t window, std::int64_t stride,
                              const Padding& padding) {
  return max_pool2d(x, static_cast<int>(window), {.stride = static_cast<int>(stride), .padding = padding});
}
Tensor pool_rules::Average::apply(const Tensor& x, std::int64_t window, std::int64_t stride,
                                  const Padding& padding) {
  return average_pool2d(x, static_cast<int>(window),
                        {.stride = static_cast<int>(stride), .padding = padding});
}

template <class Rule>
Pool2d<Rule>::Pool2d(PoolParams params)
    : Module(fmt::format("{} {} x {}", Rule::kTitle, params.window, params.window)),
      params_(std::move(params)) {
  validate({kName, &params_, &Params::list()});
  padding_ = padding_named(kName, params_.padding);
}

template <class Rule>
Tensor Pool2d<Rule>::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  return Rule::apply(x, params_.window, params_.stride, padding_);
}

template <class Rule>
Shape Pool2d<Rule>::output_shape(const Shape& sample) const {
  const Shape s = image_sample(kName, sample);
  const std::int64_t stride = params_.stride == 0 ? params_.window : params_.stride;
  return {windows(kName, s[0], params_.window, stride, 1, padding_, padding_.top, padding_.bottom),
          windows(kName, s[1], params_.window, stride, 1, padding_, padding_.left, padding_.right), s[2]};
}

template class Pool2d<pool_rules::Max>;
template class Pool2d<pool_rules::Average>;

Tensor GlobalAveragePool2d::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  return global_average_pool2d(x);
}
Shape GlobalAveragePool2d::output_shape(const Shape& sample) const {
  return {image_sample(kName, sample)[2]};
}

}  // namespace cairn
