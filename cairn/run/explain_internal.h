// Private to explain: what is told beyond importance and dependence.
#pragma once

#include <cstdint>
#include <memory>

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

// {"rows", "score_of", "pairs": [{"columns": [a, b], "value"}]}: the `count` strongest pairs of columns by
// the mean size of what the two bring together beyond what each brings alone (SHAP interaction values).
// NotSupported: the model has no trees, or too many features.
Json interactions_to_json(const PipelineModel& model, const Table& rows, std::int64_t count,
                          std::uint64_t seed, const StopToken& stop);

}  // namespace cairn
