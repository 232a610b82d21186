#include "cairn/run/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/random.h"
#include "cairn/data/time_order.h"
#include "cairn/linear/inference.h"
#include "cairn/metrics/curves.h"
#include "cairn/model/selection.h"

namespace cairn {
namespace {

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json points_to_json(const std::vector<CurvePoint>& points, const char* x, const char* y) {
  Json xs = Json::array(), ys = Json::array(), thresholds = Json::array();
  for (const CurvePoint& p : points) {
    xs.push_back(number(p.x));
    ys.push_back(number(p.y));
    thresholds.push_back(number(p.threshold));
  }
  return {{x, xs}, {y, ys}, {"threshold", thresholds}};
}

}  // namespace

const Metric& asked_metric(const std::string& name, const Dataset& rows, Predicts predicts) {
  if (name.empty()) return default_metric(rows.task(), predicts);
  const Metric& m = metric(name);
  if (!m.applies(rows.task()))
    throw UsageError("--metric", fmt::format("{} does not apply to a {} task", name, name_of(rows.task())));
  if (m.judges == Judges::order && rows.roles().group.empty())
    throw UsageError("--metric", fmt::format("{} is a mean over groups, and the rows have none", name),
                     "Name the column of the query: --group COL.");
  return m;
}

Json numbers_to_json(std::span<const double> values) {
  Json list = Json::array();
  for (const double v : values) list.push_back(std::isfinite(v) ? Json(v) : Json(nullptr));
  return list;
}

Json metrics_to_json(const Evaluation& evaluation) {
  Json json = Json::object();
  for (const MetricResult& r : evaluation.results)
    if (r.estimate)
      json[r.metric->name] = {{"value", number(r.estimate->value)},
                              {"low", number(r.estimate->low)},
                              {"high", number(r.estimate->high)},
                              {"n", r.estimate->n}};
  return json;
}

Json metric_info() {
  Json json = Json::object();
  for (const Metric& m : metrics())
    json[m.name] = {{"higher_is_better", m.higher_is_better}, {"doc", m.doc}, {"best", number(m.best)}};
  return json;
}

Json curves_to_json(const Judged& judged) {
  const Scored rows = judged.view();
  Json curves = Json::object();
  if (judged.task == Task::regression) {
    if (judged.predicts != Predicts::value && judged.predicts != Predicts::quantiles) return curves;
    const ResidualCurve r = residual_curve(rows);
    curves["residuals"] = {{"predicted", r.predicted},
                           {"residual", r.residual},
                           {"low", number(r.low)},
                           {"median", number(r.median)},
                           {"high", number(r.high)}};
  } else if (judged.task == Task::binary && !judged.probabilities.empty()) {
    const bool both = std::ranges::count(judged.labels, judged.positive) > 0 &&
                      std::ranges::count(judged.labels, judged.positive) <
                          static_cast<std::ptrdiff_t>(judged.labels.size());
    if (!both) return curves;
    curves["roc"] = points_to_json(roc_curve(rows), "false_positive_rate", "true_positive_rate");
    curves["pr"] = points_to_json(precision_recall_curve(rows), "recall", "precision");
    Json predicted = Json::array(), observed = Json::array(), low = Json::array(), high = Json::array(),
         n = Json::array();
    for (const CalibrationBin& b : calibration_curve(rows)) {
      predicted.push_back(number(b.mean_predicted));
      observed.push_back(number(b.observed));
      low.push_back(number(b.low));
      high.push_back(number(b.high));
      n.push_back(b.n);
    }
    curves["calibration"] = {
        {"mean_predicted", predicted}, {"observed", observed}, {"low", low}, {"high", high}, {"n", n}};
  }
  return curves;
}

Json confusion_to_json(const Judged& judged, const std::vector<std::string>& classes) {
  if (judged.task == Task::regression) return nullptr;
  const Confusion c = confusion(judged.view());
  const auto k = static_cast<std::size_t>(c.num_classes);
  Json counts = Json::array();
  for (std::size_t truth = 0; truth < k; ++truth)
    counts.push_back(std::vector<double>(c.counts.begin() + static_cast<std::ptrdiff_t>(truth * k),
                                         c.counts.begin() + static_cast<std::ptrdiff_t>((truth + 1) * k)));
  return {{"classes", classes}, {"counts", counts}};
}

Json per_class_to_json(const Judged& judged, const std::vector<std::string>& classes) {
  Json list = Json::array();
  if (judged.task == Task::regression) return list;
  const Confusion c = confusion(judged.view());
  const std::size_t k = classes.size();
  for (std::size_t i = 0; i < k; ++i) {
    double support = 0, decided = 0;
    for (std::size_t j = 0; j < k; ++j) support += c.counts[i * k + j], decided += c.counts[j * k + i];
    const double hit = c.counts[i * k + i];
    const double precision = decided > 0 ? hit / decided : std::nan(""),
                 recall = support > 0 ? hit / support : std::nan("");
    const double f1 = support + decided > 0 ? 2 * hit / (support + decided) : std::nan("");
    list.push_back({{"class", classes[i]},
                    {"precision", number(precision)},
                    {"recall", number(recall)},
                    {"f1", number(f1)},
                    {"support", support}});
  }
  return list;
}

Json coefficients_to_json(const Model& model) {
  constexpr std::size_t kMost = 200;
  auto all = model.coefficients();
  std::ranges::stable_sort(
      all, [](const Coefficient& a, const Coefficient& b) { return std::abs(a.value) > std::abs(b.value); });
  if (all.size() > kMost) all.resize(kMost);
  Json list = Json::array();
  for (const Coefficient& c : all) {
    Json json{{"feature", c.feature}, {"value", number(c.value)}};
    if (!c.output.empty()) json["output"] = c.output;
    list.push_back(std::move(json));
  }
  return list;
}

Json inference_to_json(const PipelineModel& model, const Pipeline& fitted_by, const Dataset& train) {
  std::string why_not;
  if (!may_infer(fitted_by.name(), fitted_by.params(), model.model(), &why_not))
    return why_not.empty() ? Json(nullptr) : Json{{"absent", why_not}};
  if (!model.looks_back_on().empty())
    return {{"absent", "the rows whose past is not known were left out of the fit"}};
  Dataset seen = train.with_features(model.transformed(train.features()));
  if (model.target_transform()) seen = seen.with_target(model.transformed_target(seen.target_values()));
  const auto found = infer(fitted_by.name(), fitted_by.params(), model.model(), seen, &why_not);
  if (found) return to_json(*found);
  return why_not.empty() ? Json(nullptr) : Json{{"absent", why_not}};
}

Json splits_to_json(const Model& model) {
  constexpr std::size_t kMost = 200;
  auto all = model.importances();
  std::erase_if(all, [](const Importance& i) { return i.splits == 0; });
  std::ranges::stable_sort(all, [](const Importance& a, const Importance& b) { return a.gain > b.gain; });
  double gain = 0;
  for (const Importance& i : all) gain += i.gain;
  if (all.size() > kMost) all.resize(kMost);
  Json list = Json::array();
  for (const Importance& i : all)
    list.push_back({{"feature", i.feature},
                    {"gain", number(gain > 0 ? i.gain / gain : 0)},
                    {"cover", number(i.cover)},
                    {"splits", i.splits}});
  return list;
}

Json permutation_importance(const Model& model, const Dataset& data, const Metric& metric,
                            const ImportanceOptions& options, const StopToken& stop) {
  constexpr int kShuffles = 5;
  Json list = Json::array();
  const auto back = model.looks_back_on();
  const Dataset sample =
      back.empty() || data.roles().time.empty()
          ? sample_rows(data, options.most_rows, options.seed)
          : data.select(latest_rows(data.table().column(data.roles().time), options.most_rows));
  const Table inputs = model.inputs(sample);
  // The past of a column that is looked back on counts like a column; its time and groups are no features.
  std::vector<std::string> none{sample.roles().time, sample.roles().group, sample.roles().weight};
  for (const std::string& name : back)
    if (!model.looks_at_past_of(name)) none.push_back(name);
  const Table features = inputs.without(none);
  const auto before = metric.compute(judge(model, sample, inputs).view());
  if (!before || features.num_columns() > options.most_columns) return list;
  struct Found {
    std::string feature;
    double mean, half;
  };
  std::vector<Found> found;
  for (std::int64_t c = 0; c < features.num_columns(); ++c) {
    stop.throw_if_requested("permutation importance");
    std::vector<double> growth;
    for (int s = 0; s < kShuffles; ++s) {
      const auto order = Random(options.seed, "permutation", static_cast<std::uint64_t>(c * kShuffles + s))
                             .permutation(sample.num_rows());
      const Table shuffled = inputs.with(features.column(c).select(order));
      if (const auto after = metric.compute(judge(model, sample, shuffled).view()))
        growth.push_back(as_error(metric, *after) - as_error(metric, *before));
    }
    if (growth.empty()) continue;
    const auto k = static_cast<double>(growth.size());
    const double mean = std::accumulate(growth.begin(), growth.end(), 0.0) / k;
    double squares = 0;
    for (const double g : growth) squares += (g - mean) * (g - mean);
    constexpr double kT95Of4 = 2.776;  // two-sided 95 % of Student's t with 4 degrees of freedom
    found.push_back(
        {features.column(c).name(), mean, k > 1 ? kT95Of4 * std::sqrt(squares / (k - 1) / k) : 0});
  }
  std::ranges::stable_sort(found, [](const Found& a, const Found& b) { return a.mean > b.mean; });
  for (const Found& f : found)
    list.push_back({{"feature", f.feature},
                    {"value", number(f.mean)},
                    {"low", number(f.mean - f.half)},
                    {"high", number(f.mean + f.half)}});
  return list;
}

}  // namespace cairn
