#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cairn/base/error.h"
#include "cairn/tree/objective/expression_internal.h"
#include "cairn/tree/objective/objective_params_internal.h"

namespace cairn::tree {
namespace {

constexpr std::size_t kMostLevels = 100;

std::string where(const char* parameter) { return fmt::format("{}.{}", GradientBoosting::kName, parameter); }

double level_of(std::string_view text) {
  double level = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, level);
  if (error != std::errc{} || at != end || !(level > 0 && level < 1))
    throw UsageError(where("quantiles"), fmt::format("'{}' is no level between 0 and 1", text),
                     "Such as --set quantiles=0.1,0.5,0.9.");
  return level;
}

// "0.1,0.9" and "0.5" are three levels.
std::vector<double> levels_of(const std::vector<std::string>& texts) {
  std::vector<double> levels;
  for (const std::string& text : texts)
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      levels.push_back(level_of(std::string_view(text).substr(begin, end - begin)));
      begin = end + 1;
    }
  std::ranges::sort(levels);
  if (const auto twice = std::ranges::adjacent_find(levels); twice != levels.end())
    throw UsageError(where("quantiles"), fmt::format("the level {} stands twice", *twice));
  if (levels.size() > kMostLevels)
    throw UsageError(where("quantiles"),
                     fmt::format("{} levels are more than {}", levels.size(), kMostLevels));
  return levels;
}

}  // namespace

ObjectiveParams objective_params(const GradientBoostingParams& p, const Objective& objective) {
  const std::string_view name = objective.name;
  ObjectiveParams o{
      .quantile = p.quantile, .huber_quantile = p.huber_quantile, .tweedie_power = p.tweedie_power};
  if (!p.quantiles.empty() && name != "quantile")
    throw UsageError(where("quantiles"), fmt::format("objective={} predicts no quantiles", name),
                     "--set objective=quantile does.");
  if (name == "expectile" && !(p.quantile > 0 && p.quantile < 1))
    throw UsageError(
        where("quantile"),
        fmt::format("objective=expectile has no level {}, at which rows on one side count nothing",
                    p.quantile),
        "Such as --set quantile=0.9.");
  if (name == "quantile") o.levels = p.quantiles.empty() ? std::vector{p.quantile} : levels_of(p.quantiles);
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
