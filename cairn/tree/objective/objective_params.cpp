#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/model/quantile_model.h"
#include "cairn/tree/objective/expression_internal.h"
#include "cairn/tree/objective/objective_params_internal.h"

namespace cairn::tree {
namespace {

std::string where(const char* parameter) { return fmt::format("{}.{}", GradientBoosting::kName, parameter); }

}  // namespace

ObjectiveParams objective_params(const GradientBoostingParams& p, const Objective& objective) {
  const std::string_view name = objective.name;
  ObjectiveParams o{
      .quantile = p.quantile, .huber_quantile = p.huber_quantile, .tweedie_power = p.tweedie_power};
  if (!p.quantiles.empty() && name != "quantile")
    throw UsageError(where("quantiles"), fmt::format("objective={} predicts no quantiles", name),
                     "--set objective=quantile does.");
  const bool one_level = name == "expectile" || (name == "quantile" && p.quantiles.empty());
  if (one_level && !(p.quantile > 0 && p.quantile < 1))
    throw UsageError(where("quantile"),
                     fmt::format("objective={} has no level {}, at which rows on one side count nothing",
                                 name, p.quantile),
                     "Such as --set quantile=0.9.");
  if (name == "quantile")
    o.levels =
        p.quantiles.empty() ? std::vector{p.quantile} : parse_levels(GradientBoosting::kName, p.quantiles);
  o.rank_by_map = p.rank_metric == "map";
  o.rank_at = p.rank_at;
  o.noise = p.aft_distribution == "normal"     ? Noise::normal
            : p.aft_distribution == "logistic" ? Noise::logistic
                                               : Noise::extreme;
  o.noise_scale = p.aft_scale;
  if (name == "expression" && p.expression.empty())
    throw UsageError(where("expression"), "objective=expression needs the loss itself",
                     "Such as --set 'expression=log_cosh(score - y)'.");
  if (name != "expression" && !p.expression.empty())
    throw UsageError(where("expression"), fmt::format("objective={} has a loss of its own", name),
                     "--set objective=expression takes this one.");
  if (name == "expression") o.expression = std::make_shared<const Expression>(p.expression);
  return o;
}

}  // namespace cairn::tree
