#include "cairn/optim/muon.h"

#include <algorithm>
#include <cmath>

#include "cairn/ops/elementwise.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/pieces_internal.h"
#include "cairn/optim/rules_internal.h"

namespace cairn {

const ParamList& MuonParams::list() {
  using P = MuonParams;
  static const ParamList l{
      rule_params::learning_rate<&P::learning_rate>(),
      rule_params::beta<&P::momentum>("momentum", "how slowly the mean of the gradients forgets"),
      param<&P::nesterov>("nesterov", "the gradient looks ahead along the momentum"),
      rule_params::weight_decay<&P::weight_decay>(),
      param<&P::iterations>("iterations", "of Newton and Schulz", between(1, 99), {"ns_steps"}),
      param<&P::adam_rate>("adam_rate", "share of the learning rate for what is no matrix", at_least(0)),
  };
  return l;
}

Muon::Muon(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, rule_params::with_decay(std::move(options), params.weight_decay),
                1),
      params_(params) {
  validate({kName, &params_, &Params::list()});
  for (OptimizedParameter& p : parameters_)
    if (p.parameter->shape().ndim() < 2)
      p.state.push_back(Tensor::zeros(p.parameter->shape(), p.parameter->dtype()));
}

namespace {

// Near U V^T of the matrix U S V^T: its singular values come to lie around 1.
Tensor nearly_orthogonal(const Tensor& matrix, std::int64_t iterations) {
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;  // the authors' coefficients: steepest at 0
  const bool tall = matrix.size(0) > matrix.size(1);
  Tensor x = tall ? matrix.transpose().contiguous() : matrix;
  x = x / std::max(norm(x).item(), 1e-7);
  for (std::int64_t i = 0; i < iterations; ++i) {
    const Tensor gram = matmul(x, x.transpose());
    x = x * kA + matmul(gram * kB + matmul(gram, gram) * kC, x);
  }
  return tall ? x.transpose().contiguous() : x;
}

}  // namespace

void Muon::move_matrix(const Moved& m) const {
  const Shape shape = m.gradient.shape();
  if (shape.size() == 0) return;
  const DType dtype = m.gradient.dtype();
  const std::vector<double> g = whole_gradient(m, options().clip_value);
  const Tensor gradient = Tensor::from(g).to(dtype).reshape({shape[0], shape.size() / shape[0]});
  Tensor& velocity = m.of->state[0];
  const Tensor before = velocity.reshape(gradient.shape());
  const Tensor after = before + (gradient - before) * (1 - params_.momentum);
  velocity = after.reshape(shape);
  const Tensor direction = params_.nesterov ? gradient + (after - gradient) * params_.momentum : after;
  const Tensor step = nearly_orthogonal(direction, params_.iterations).to(DType::f64);
  const double rows = static_cast<double>(gradient.size(0)), columns = static_cast<double>(gradient.size(1));
  const auto values = step.data<double>();
  take_off(m, std::vector<double>(values.begin(), values.end()),
           m.rate * std::sqrt(std::max(1.0, rows / columns)));
}

void Muon::move(std::span<Moved> moved) {
  const NoGrad no_grad;
  std::vector<Moved> rest;
  for (const Moved& m : moved) {
    if (m.of->state.size() == 1) {
      move_matrix(m);
    } else {
      rest.push_back(m);
      rest.back().rate *= params_.adam_rate;
    }
  }
  constexpr double kBeta1 = 0.9, kBeta2 = 0.95;  // the authors' choice
  const auto t = static_cast<double>(steps());
  step_all({.rule = step_kernels::Rule::adam,
            .a = kBeta1,
            .b = kBeta2,
            .c = 1e-8,
            .d = 1 / std::sqrt(1 - std::pow(kBeta2, t)),
            .f = 1 / (1 - std::pow(kBeta1, t))},
           std::span(rest), options().clip_value);
}

}  // namespace cairn
