#include "cairn/nn/conv_transpose.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/nn/count.h"
#include "cairn/nn/image_rules_internal.h"
#include "cairn/nn/init.h"
#include "cairn/ops/conv2d.h"

namespace cairn {

const ParamList& ConvTranspose2dParams::list() {
  using P = ConvTranspose2dParams;
  static const ParamList l{
      param<&P::in>("in", "channels that come in", between(1, 1e6), {"in_channels"}),
      param<&P::out>("out", "channels that go out", between(1, 1e6), {"out_channels", "filters"}),
      param<&P::kernel>("kernel", "rows and columns of the window", between(1, kMostTaps), {"kernel_size"}),
      param<&P::stride>("stride", "how far apart the windows of two pixels lie", between(1, kMostTaps),
                        {"strides"}),
      param<&P::dilation>("dilation", "distance of the window's taps", between(1, kMostTaps)),
      param<&P::groups>("groups", "of channels with weights of their own", between(1, 1e6)),
      param<&P::padding>("padding", "valid, same, or rows and columns that are taken off on every side"),
      param<&P::output_padding>("output_padding", "rows and columns more at the end, fewer than stride",
                                between(0, kMostTaps)),
      param<&P::bias>("bias", "whether a number of its own is added to every channel", {}, {"use_bias"}),
      param<&P::init>("init", "how the weights are drawn at first", init::rule(), {"kernel_initializer"}),
      param<&P::init_scale>("init_scale", "gain, bound or standard deviation of that draw", above(0)),
  };
  return l;
}

ConvTranspose2d::ConvTranspose2d(ConvTranspose2dParams params)
    : Module(fmt::format("ConvTranspose2d {} -> {}, {} x {}", params.in, params.out, params.kernel,
                         params.kernel)),
      params_(std::move(params)) {
  validate({kName, &params_, &Params::list()});
  padding_ = padding_named(kName, params_.padding);
  if (params_.in % params_.groups != 0 || params_.out % params_.groups != 0)
    throw ParamError("", fmt::format("conv_transpose2d.groups = {} does not divide in = {} and out = {}",
                                     params_.groups, params_.in, params_.out));
  if (params_.output_padding >= params_.stride)
    throw ParamError("", fmt::format("conv_transpose2d.output_padding = {} is not smaller than stride = {}",
                                     params_.output_padding, params_.stride));
  weight_ = Parameter(Shape{params_.in, params_.kernel, params_.kernel, params_.out / params_.groups},
                      init::named(params_.init, params_.init_scale));
  if (params_.bias) bias_ = Parameter(Shape{params_.out}, init::zeros());
}

Tensor ConvTranspose2d::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  const ConvTranspose2dOptions options{.stride = static_cast<int>(params_.stride),
                                       .padding = padding_,
                                       .dilation = static_cast<int>(params_.dilation),
                                       .output_padding = static_cast<int>(params_.output_padding),
                                       .groups = static_cast<std::int32_t>(params_.groups)};
  return params_.bias ? conv_transpose2d(x, weight_, bias_, options) : conv_transpose2d(x, weight_, options);
}

void ConvTranspose2d::visit(Visitor& v) {
  v.module(*this);
  v.parameter("weight", weight_);
  v.parameter("bias", bias_);
}

void ConvTranspose2d::complete(Params& params, const Shape& sample) {
  if (params.in == 0 && sample.ndim() == 3) params.in = sample[2];
}

std::int64_t ConvTranspose2d::length(std::int64_t pixels, std::int64_t before, std::int64_t after) const {
  return transposed_axis(kName, pixels, {0, params_.kernel, params_.stride, params_.dilation, before, after},
                         padding_.is_same, params_.output_padding)
      .input;
}

Shape ConvTranspose2d::output_shape(const Shape& sample) const {
  const Shape s = image_sample(kName, sample);
  if (s[2] != params_.in)
    throw ShapeError(
        kName, fmt::format("a sample of {} comes in; its channels should be {}", sample.text(), params_.in));
  return {length(s[0], padding_.top, padding_.bottom), length(s[1], padding_.left, padding_.right),
          params_.out};
}

std::int64_t ConvTranspose2d::multiply_adds(const Shape& sample) const {
  return count_product({sample.size(), params_.kernel, params_.kernel, params_.out / params_.groups});
}

}  // namespace cairn
