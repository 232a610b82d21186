#include "cairn/metrics/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn {
namespace metric_detail {

bool computable(const Scored& rows, bool needs_probabilities) {
  const auto n = static_cast<std::size_t>(rows.size());
  CAIRN_ASSERT(rows.weights.empty() || rows.weights.size() == n);
  CAIRN_ASSERT(rows.groups.empty() || rows.groups.size() == n);
  if (n == 0) return false;
  if (rows.task == Task::regression) {
    CAIRN_ASSERT(rows.predicted.size() == n);
    CAIRN_ASSERT(rows.quantiles.size() == n * rows.levels.size());
    CAIRN_ASSERT(rows.events.empty() || rows.events.size() == n);
    return true;
  }
  CAIRN_ASSERT(rows.num_classes > 0 && rows.positive >= 0);
  CAIRN_ASSERT(rows.task != Task::binary || rows.positive < rows.num_classes);
  if (needs_probabilities) {
    CAIRN_ASSERT(rows.probabilities.empty() ||
                 rows.probabilities.size() == n * static_cast<std::size_t>(rows.num_classes));
    for (const std::int32_t label : rows.labels) CAIRN_ASSERT(label >= 0 && label < rows.num_classes);
    return !rows.probabilities.empty();
  }
  CAIRN_ASSERT(rows.decisions.empty() || rows.decisions.size() == n);
  return !rows.decisions.empty();
}

namespace {

Value finite(Value v) { return v && std::isfinite(*v) ? v : std::nullopt; }

template <OfConfusion F>
Value of_decisions(const Scored& rows) {
  return computable(rows, false) ? finite(F(confusion(rows), rows.positive)) : std::nullopt;
}
template <Value (*F)(const Scored&)>
Value of_probabilities(const Scored& rows) {
  return computable(rows, true) ? finite(F(rows)) : std::nullopt;
}
template <Value (*F)(const Scored&)>
Value of_numbers(const Scored& rows) {
  return computable(rows, false) ? finite(F(rows)) : std::nullopt;
}

constexpr const char* kWilson = "Wilson's score interval of the proportion";
constexpr const char* kMean = "Student's interval of the mean loss, on the logarithm";
constexpr const char* kDelta = "delta method and Student's interval, on the logarithm";
constexpr const char* kBootstrap = "percentile bootstrap";

constexpr Metric decisions(const char* name, const char* doc, const char* interval, bool multiclass,
                           Value (*compute)(const Scored&),
                           Bounds (*bounds)(const Scored&, double) = nullptr) {
  return {name, doc, interval, false, true, multiclass, true, false, 1.0, compute, bounds};
}
constexpr Metric probabilities(const char* name, const char* doc, const char* interval, bool higher_is_better,
                               Value (*compute)(const Scored&),
                               Bounds (*bounds)(const Scored&, double) = nullptr) {
  return {name,    doc,   interval, false, true, true, higher_is_better, true, higher_is_better ? 1.0 : 0.0,
          compute, bounds};
}
constexpr Metric numbers(const char* name, const char* doc, const char* interval, bool higher_is_better,
                         Value (*compute)(const Scored&), Bounds (*bounds)(const Scored&, double),
                         Judges judges = Judges::values) {
  return {
      name,    doc,    interval, true, false, false, higher_is_better, false, higher_is_better ? 1.0 : 0.0,
      compute, bounds, judges};
}

using OfOrder = std::vector<OfGroup> (*)(const Scored&, std::int64_t cutoff);
constexpr std::int64_t kWhole = std::numeric_limits<std::int64_t>::max();

template <OfOrder F, std::int64_t Cutoff>
Value mean_over_groups(const Scored& rows) {
  return computable(rows, false) ? finite(mean_of(F(rows, Cutoff))) : std::nullopt;
}
template <OfOrder F, std::int64_t Cutoff>
Bounds bounds_over_groups(const Scored& rows, double value) {
  return group_bounds(F(rows, Cutoff), value);
}
template <OfOrder F, std::int64_t Cutoff = kWhole>
constexpr Metric order(const char* name, const char* doc) {
  return numbers(name, doc, "of the mean over groups, in Wilson's interval", true,
                 mean_over_groups<F, Cutoff>, bounds_over_groups<F, Cutoff>, Judges::order);
}

constexpr std::array kMetrics{
    decisions("accuracy", "share of rows decided right, 0 to 1", kWilson, true, of_decisions<accuracy>,
              accuracy_bounds),
    decisions("balanced_accuracy", "mean over classes of the share of their rows decided right, 0 to 1",
              "the classes' Wilson intervals, combined (Zou and Donner)", true,
              of_decisions<balanced_accuracy>, balanced_accuracy_bounds),
    decisions("precision", "share of rows called positive that are, 0 to 1", kWilson, false,
              of_decisions<precision>, precision_bounds),
    decisions("recall", "share of positive rows called positive, 0 to 1", kWilson, false,
              of_decisions<recall>, recall_bounds),
    decisions("f1", "harmonic mean of precision and recall, 0 to 1",
              "Wilson's score interval of hits among rows positive in truth or by decision", false,
              of_decisions<f1>, f1_bounds),
    decisions("f1_macro", "mean of the classes' F1, 0 to 1", kBootstrap, true, of_decisions<f1_macro>),
    decisions("f1_weighted", "mean of the classes' F1 by their share of rows, 0 to 1", kBootstrap, true,
              of_decisions<f1_weighted>),
    probabilities("roc_auc",
                  "probability that a positive row is ranked above a negative one, 0 to 1; several classes: "
                  "mean of each "
                  "against the rest",
                  "DeLong's variance in Wilson's interval", true, of_probabilities<roc_auc>, roc_auc_bounds),
    probabilities(
        "average_precision",
        "precision averaged over the steps of recall, 0 to 1; several classes: mean of each against the rest",
        "delta method in Wilson's interval", true, of_probabilities<average_precision>,
        average_precision_bounds),
    probabilities("log_loss", "mean of -log(probability of the true class), in nats", kMean, false,
                  of_probabilities<log_loss>, log_loss_bounds),
    probabilities(
        "brier", "mean squared distance of the probabilities from the truth, 0 to 1; several classes: 0 to 2",
        kMean, false, of_probabilities<brier>, brier_bounds),
    decisions("mcc", "Matthews correlation of truth and decisions, -1 to 1", kBootstrap, true,
              of_decisions<mcc>),
    decisions("cohen_kappa", "agreement of truth and decisions beyond chance, -1 to 1", kBootstrap, true,
              of_decisions<cohen_kappa>),
    probabilities("ece", "expected calibration error of the most probable class in 15 bins, 0 to 1",
                  "bootstrap, the low end lowered by what chance alone adds", false, of_probabilities<ece>),
    numbers("rmse", "root of the mean squared error, in the target's unit", kDelta, false, of_numbers<rmse>,
            rmse_bounds),
    numbers("mse", "mean squared error, in the target's unit squared", kDelta, false, of_numbers<mse>,
            mse_bounds),
    numbers("mae", "mean absolute error, in the target's unit", kMean, false, of_numbers<mae>, mae_bounds),
    numbers("median_ae", "median absolute error, in the target's unit", "order statistics (Woodruff)", false,
            of_numbers<median_ae>, median_ae_bounds),
    numbers("r2", "share of the target's variance explained, 1 at best, 0 for the mean",
            "delta method on log(1 - r2)", true, of_numbers<r2>, r2_bounds),
    numbers("mape", "mean absolute error as a share of the true value; not defined when one is 0", kMean,
            false, of_numbers<mape>, mape_bounds),
    numbers("max_error", "largest absolute error, in the target's unit",
            "none: rows not seen may be worse without bound", false, of_numbers<max_error>, unknown_bounds),
    numbers("pinball",
            "mean pinball loss over the levels that a model predicts; of others at the median, half of the "
            "mean absolute error, in the target's unit",
            kMean, false, of_numbers<pinball>, pinball_bounds),
    order<ndcg>("ndcg",
                "normalised discounted cumulative gain, gains 2^relevance - 1, rows of equal score in every "
                "order; mean over groups that hold a relevant row, 0 to 1"),
    order<ndcg, 1>("ndcg@1", "the same for a group's first row"),
    order<ndcg, 3>("ndcg@3", "the same for a group's first 3 rows"),
    order<ndcg, 5>("ndcg@5", "the same for a group's first 5 rows"),
    order<ndcg, 10>("ndcg@10", "the same for a group's first 10 rows"),
    order<mean_precision>("map",
                          "mean average precision: of the precisions at each relevant row (relevance above "
                          "0), mean over groups that hold one, 0 to 1"),
    order<mean_precision, 5>("map@5", "the same for a group's first 5 rows"),
    order<mean_precision, 10>("map@10", "the same for a group's first 10 rows"),
    numbers("concordance",
            "share of the pairs of which it is known who was first that the model puts in this order, ties "
            "half (Harrell's C), 0 to 1",
            "delta method in Wilson's interval", true, of_numbers<concordance>, concordance_bounds,
            Judges::times),
};

}  // namespace
}  // namespace metric_detail

