#include "cairn/nn/linear.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/nn/count.h"
#include "cairn/nn/init.h"
#include "cairn/ops/linear.h"

namespace cairn {

const ParamList& LinearParams::list() {
  using P = LinearParams;
  static const ParamList l{
      param<&P::in>("in", "numbers of the last axis that come in", between(1, 1e9), {"in_features"}),
      param<&P::out>("out", "numbers that go out", between(1, 1e9), {"units", "out_features"}),
      param<&P::bias>("bias", "whether a number of its own is added to every output", {}, {"use_bias"}),
      param<&P::init>("init", "how the weights are drawn at first", init::rule(), {"kernel_initializer"}),
      param<&P::init_scale>("init_scale", "gain, bound or standard deviation of that draw", above(0)),
  };
  return l;
}

Linear::Linear(LinearParams params)
    : Module(fmt::format("Linear {} -> {}", params.in, params.out)), params_(std::move(params)) {
  validate({kName, &params_, &Params::list()});
  weight_ = Parameter(Shape{params_.out, params_.in}, init::named(params_.init, params_.init_scale));
  if (params_.bias) bias_ = Parameter(Shape{params_.out}, init::zeros());
}

Tensor Linear::operator()(const Tensor& x, const Finish& finish) const {
  const ModuleScope here = scope();
  const LinearActivation activation = finish.relu ? LinearActivation::relu : LinearActivation::none;
  return params_.bias ? linear(x, weight_, bias_, activation) : linear(x, weight_, activation);
}

void Linear::visit(Visitor& v) {
  v.module(*this);
  v.parameter("weight", weight_);
  v.parameter("bias", bias_);
}

void Linear::complete(Params& params, const Shape& sample) {
  if (params.in == 0 && sample.ndim() > 0) params.in = sample[sample.ndim() - 1];
}

Shape Linear::output_shape(const Shape& sample) const {
  if (sample.ndim() == 0 || sample[sample.ndim() - 1] != params_.in)
    throw ShapeError(
        kName, fmt::format("a sample of {} comes in; its last axis should be {}", sample.text(), params_.in));
  std::vector<std::int64_t> dims(sample.dims().begin(), sample.dims().end());
  dims.back() = params_.out;
  return Shape(dims);
}

std::int64_t Linear::multiply_adds(const Shape& sample) const {
  return count_product({sample.size(), params_.out});
}

}  // namespace cairn
