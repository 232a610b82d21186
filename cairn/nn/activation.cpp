#include "cairn/nn/activation.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/ops/activation.h"

namespace cairn {

const ParamList& NoParams::list() {
  static const ParamList l;
  return l;
}

namespace activation_rules {

Tensor Relu::apply(const Tensor& x) { return relu(x); }
Tensor Relu6::apply(const Tensor& x) { return relu6(x); }
Tensor Selu::apply(const Tensor& x) { return selu(x); }
Tensor Sigmoid::apply(const Tensor& x) { return sigmoid(x); }
Tensor Tanh::apply(const Tensor& x) { return tanh(x); }
Tensor Softplus::apply(const Tensor& x) { return softplus(x); }
Tensor Silu::apply(const Tensor& x) { return silu(x); }
Tensor Mish::apply(const Tensor& x) { return mish(x); }
Tensor Gelu::apply(const Tensor& x) { return gelu(x); }
Tensor HardSigmoid::apply(const Tensor& x) { return hard_sigmoid(x); }
Tensor HardSwish::apply(const Tensor& x) { return hard_swish(x); }
Tensor HardTanh::apply(const Tensor& x) { return hard_tanh(x); }
Tensor Softmax::apply(const Tensor& x) { return softmax(x); }
Tensor LogSoftmax::apply(const Tensor& x) { return log_softmax(x); }
Tensor Identity::apply(const Tensor& x) { return x; }

}  // namespace activation_rules

const ParamList& LeakyReluParams::list() {
  static const ParamList l{param<&LeakyReluParams::slope>("slope", "of the negative side", between(0, 1),
                                                          {"negative_slope", "alpha"})};
  return l;
}

LeakyRelu::LeakyRelu(LeakyReluParams params)
    : Module(fmt::format("LeakyReLU {:g}", params.slope)), params_(params) {
  validate({kName, &params_, &Params::list()});
}

Tensor LeakyRelu::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  return leaky_relu(x, params_.slope);
}

const ParamList& EluParams::list() {
  static const ParamList l{param<&EluParams::alpha>("alpha", "the negative side tends to -alpha", above(0))};
  return l;
}

Elu::Elu(EluParams params) : Module(fmt::format("ELU {:g}", params.alpha)), params_(params) {
  validate({kName, &params_, &Params::list()});
}

Tensor Elu::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  return elu(x, params_.alpha);
}

Flatten::Flatten(NoParams) : Module("Flatten") {}

Tensor Flatten::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  if (x.ndim() == 0)
    throw ShapeError(kName, "a single number has no samples", "The first axis numbers the samples.");
  std::int64_t d = 1;
  for (int i = 1; i < x.ndim(); ++i) d *= x.size(i);
  return x.reshape(Shape{x.size(0), d});
}

}  // namespace cairn
