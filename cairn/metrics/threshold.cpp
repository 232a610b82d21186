#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/metrics/curves.h"
#include "cairn/metrics/metric_internal.h"
#include "cairn/metrics/ranking_internal.h"

namespace cairn {
namespace {

using metric_detail::Ranking;
using metric_detail::TieGroup;

// A threshold in (below, above]: rows scoring `above` and more are positive, those at `below` and less are
// not. 0.5 where it lies between, else the middle, as far from both scores as can be.
double between(double below, double above) {
  if (below < 0.5 && above >= 0.5) return 0.5;
  const double middle = below + (above - below) / 2;
  return middle > below ? middle : above;
}

// The threshold with the largest goodness(true positives, false positives), as sums of weights; nullopt is
// never chosen.
template <class Goodness>
ThresholdChoice search(const Scored& rows, Goodness&& goodness) {
  if (rows.task != Task::binary)
    throw UsageError("threshold",
                     fmt::format("the task is {}; a threshold needs a binary one", name_of(rows.task)));
  std::optional<Ranking> ranking;
  if (metric_detail::computable(rows, true)) ranking = metric_detail::rank(rows, rows.positive);
  if (!ranking || ranking->order.empty())
    throw DataError("threshold",
                    fmt::format("none can be chosen on {} rows without usable probabilities", rows.size()),
                    "Give validation rows of positive weight and a model that predicts probabilities.");
  ThresholdChoice best;
  bool found = false;
  const auto offer = [&](double threshold, std::optional<double> value) {
    if (!value || std::isnan(*value)) return;
    const bool nearer = std::abs(threshold - 0.5) < std::abs(best.threshold - 0.5);
    if (found && !(*value > best.value || (*value == best.value && nearer))) return;
    best = {threshold, *value};
    found = true;
  };
  // No row positive: above the best score, and above 1 when that is reached.
  const double best_score = ranking->groups.front().score;
  const double beyond =
      best_score < 1 ? 1.0 : std::nextafter(best_score, std::numeric_limits<double>::infinity());
  offer(between(best_score, beyond), goodness(0.0, 0.0));
  double positive = 0, negative = 0;
  for (std::size_t g = 0; g < ranking->groups.size(); ++g) {
    const TieGroup& group = ranking->groups[g];
    positive += group.positive;
    negative += group.negative;
    const double below =
        g + 1 < ranking->groups.size() ? ranking->groups[g + 1].score : std::min(0.0, group.score);
    offer(between(below, group.score), goodness(positive, negative));
  }
  if (!found)
    throw DataError("threshold",
                    fmt::format("the metric is not defined at any threshold on these {} rows", rows.size()),
                    "Give validation rows of both classes.");
  return best;
}

}  // namespace

ThresholdChoice best_threshold(const Scored& rows, const Metric& metric) {
  const metric_detail::OfConfusion of = metric_detail::of_confusion(metric);
  if (of == nullptr) {
    std::string usable;
    for (const Metric& m : metrics())
      if (m.binary && metric_detail::of_confusion(m) != nullptr)
        usable += (usable.empty() ? "" : ", ") + std::string(m.name);
    throw UsageError(
        "threshold",
        fmt::format("'{}' does not depend on decisions, so no threshold is best for it", metric.name),
        fmt::format("Choose one of {}.", usable));
  }
  double positives = 0, negatives = 0;
  for (std::int64_t i = 0; i < rows.size(); ++i)
    if (const double w = metric_detail::weight_of(rows, i); w > 0)
      (metric_detail::label_of(rows, i) == rows.positive ? positives : negatives) += w;
  const auto p = static_cast<std::size_t>(rows.positive), n = 1 - p;
  return search(rows, [&](double true_positives, double false_positives) {
    Confusion table{2, std::vector<double>(4)};
    table.counts[p * 2 + p] = true_positives;
    table.counts[p * 2 + n] = std::max(0.0, positives - true_positives);
    table.counts[n * 2 + p] = false_positives;
    table.counts[n * 2 + n] = std::max(0.0, negatives - false_positives);
    return of(table, rows.positive);
  });
}

ThresholdChoice cheapest_threshold(const Scored& rows, double cost_false_positive,
                                   double cost_false_negative) {
  if (!(cost_false_positive >= 0) || !(cost_false_negative >= 0) ||
      !std::isfinite(cost_false_positive + cost_false_negative))
    throw UsageError(
        "threshold",
        fmt::format("costs {} (false positive) and {} (false negative); expected finite costs of 0 "
                    "or more",
                    cost_false_positive, cost_false_negative));
  double positives = 0, all = 0;
  for (std::int64_t i = 0; i < rows.size(); ++i)
    if (const double w = metric_detail::weight_of(rows, i); w > 0) {
      all += w;
      if (metric_detail::label_of(rows, i) == rows.positive) positives += w;
    }
  ThresholdChoice choice = search(rows, [&](double true_positives, double false_positives) {
    const double missed = std::max(0.0, positives - true_positives);
    return std::optional<double>(-(cost_false_positive * false_positives + cost_false_negative * missed) /
                                 all);
  });
  choice.value = -choice.value + 0.0;
  return choice;
}

}  // namespace cairn
