#include "cairn/linear/quantile_regression.h"

#include <fmt/format.h>

#include <cmath>

#include "cairn/linear/linear_model.h"
#include "cairn/linear/standard_design_internal.h"
#include "cairn/model/quantile_model.h"
#include "cairn/solve/box_program.h"

namespace cairn {
namespace {

// The products of the equations sum_i s_i z_i x_i = const take a matrix of this many parameters at most.
constexpr std::int64_t kMostParameters = 5000;

// The dual linear program of one level (Koenker: Quantile regression; 2005, section 6.4), in which the rows
// are the variables and the coefficients the multipliers.
BoxProgramSolution solve_level(const StandardDesign& design, const NumericData& data, const TargetUnit& unit,
                               double level, const BoxProgramOptions& options) {
  const auto n = static_cast<std::size_t>(design.rows());
  std::vector<double> costs(n), start(n, 1 - level), row(n);
  const auto weight = [&](std::size_t r) { return data.weights.empty() ? 1.0 : data.weights[r]; };
  for (std::size_t r = 0; r < n; ++r)
    costs[r] = weight(r) == 0 ? 0 : -weight(r) * (data.y[r] - unit.centre) / unit.spread;
  BoxProgram program{
      .costs = costs, .start = start, .num_equations = static_cast<std::int64_t>(design.size())};
  program.transposed = [&](std::span<const double> y, std::span<double> out) {
    design.sums(y, out);
    for (std::size_t r = 0; r < n; ++r) out[r] *= weight(r);
  };
  program.product = [&](std::span<const double> v, std::span<double> out) {
    for (std::size_t r = 0; r < n; ++r) row[r] = weight(r) * v[r];
    design.transposed(row, out);
  };
  program.squares = [&](std::span<const double> h, std::span<double> out) {
    for (std::size_t r = 0; r < n; ++r) row[r] = weight(r) * weight(r) * h[r];
    design.products(row, out);
  };
  return solve_box_program(program, options);
}

}  // namespace

const ParamList& QuantileRegressionParams::list() {
  using P = QuantileRegressionParams;
  static const ParamList l{
      param<&P::quantiles>("quantiles",
                           "levels such as 0.1,0.5,0.9; a column q_<level> each; none: the median", {},
                           {"quantile", "tau", "quantile_levels"}),
      param<&P::intercept>("intercept", "add a constant to the prediction", {}, {"fit_intercept"}),
      param<&P::tol>("tol", "stop when the duality gap is below this part of the sum of |target|",
                     between(0, 1)),
      param<&P::max_iter>("max_iter", "steps of the interior-point method at most", between(1, 1'000'000),
                          {"max_iterations", "n_iter"}),
  };
  return l;
}

std::unique_ptr<Model> QuantileRegression::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  std::vector<double> levels =
      params_.quantiles.empty() ? std::vector{0.5} : parse_levels(kName, params_.quantiles);
  const NumericData data = numeric_data(dataset, kName);
  if (data.x.columns() > kMostParameters)
    throw UsageError(kName,
                     fmt::format("{} columns are more than {}: each step solves for all of them",
                                 data.x.columns(), kMostParameters),
                     "Use gradient_boosting with objective=quantile, or fewer columns.");
  const TargetUnit unit = target_unit(data.y, data.weights, params_.intercept, kName);
  const StandardDesign design(data.x, data.weights, params_.intercept, context.stop);
  std::vector<double> weights, intercepts;
  std::vector<std::string> notes;
  for (const double level : levels) {
    BoxProgramSolution found = solve_level(
        design, data, unit, level, {.tol = params_.tol, .max_iter = params_.max_iter, .stop = context.stop});
    for (double& y : found.duals) y *= -unit.spread;
    const StandardDesign::Raw raw = design.raw(found.duals);
    weights.insert(weights.end(), raw.weights.begin(), raw.weights.end());
    intercepts.push_back(params_.intercept ? raw.intercept + unit.centre : 0);
    notes.push_back(
        fmt::format("level {:g}: {} after {} steps of the interior-point method, duality gap {:.1e}", level,
                    found.converged ? "solved" : "NOT solved", found.iterations, found.gap));
    if (!found.converged) notes.back() += "; raise max_iter, or scale the columns";
  }
  auto model = std::make_unique<LinearModel>(data, Link::identity, std::move(weights), std::move(intercepts),
                                             std::move(levels));
  for (std::string& note : notes) model->add_note(std::move(note));
  return model;
}

}  // namespace cairn
