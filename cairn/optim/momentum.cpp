#include "cairn/optim/momentum.h"

#include "cairn/base/error.h"
#include "cairn/optim/pieces_internal.h"
#include "cairn/optim/rules_internal.h"

namespace cairn {

const ParamList& SgdOptimizerParams::list() {
  using P = SgdOptimizerParams;
  static const ParamList l{
      rule_params::learning_rate<&P::learning_rate>(),
      param<&P::momentum>("momentum", "share of the last step that goes on", between(0, 0.9999)),
      param<&P::nesterov>("nesterov", "the gradient looks ahead along the momentum"),
      param<&P::average>("average", "the velocity is a running mean of gradients, not a sum"),
  };
  return l;
}

SgdOptimizer::SgdOptimizer(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, std::move(options), params.momentum > 0 ? 1 : 0), params_(params) {
  validate({kName, &params_, &Params::list()});
}

void SgdOptimizer::move(std::span<Moved> moved) {
  step_all({.rule = step_kernels::Rule::momentum,
            .a = params_.momentum,
            .b = params_.average ? 1 - params_.momentum : 1,
            .flag = params_.nesterov},
           moved, options().clip_value);
}

const ParamList& LionParams::list() {
  using P = LionParams;
  static const ParamList l{
      rule_params::learning_rate<&P::learning_rate>(),
      rule_params::beta<&P::beta1>("beta1", "share of the momentum in the direction of a step"),
      rule_params::beta<&P::beta2>("beta2", "how slowly the momentum forgets"),
      rule_params::weight_decay<&P::weight_decay>(),
  };
  return l;
}

Lion::Lion(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, rule_params::with_decay(std::move(options), params.weight_decay),
                1),
      params_(params) {
  validate({kName, &params_, &Params::list()});
}

void Lion::move(std::span<Moved> moved) {
  step_all({.rule = step_kernels::Rule::lion, .a = params_.beta1, .b = params_.beta2}, moved,
           options().clip_value);
}

}  // namespace cairn
