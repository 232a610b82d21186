#include "cairn/linear/glm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/linear/glm_family_internal.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/row_losses_internal.h"

namespace cairn {
namespace {

double power_of(const GeneralizedLinearParams& p) {
  return p.family == "poisson" ? 1 : p.family == "gamma" ? 2 : p.power;
}

void check_targets(const NumericData& data, const GeneralizedLinearParams& params) {
  const double power = power_of(params);
  const std::string family =
      params.family == "tweedie" ? fmt::format("tweedie, power {:g}", params.power) : params.family;
  double total = 0;
  for (std::size_t r = 0; r < data.y.size(); ++r) {
    if (!data.weights.empty() && data.weights[r] == 0) continue;
    const double y = data.y[r];
    if (y < 0 || (power == 2 && y == 0))
      throw DataError(fmt::format("glm, row {}", r + 1),
                      fmt::format("the target is {:g}; family {} takes {}", y, family,
                                  power == 2 ? "numbers above 0" : "numbers of at least 0"),
                      power == 2 ? "family=tweedie allows 0." : "ridge or huber_regression take any number.");
    total += y;
  }
  if (total == 0)
    throw DataError("glm", "every target is 0: the logarithm of their mean is minus infinity",
                    "Check which column is the target.");
}

// 1 - deviance / deviance of the mean alone.
double explained(double power, const NumericData& data, std::span<const double> mu) {
  double weight = 0, mean = 0, left = 0, all = 0;
  for (std::size_t r = 0; r < data.y.size(); ++r) {
    const double s = data.weights.empty() ? 1 : data.weights[r];
    weight += s;
    mean += s * data.y[r];
  }
  mean /= weight;
  for (std::size_t r = 0; r < data.y.size(); ++r) {
    const double s = data.weights.empty() ? 1 : data.weights[r];
    if (s == 0) continue;
    left += s * glm::unit_deviance(power, data.y[r], mu[r]);
    all += s * glm::unit_deviance(power, data.y[r], mean);
  }
  return all > 0 ? 1 - left / all : 0;
}

}  // namespace

const ParamList& GeneralizedLinearParams::list() {
  using P = GeneralizedLinearParams;
  static const ParamList l{
      param<&P::family>("family",
                        "how targets scatter about their mean: counts, positive amounts, or "
                        "amounts that are often 0",
                        one_of("poisson", "gamma", "tweedie"), {"distribution", "objective"}),
      param<&P::power>("power", "tweedie: the variance grows with this power of the mean", between(1, 2),
                       {"variance_power", "tweedie_variance_power"}),
      param<&P::alpha>("alpha",
                       "strength of the penalty on the squared weights of the columns as given, beside the "
                       "mean loss; 0: maximum likelihood",
                       at_least(0), {"lambda", "C", "l2"})
          .searched(1e-4, 10, SearchScale::log),
      param<&P::intercept>("intercept", "add a constant, not penalised, to the logarithm", {},
                           {"fit_intercept"}),
      param<&P::tol>("tol", "stop when the gradient is this part of its size at the start", between(0, 1)),
      param<&P::max_iter>("max_iter", "iteration cap", between(1, 1'000'000), {"max_iterations", "n_iter"}),
  };
  return l;
}

std::unique_ptr<Model> GeneralizedLinear::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  const NumericData data = numeric_data(dataset, kName);
  check_targets(data, params_);
  const double power = power_of(params_);
  const StandardDesign design(data.x, data.weights, params_.intercept, context.stop);
  std::vector<double> start(design.size(), 0.0);
  // Targets of any size are brought near 1: eta = log(unit) + what is fitted.
  double unit = 0, weight = 0;
  for (std::size_t r = 0; r < data.y.size(); ++r) {
    const double s = data.weights.empty() ? 1 : data.weights[r];
    unit += s == 0 ? 0 : s * data.y[r];
    weight += s;
  }
  unit = params_.intercept ? unit / weight : 1;
  const auto term = [&](std::size_t r, double eta) {
    return glm::log_link_term(power, data.y[r] / unit, eta);
  };
  const RowLosses losses(design, data.weights, params_.alpha * std::pow(unit, power - 2), term);
  RowLosses::Fit found = losses.minimise(
      std::move(start), {.tol = params_.tol, .max_iter = params_.max_iter, .stop = context.stop});
  StandardDesign::Raw raw = design.raw(found.theta);
  if (params_.intercept) raw.intercept += std::log(unit);
  auto model =
      std::make_unique<LinearModel>(data, Link::log, std::move(raw.weights), std::vector{raw.intercept});
  std::vector<double> mu(data.y.size());
  model->compute(data.x, mu);
  model->add_note(std::move(found.note));
  model->add_note(fmt::format("{:.4g} of the deviance of the training rows is explained (D2)",
                              explained(power, data, mu)));
  model->set_loss_history(std::move(found.history));
  return model;
}

}  // namespace cairn
