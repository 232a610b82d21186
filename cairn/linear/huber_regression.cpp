#include "cairn/linear/huber_regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/linear/linear_model.h"
#include "cairn/linear/row_losses_internal.h"
#include "cairn/solve/lbfgs.h"
#include "cairn/solve/newton.h"

namespace cairn {
namespace {

// Below this part of the target's spread the scale has collapsed: more than half of the rows fit exactly.
constexpr double kSmallestScale = 1e-10;

// The loss in theta and, last, sigma; of residuals in units of the target's spread.
class HuberObjective {
 public:
  HuberObjective(const StandardDesign& design, const NumericData& data, const TargetUnit& unit,
                 const HuberRegressionParams& params)
      : design_(design), data_(data), unit_(unit), params_(params) {}

  double evaluate(std::span<const double> x, std::span<double> gradient, std::span<double> hessian) const {
    const std::size_t p = design_.size();
    const double sigma = x[p];
    if (!(sigma > kSmallestScale)) return std::numeric_limits<double>::infinity();
    const auto n = static_cast<std::size_t>(design_.rows());
    std::vector<double> eta(n), slope(n), inside(n), mixed(n);
    design_.sums(x.first(p), eta);
    double value = sigma, by_sigma = 1, curved = 0;
    for (std::size_t r = 0; r < n; ++r) {
      const double s = (data_.weights.empty() ? 1.0 : data_.weights[r]) / unit_.weight;
      if (s == 0) continue;
      const double z = (eta[r] - (data_.y[r] - unit_.centre) / unit_.spread) / sigma;
      if (std::abs(z) <= params_.epsilon) {
        value += s * z * z * sigma;
        slope[r] = 2 * s * z;
        inside[r] = 2 * s / sigma;
        mixed[r] = -2 * s * z / sigma;
        by_sigma -= s * z * z;
        curved += 2 * s * z * z / sigma;
      } else {
        value += s * (2 * params_.epsilon * std::abs(z) - params_.epsilon * params_.epsilon) * sigma;
        slope[r] = z > 0 ? 2 * s * params_.epsilon : -2 * s * params_.epsilon;
        by_sigma -= s * params_.epsilon * params_.epsilon;
      }
    }
    if (!std::isfinite(value)) return value;
    design_.transposed(slope, gradient.first(p));
    gradient[p] = by_sigma;
    if (!hessian.empty()) fill_hessian(inside, mixed, curved, hessian);
    const auto scale = design_.scale();
    for (std::size_t j = 0; j < scale.size(); ++j) {
      const double strength = 2 * params_.alpha * unit_.spread / unit_.weight * scale[j] * scale[j];
      value += 0.5 * strength * x[j] * x[j];
      gradient[j] += strength * x[j];
      if (!hessian.empty()) hessian[j * (p + 1) + j] += strength;
    }
    return value;
  }

 private:
  void fill_hessian(std::span<const double> inside, std::span<const double> mixed, double curved,
                    std::span<double> hessian) const {
    const std::size_t p = design_.size();
    std::vector<double> products(p * p), edge(p);
    design_.products(inside, products);
    design_.transposed(mixed, edge);
    for (std::size_t i = 0; i < p; ++i) {
      for (std::size_t j = 0; j < p; ++j) hessian[i * (p + 1) + j] = products[i * p + j];
      hessian[i * (p + 1) + p] = hessian[p * (p + 1) + i] = edge[i];
    }
    hessian[p * (p + 1) + p] = curved;
  }
  const StandardDesign& design_;
  const NumericData& data_;
  const TargetUnit& unit_;
  const HuberRegressionParams& params_;
};

// Rows whose error counts absolutely at this scale.
std::int64_t rows_outside(const NumericData& data, std::span<const double> fitted, double edge) {
  std::int64_t count = 0;
  for (std::size_t r = 0; r < fitted.size(); ++r) count += std::abs(data.y[r] - fitted[r]) > edge ? 1 : 0;
  return count;
}

}  // namespace

const ParamList& HuberRegressionParams::list() {
  using P = HuberRegressionParams;
  static const ParamList l{
      param<&P::epsilon>("epsilon", "errors beyond so many times the fitted scale count absolutely",
                         at_least(1), {"delta", "k"})
          .searched(1.01, 3),
      param<&P::alpha>("alpha", "strength of the penalty on the squared weights", at_least(0),
                       {"lambda", "C", "l2"})
          .searched(1e-5, 100, SearchScale::log),
      param<&P::intercept>("intercept", "add a constant, not penalised, to the prediction", {},
                           {"fit_intercept"}),
      param<&P::tol>("tol", "stop when the gradient is this part of its size at the start", between(0, 1)),
      param<&P::max_iter>("max_iter", "iteration cap", between(1, 1'000'000), {"max_iterations", "n_iter"}),
  };
  return l;
}

std::unique_ptr<Model> HuberRegression::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  const NumericData data = numeric_data(dataset, kName);
  const TargetUnit unit = target_unit(data.y, data.weights, params_.intercept, kName);
  const StandardDesign design(data.x, data.weights, params_.intercept, context.stop);
  const HuberObjective objective(design, data, unit, params_);
  std::vector<double> start(design.size() + 1, 0.0);
  start.back() = 1;
  const StopRule rule{.tol = params_.tol, .max_iter = params_.max_iter, .stop = context.stop};
  Minimum found;
  const bool second_order = newton_pays(start.size());
  if (second_order)
    found = newton([&](auto x, auto g, auto h) { return objective.evaluate(x, g, h); }, std::move(start),
                   {.rule = rule});
  else
    found =
        lbfgs([&](auto x, auto g) { return objective.evaluate(x, g, {}); }, std::move(start), {.rule = rule});
  const double sigma = found.x.back() * unit.spread;
  found.x.pop_back();
  StandardDesign::Raw raw = design.raw(found.x);
  for (double& w : raw.weights) w *= unit.spread;
  const double intercept = raw.intercept * unit.spread + unit.centre;
  auto model = std::make_unique<LinearModel>(data, Link::identity, std::move(raw.weights),
                                             std::vector{params_.intercept ? intercept : 0.0});
  std::vector<double> fitted(data.y.size());
  model->compute(data.x, fitted);
  model->add_note(describe_minimum(second_order ? "newton" : "lbfgs", found, rule));
  model->add_note(fmt::format(
      "scale of the errors {:.6g}; {} of {} rows lie beyond {:g} times it and count "
      "absolutely",
      sigma, rows_outside(data, fitted, params_.epsilon * sigma), fitted.size(), params_.epsilon));
  model->set_loss_history(std::move(found.history));
  return model;
}

}  // namespace cairn
