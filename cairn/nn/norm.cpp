#include "cairn/nn/norm.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/nn/beside_internal.h"
#include "cairn/nn/init.h"
#include "cairn/ops/norm.h"

namespace cairn {
namespace {

Shape same_channels(const char* name, const Shape& sample, std::int64_t channels) {
  if (sample.ndim() == 0 || sample[sample.ndim() - 1] != channels)
    throw ShapeError(
        name, fmt::format("a sample of {} comes in; its last axis should be {}", sample.text(), channels));
  return sample;
}

std::int64_t last_axis(const Shape& sample) { return sample.ndim() == 0 ? 0 : sample[sample.ndim() - 1]; }

template <class P, auto Member>
Param epsilon_param() {
  return param<Member>("epsilon", "added to the variance", above(0), {"eps"});
}

}  // namespace

const ParamList& BatchNormParams::list() {
  using P = BatchNormParams;
  static const ParamList l{
      param<&P::channels>("channels", "length of the last axis", between(1, 1e9), {"num_features"}),
      param<&P::momentum>("momentum", "share of a batch in the running statistics", between(0, 1)),
      epsilon_param<P, &P::epsilon>(),
  };
  return l;
}

BatchNorm::BatchNorm(BatchNormParams params)
    : Module(fmt::format("BatchNorm {}", params.channels)), params_(params) {
  validate({kName, &params_, &Params::list()});
  gamma_ = Parameter(Shape{params_.channels}, init::constant(1));
  beta_ = Parameter(Shape{params_.channels}, init::zeros());
  running_mean_ = Tensor::zeros({params_.channels}, DType::f32);
  running_variance_ = Tensor::full({params_.channels}, 1, DType::f32);
}

Tensor BatchNorm::operator()(const Tensor& x, const Finish& finish) const {
  const ModuleScope here = scope();
  const Tensor& residual = finish.residual;
  // What comes out is of x's shape; an x that does not fit itself is the operation's to refuse.
  if (residual.defined() && last_axis(x.shape()) == params_.channels && !(x.shape() == residual.shape()))
    layer_detail::check_beside(place()->text(), x, residual);
  const NormOptions options{.epsilon = params_.epsilon, .relu = finish.relu};
  if (!training()) {
    return residual.defined()
               ? batch_norm_inference(x, gamma_, beta_, running_mean_, running_variance_, residual, options)
               : batch_norm_inference(x, gamma_, beta_, running_mean_, running_variance_, options);
  }
  const BatchNormResult r = residual.defined() ? batch_norm(x, gamma_, beta_, residual, options)
                                               : batch_norm(x, gamma_, beta_, options);
  follow(r.mean.detach(), r.variance.detach(), x.size() / params_.channels);
  return r.y;
}

void BatchNorm::follow(const Tensor& mean, const Tensor& variance, std::int64_t rows) const {
  const double unbiased = rows > 1 ? static_cast<double>(rows) / static_cast<double>(rows - 1) : 1;
  running_mean_ = moved_towards(running_mean_, mean, params_.momentum);
  running_variance_ = moved_towards(running_variance_, variance, params_.momentum, unbiased);
}

void BatchNorm::visit(Visitor& v) {
  v.module(*this);
  v.parameter("gamma", gamma_);
  v.parameter("beta", beta_);
  v.tensor("running_mean", running_mean_);
  v.tensor("running_variance", running_variance_);
  if (!v.loading()) return;
  check_stored("running_mean", running_mean_, gamma_.dtype(), Shape{params_.channels});
  check_stored("running_variance", running_variance_, gamma_.dtype(), Shape{params_.channels});
}

void BatchNorm::complete(Params& params, const Shape& sample) {
  if (params.channels == 0) params.channels = last_axis(sample);
}
Shape BatchNorm::output_shape(const Shape& sample) const {
  return same_channels(kName, sample, params_.channels);
}

const ParamList& LayerNormParams::list() {
  using P = LayerNormParams;
  static const ParamList l{
      param<&P::size>("size", "length of the last axis", between(1, 1e9), {"normalized_shape"}),
      epsilon_param<P, &P::epsilon>(),
  };
  return l;
}

LayerNorm::LayerNorm(LayerNormParams params)
    : Module(fmt::format("LayerNorm {}", params.size)), params_(params) {
  validate({kName, &params_, &Params::list()});
  gamma_ = Parameter(Shape{params_.size}, init::constant(1));
  beta_ = Parameter(Shape{params_.size}, init::zeros());
}

Tensor LayerNorm::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  return layer_norm(x, gamma_, beta_, params_.epsilon);
}

void LayerNorm::visit(Visitor& v) {
  v.module(*this);
  v.parameter("gamma", gamma_);
  v.parameter("beta", beta_);
}

void LayerNorm::complete(Params& params, const Shape& sample) {
  if (params.size == 0) params.size = last_axis(sample);
}
Shape LayerNorm::output_shape(const Shape& sample) const {
  return same_channels(kName, sample, params_.size);
}

const ParamList& GroupNormParams::list() {
  using P = GroupNormParams;
  static const ParamList l{
      param<&P::channels>("channels", "length of the last axis, a multiple of groups", between(1, 1e9),
                          {"num_channels"}),
      param<&P::groups>("groups", "of channels; as many as channels: instance normalisation", between(1, 1e9),
                        {"num_groups"}),
      epsilon_param<P, &P::epsilon>(),
  };
  return l;
}

GroupNorm::GroupNorm(GroupNormParams params)
    : Module(fmt::format("GroupNorm {} in {}", params.channels, params.groups)), params_(params) {
  validate({kName, &params_, &Params::list()});
  if (params_.channels % params_.groups != 0)
    throw ParamError("", fmt::format("group_norm.groups = {} does not divide channels = {}", params_.groups,
                                     params_.channels));
  gamma_ = Parameter(Shape{params_.channels}, init::constant(1));
  beta_ = Parameter(Shape{params_.channels}, init::zeros());
}

Tensor GroupNorm::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  return group_norm(x, gamma_, beta_, params_.groups, params_.epsilon);
}

void GroupNorm::visit(Visitor& v) {
  v.module(*this);
  v.parameter("gamma", gamma_);
  v.parameter("beta", beta_);
}

void GroupNorm::complete(Params& params, const Shape& sample) {
  if (params.channels == 0) params.channels = last_axis(sample);
}
Shape GroupNorm::output_shape(const Shape& sample) const {
  return same_channels(kName, sample, params_.channels);
}

}  // namespace cairn
