#include "cairn/tree/cart_setup_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn::tree {

Criterion criterion_for(const std::string& name, Task task, std::string_view learner) {
  if (name == "auto") return is_classification(task) ? Criterion::gini : Criterion::squared;
  const Criterion c = criterion_from_name(name);
  const bool of_classes = c == Criterion::gini || c == Criterion::entropy;
  if (of_classes != is_classification(task))
    throw UsageError(
        fmt::format("{}.criterion", learner), fmt::format("{} does not serve a {} task", name, name_of(task)),
        is_classification(task) ? "gini and entropy do." : "squared, absolute, poisson and quantile do.");
  return c;
}

std::int64_t features_looked_at(const std::string& text, std::int64_t features, Task task,
                                std::string_view learner) {
  const auto d = static_cast<double>(features);
  double count = 0;
  if (text == "all")
    count = d;
  else if (text == "sqrt" || (text == "auto" && is_classification(task)))
    count = std::sqrt(d);
  else if (text == "third" || text == "auto")
    count = d / 3;
  else if (text == "log2")
    count = std::log2(std::max(d, 1.0));
  else {
    double share = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
    if (error != std::errc{} || end != text.data() + text.size() || !(share > 0 && share <= 1))
      throw UsageError(
          fmt::format("{}.max_features", learner),
          fmt::format("'{}' is none of auto, all, sqrt, log2, third and no share in (0, 1]", text));
    count = share * d;
  }
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(count));
}

void check_monotone(const CartRules& rules, Task task, std::string_view learner) {
  if (rules.monotone.empty()) return;
  const bool ordered = rules.criterion == Criterion::absolute || rules.criterion == Criterion::quantile;
  if (task == Task::multiclass || ordered)
    throw UsageError(fmt::format("{}.monotone", learner),
                     task == Task::multiclass
                         ? std::string("several classes have no order to keep")
                         : fmt::format("criterion={} cannot keep it", name_of(rules.criterion)),
                     "gradient_boosting keeps it for values and two classes.");
}

CartTarget target_of(const TreeData& data, const CartRules& rules, std::string_view learner) {
  if (is_classification(data.task)) return {.labels = data.labels, .num_classes = std::ssize(data.classes)};
  constexpr double kLargest = 1e120;  // its square times a count must be a number
  for (const double y : data.y) {
    if (rules.criterion == Criterion::poisson && y < 0)
      throw DataError(std::string(learner),
                      fmt::format("a target is {}; criterion=poisson takes counts, 0 or more", y),
                      "criterion=squared takes any number.");
    if (!(std::abs(y) <= kLargest))
      throw DataError(std::string(learner),
                      fmt::format("a target is {}; its square is beyond the range of numbers", y),
                      "Give the target in larger units.");
  }
  return {.y = data.y};
}

TreeEnsembleOptions ensemble_options(const TreeData& data) {
  TreeEnsembleOptions o;
  o.num_features = data.features.size();
  o.num_outputs = is_classification(data.task) ? std::ssize(data.classes) : 1;
  o.vector_leaves = is_classification(data.task);
  o.average = true;
  o.output = is_classification(data.task) ? TreeOutput::share : TreeOutput::identity;
  return o;
}

}  // namespace cairn::tree
