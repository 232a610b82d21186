// What the sources of this folder share: the metrics behind the table, and the pieces that intervals are made
// of.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/metrics/curves.h"
#include "cairn/metrics/metric.h"

namespace cairn::metric_detail {

using Value = std::optional<double>;

// Rows a block in sums: large enough to be worth a task, small enough for short chains of rounding errors.
constexpr std::int64_t kSumBlock = 16384;

inline double weight_of(const Scored& rows, std::int64_t i) {
  return rows.weights.empty() ? 1.0 : rows.weights[static_cast<std::size_t>(i)];
}
inline double score_of(const Scored& rows, std::int64_t i, std::int32_t c) {
  return rows.probabilities[static_cast<std::size_t>(i * rows.num_classes + c)];
}
inline std::int32_t label_of(const Scored& rows, std::int64_t i) {
  return rows.labels[static_cast<std::size_t>(i)];
}

// InternalError when the spans do not fit together. False when there is nothing to compute on: no rows, or
// the decisions or probabilities the metric needs are not given.
bool computable(const Scored& rows, bool needs_probabilities);

struct WeightedSum {
  double sum = 0, weight = 0;
  Value mean() const { return weight > 0 ? Value(sum / weight) : std::nullopt; }
};

// The weighted sum of value(i) over all rows of positive weight.
template <class F>
WeightedSum weighted_sum(const Scored& rows, F&& value) {
  return parallel_reduce<WeightedSum>(
      rows.size(), kSumBlock,
      [&](std::int64_t begin, std::int64_t end) {
        WeightedSum s;
        for (std::int64_t i = begin; i < end; ++i)
          if (const double w = weight_of(rows, i); w > 0) s.sum += w * value(i), s.weight += w;
        return s;
      },
      [](WeightedSum& into, const WeightedSum& other) {
        into.sum += other.sum, into.weight += other.weight;
      });
}

// The q-quantile as the inverted cumulative distribution, averaged where it is flat (Hyndman and Fan 1996,
// definition 2): the median of an even number of rows is the mean of the middle two. `weights` may be empty.
// values: at least one.
double quantile(std::vector<double> values, std::span<const double> weights, double q);

// ---- metrics of decisions: functions of the confusion table
Value accuracy(const Confusion& c, std::int32_t positive);
Value balanced_accuracy(const Confusion& c, std::int32_t positive);
Value precision(const Confusion& c, std::int32_t positive);
Value recall(const Confusion& c, std::int32_t positive);
Value f1(const Confusion& c, std::int32_t positive);
Value f1_macro(const Confusion& c, std::int32_t positive);
Value f1_weighted(const Confusion& c, std::int32_t positive);
Value mcc(const Confusion& c, std::int32_t positive);
Value cohen_kappa(const Confusion& c, std::int32_t positive);

using OfConfusion = Value (*)(const Confusion&, std::int32_t positive);
// The function of the confusion table behind a metric; nullptr for metrics that look at probabilities or
// numbers.
OfConfusion of_confusion(const Metric& metric);

Bounds accuracy_bounds(const Scored& rows, double value);
Bounds balanced_accuracy_bounds(const Scored& rows, double value);
Bounds precision_bounds(const Scored& rows, double value);
Bounds recall_bounds(const Scored& rows, double value);
Bounds f1_bounds(const Scored& rows, double value);

// ---- metrics of the ranking by probability
Value roc_auc(const Scored& rows);
Value average_precision(const Scored& rows);
Bounds roc_auc_bounds(const Scored& rows, double value);
Bounds average_precision_bounds(const Scored& rows, double value);

// ---- metrics of the probabilities themselves
Value log_loss(const Scored& rows);
Value brier(const Scored& rows);
Value ece(const Scored& rows);
// How much of the ece chance alone adds: the absolute value of a noisy gap is on average larger than the gap
// (the mean of a folded normal variable, Leone, Nelson, Nottingham 1961, with the gap estimated by removing
// the noise from its square).
double ece_by_chance(const Scored& rows);
Bounds log_loss_bounds(const Scored& rows, double value);
Bounds brier_bounds(const Scored& rows, double value);

// ---- metrics of regression
Value mse(const Scored& rows);
Value rmse(const Scored& rows);
Value mae(const Scored& rows);
Value median_ae(const Scored& rows);
Value r2(const Scored& rows);
Value mape(const Scored& rows);
Value max_error(const Scored& rows);
Value pinball(const Scored& rows);
Bounds mse_bounds(const Scored& rows, double value);
Bounds rmse_bounds(const Scored& rows, double value);
Bounds mae_bounds(const Scored& rows, double value);
Bounds median_ae_bounds(const Scored& rows, double value);
Bounds r2_bounds(const Scored& rows, double value);
Bounds mape_bounds(const Scored& rows, double value);
Bounds pinball_bounds(const Scored& rows, double value);

// ---- metrics of the order within groups
// Of one group that has a relevant row.
struct OfGroup {
  double value = 0, weight = 0;  // the mean weight of its rows: a weight says how much a query counts
};
// Empty when rows have no groups, a truth is no relevance (below 0, above 1000) or a prediction is NaN.
// Rows of equal score stand in every order alike.
std::vector<OfGroup> ndcg(const Scored& rows, std::int64_t cutoff);
std::vector<OfGroup> mean_precision(const Scored& rows, std::int64_t cutoff);
Value mean_of(const std::vector<OfGroup>& groups);
Bounds group_bounds(const std::vector<OfGroup>& groups, double value);

// ---- metrics of times that some rows have not lived to see
Value concordance(const Scored& rows);
Bounds concordance_bounds(const Scored& rows, double value);

Bounds unknown_bounds(const Scored& rows, double value);  // NaN: no interval can be told

}  // namespace cairn::metric_detail
