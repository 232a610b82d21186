// The parts of result.json that show how a model does on rows it has not seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/model/evaluate.h"
#include "cairn/model/learner.h"
#include "cairn/model/pipeline.h"

namespace cairn {

// The metric that --metric names; "": the one that speaks of such predictions. UsageError for one that cannot
// judge these rows.
const Metric& asked_metric(const std::string& name, const Dataset& rows, Predicts predicts);

// A list in which what is not finite is null.
Json numbers_to_json(std::span<const double> values);
Json metrics_to_json(
    const Evaluation& evaluation);          // {"rmse": {value, low, high, n}}; undefined metrics are left out
Json metric_info();                         // every metric: which way is better, what it means
Json curves_to_json(const Judged& judged);  // roc, pr, calibration or residuals
Json confusion_to_json(const Judged& judged, const std::vector<std::string>& classes);
Json per_class_to_json(const Judged& judged, const std::vector<std::string>& classes);
Json coefficients_to_json(const Model& model);  // the largest first, at most 200
// Standard errors, tests and influence of a linear model fitted to these rows, {"absent": why} where they
// would be wrong, null for other models.
Json inference_to_json(const PipelineModel& model, const Pipeline& fitted_by, const Dataset& train);
Json splits_to_json(const Model& model);  // of trees, by gain, at most 200 features

// By how much the metric, as an error, grows when one raw column is shuffled: 5 shuffles, mean and 95 %
// interval over them.
struct ImportanceOptions {
  std::int64_t most_rows = 5000, most_columns = 200;
  std::uint64_t seed = 0;
};
Json permutation_importance(const Model& model, const Dataset& data, const Metric& metric,
                            const ImportanceOptions& options, const StopToken& stop);

// How many of the rows lie below the quantiles of a model that knows some; null for one that does not.
Json quantiles_to_json(const PipelineModel& model, const Dataset& data);

// The few columns at the head of that list which raise the error beyond chance and have partial dependence.
std::vector<std::string> leading_columns(const Table& features, const Json& importance);
// Whose probability is told of a classification: the positive class, or the most frequent classes.
std::vector<std::string> outputs_told(const Dataset& data);
// Their partial dependence, as "partial_dependence" of result.json.
Json partial_dependence_to_json(const Model& model, const Table& features,
                                const std::vector<std::string>& columns,
                                const std::vector<std::string>& outputs);

}  // namespace cairn
