#include "cairn/optim/adam.h"

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/optim/pieces_internal.h"
#include "cairn/optim/rules_internal.h"

namespace cairn {
namespace {

template <class P>
ParamList adam_list() {
  return {rule_params::learning_rate<&P::learning_rate>(),
          rule_params::beta<&P::beta1>("beta1", "how slowly the mean of the gradients forgets"),
          rule_params::beta<&P::beta2>("beta2", "how slowly the mean of their squares forgets"),
          rule_params::epsilon<&P::epsilon>()};
}

ParamList with(ParamList list, Param more) {
  list.push_back(std::move(more));
  return list;
}

template <class P>
step_kernels::Coefficients adam_rule(const P& p, std::int64_t t) {
  const auto steps = static_cast<double>(t);
  return {.rule = step_kernels::Rule::adam,
          .a = p.beta1,
          .b = p.beta2,
          .c = p.epsilon,
          .d = 1 / std::sqrt(1 - std::pow(p.beta2, steps)),
          .f = 1 / (1 - std::pow(p.beta1, steps))};
}

}  // namespace

const ParamList& AdamParams::list() {
  static const ParamList l =
      with(adam_list<AdamParams>(),
           param<&AdamParams::amsgrad>("amsgrad", "divide by the largest mean of squares so far"));
  return l;
}

Adam::Adam(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, std::move(options), params.amsgrad ? 3 : 2), params_(params) {
  validate({kName, &params_, &Params::list()});
}

void Adam::move(std::span<Moved> moved) {
  step_kernels::Coefficients c = adam_rule(params_, steps());
  c.flag = params_.amsgrad;
  step_all(c, moved, options().clip_value);
}

const ParamList& AdamWParams::list() {
  static const ParamList l =
      with(adam_list<AdamWParams>(), rule_params::weight_decay<&AdamWParams::weight_decay>());
  return l;
}

AdamW::AdamW(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, rule_params::with_decay(std::move(options), params.weight_decay),
                2),
      params_(params) {
  validate({kName, &params_, &Params::list()});
}

void AdamW::move(std::span<Moved> moved) {
  step_all(adam_rule(params_, steps()), moved, options().clip_value);
}

const ParamList& NAdamParams::list() {
  static const ParamList l = with(adam_list<NAdamParams>(),
                                  param<&NAdamParams::momentum_decay>(
                                      "momentum_decay", "how soon the momentum reaches beta1", at_least(0)));
  return l;
}

NAdam::NAdam(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, std::move(options), 2), params_(params) {
  validate({kName, &params_, &Params::list()});
}

void NAdam::move(std::span<Moved> moved) {
  const auto t = static_cast<double>(steps());
  const auto momentum_at = [&](double step) {
    return params_.beta1 * (1 - 0.5 * std::pow(0.96, step * params_.momentum_decay));
  };
  const double now = momentum_at(t), next = momentum_at(t + 1);
  momentum_product_ *= now;
  step_kernels::Coefficients c = adam_rule(params_, steps());
  c.rule = step_kernels::Rule::nadam;
  c.e = (1 - now) / (1 - momentum_product_);
  c.f = next / (1 - momentum_product_ * next);
  step_all(c, moved, options().clip_value);
}

void NAdam::visit_more(Visitor& v) {
  v.value("momentum_product", momentum_product_);
  if (v.loading() && !(momentum_product_ >= 0 && momentum_product_ <= 1))
    throw ModelFileError("optimizer", "nadam's product of momenta is outside [0, 1]");
}

}  // namespace cairn