using namespace metric_detail;

std::span<const Metric> metrics() { return kMetrics; }

const Metric& metric(std::string_view name) {
  std::vector<std::string> known;
  for (const Metric& m : kMetrics) {
    if (name == m.name) return m;
    known.emplace_back(m.name);
  }
  throw UsageError("metric", fmt::format("there is no metric '{}'", name), suggestion(name, known));
}

const Metric& default_metric(Task task, Predicts predicts) {
  if (task != Task::regression) return metric(task == Task::binary ? "roc_auc" : "log_loss");
  if (is_survival(predicts)) return metric("concordance");
  if (predicts == Predicts::rank_score) return metric("ndcg@10");
  return metric(predicts == Predicts::quantiles ? "pinball" : "rmse");
}

std::vector<const Metric*> metrics_for(Task task, bool with_probabilities, Predicts predicts) {
  const Judges wanted = is_survival(predicts)              ? Judges::times
                        : predicts == Predicts::rank_score ? Judges::order
                                                           : Judges::values;
  std::vector<const Metric*> chosen;
  for (const Metric& m : kMetrics)
    if (m.applies(task) && (with_probabilities || !m.needs_probabilities) &&
        (task != Task::regression || m.judges == wanted))
      chosen.push_back(&m);
  return chosen;
}

std::optional<Estimate> estimate(const Metric& metric, const Scored& rows, std::uint64_t seed) {
  const Value value = metric.compute(rows);
  if (!value) return std::nullopt;
  const Bounds b =
      metric.bounds != nullptr ? metric.bounds(rows, *value) : bootstrap(metric, rows, *value, seed);
  Estimate e{*value, b.low, b.high, rows.size()};
  // Percentiles of a biased statistic can miss the value itself.
  if (e.low > e.value) e.low = e.value;
  if (e.high < e.value) e.high = e.value;
  return e;
}

double as_error(const Metric& metric, double value) { return metric.higher_is_better ? 1 - value : value; }

}  // namespace cairn
