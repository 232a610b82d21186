#include "cairn/optim/lbfgs_optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/ops/linalg.h"
#include "cairn/optim/pieces_internal.h"
#include "cairn/optim/rules_internal.h"

namespace cairn {

const ParamList& LbfgsParams::list() {
  using P = LbfgsParams;
  static const ParamList l{
      rule_params::learning_rate<&P::learning_rate>(),
      param<&P::memory>("memory", "pairs of steps and gradient changes kept", between(1, 1000),
                        {"history_size"}),
  };
  return l;
}

Lbfgs::Lbfgs(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, std::move(options), 0), params_(params) {
  validate({kName, &params_, &Params::list()});
  if (this->options().decay > 0)
    throw ParamError("lbfgs", "decoupled decay has no place in a quasi-Newton step", "Use l2.");
}

// The two-loop recursion.
std::vector<double> Lbfgs::direction(const std::vector<double>& gradient) {
  if (!last_gradient_.empty()) {
    std::vector<double> change = gradient;
    linalg::add_scaled(-1, last_gradient_, change);
    if (linalg::dot(change, last_step_) > 1e-10) {
      if (std::ssize(changes_) == params_.memory) {
        changes_.pop_front();
        steps_taken_.pop_front();
      }
      changes_.push_back(std::move(change));
      steps_taken_.push_back(last_step_);
    }
  }
  std::vector<double> q = gradient;
  for (double& v : q) v = -v;
  std::vector<double> alpha(changes_.size()), rho(changes_.size());
  for (std::size_t i = changes_.size(); i-- > 0;) {
    rho[i] = 1 / linalg::dot(changes_[i], steps_taken_[i]);
    alpha[i] = linalg::dot(steps_taken_[i], q) * rho[i];
    linalg::add_scaled(-alpha[i], changes_[i], q);
  }
  if (!changes_.empty()) {
    const double scale = 1 / (rho.back() * linalg::dot(changes_.back(), changes_.back()));
    for (double& v : q) v *= scale;
  }
  for (std::size_t i = 0; i < changes_.size(); ++i)
    linalg::add_scaled(alpha[i] - linalg::dot(changes_[i], q) * rho[i], steps_taken_[i], q);
  return q;
}

void Lbfgs::move(std::span<Moved> moved) {
  std::vector<double> gradient;
  for (const OptimizedParameter& p : parameters_) {
    const auto m = std::ranges::find_if(moved, [&](const Moved& x) { return x.of == &p; });
    if (m == moved.end()) {
      gradient.resize(gradient.size() + static_cast<std::size_t>(p.parameter->size()));
      continue;
    }
    const std::vector<double> part = whole_gradient(*m, options().clip_value);
    gradient.insert(gradient.end(), part.begin(), part.end());
  }
  std::vector<double> step = direction(gradient);
  double rate = learning_rate();
  if (last_gradient_.empty()) {
    double sum = 0;
    for (const double v : gradient) sum += std::abs(v);
    rate *= std::min(1.0, 1 / sum);
  }
  for (double& v : step) v *= rate;
  std::size_t at = 0;
  for (const OptimizedParameter& p : parameters_) {
    const auto n = static_cast<std::size_t>(p.parameter->size());
    const auto m = std::ranges::find_if(moved, [&](const Moved& x) { return x.of == &p; });
    if (m != moved.end())
      take_off(*m,
               {step.begin() + static_cast<std::ptrdiff_t>(at),
                step.begin() + static_cast<std::ptrdiff_t>(at + n)},
               -p.rate_factor);
    at += n;
  }
  last_gradient_ = std::move(gradient);
  last_step_ = std::move(step);
}

void Lbfgs::visit_more(Visitor& v) {
  v.value("last_gradient", last_gradient_);
  v.value("last_step", last_step_);
  auto pairs = static_cast<std::int64_t>(changes_.size());
  v.value("pairs", pairs);
  if (v.loading() && (pairs < 0 || pairs > params_.memory))
    throw ModelFileError("optimizer",
                         fmt::format("lbfgs holds {} pairs, at most {} are possible", pairs, params_.memory));
  changes_.resize(static_cast<std::size_t>(pairs));
  steps_taken_.resize(static_cast<std::size_t>(pairs));
  std::size_t n = 0;
  for (const OptimizedParameter& p : parameters_) n += static_cast<std::size_t>(p.parameter->size());
  bool fits =
      last_gradient_.size() == last_step_.size() && (last_gradient_.empty() || last_gradient_.size() == n);
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    v.value(fmt::format("change{}", i), changes_[i]);
    v.value(fmt::format("step{}", i), steps_taken_[i]);
    fits = fits && changes_[i].size() == n && steps_taken_[i].size() == n;
  }
  if (v.loading() && !fits)
    throw ModelFileError("optimizer", "lbfgs' steps are not of this network's length");
}

}  // namespace cairn
