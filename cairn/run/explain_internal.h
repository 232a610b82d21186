// Private to explain: what is told beyond importance and dependence.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/base/stop.h"
#include "cairn/metrics/metric.h"
#include "cairn/model/pipeline.h"
#include "cairn/model/registry.h"
#include "cairn/tree/tree_model.h"

namespace cairn {

constexpr std::int64_t kRefitRows = 5000;  // more rows make the fits dearer and the answer hardly better
constexpr double kJudgedShare = 1.0 / 3;

// The model's learner with its settings. UsageError, under the name of the flag that asked, for a model that
// cannot be fitted again.
std::unique_ptr<Pipeline> learner_of(const PipelineModel& model, const Dataset& data,
                                     const Registry& registry, const char* flag);

// The trees of a tree learner's model; null where it has none.
const TreeModel* trees_of(const PipelineModel& model);

// The trees whose interactions can be told. NotSupported: the model has none, or too many features.
const TreeModel& trees_for_interactions(const PipelineModel& model);

// {"rows", "score_of", "pairs": [{"columns": [a, b], "value"}]}: the `count` strongest pairs of columns by
// the mean size of what the two bring together beyond what each brings alone (SHAP interaction values).
// NotSupported as above, or too many columns. ModelFileError: a feature that no transform makes.
Json interactions_to_json(const PipelineModel& model, const Table& rows, std::int64_t count,
                          std::uint64_t seed, const StopToken& stop);

// How alike the orders are that several fits put the columns into: the mean of Spearman's correlation over
// the `pairs` of fits for which there is one; a fit that ranks all columns alike has none. NaN without pairs.
struct RankAgreement {
  double mean = 0;
  std::int64_t pairs = 0;
};
RankAgreement rank_agreement(const std::vector<std::vector<double>>& ranks);  // [fits][columns]

}  // namespace cairn
