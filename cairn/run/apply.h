// Using a finished model: predictions for new rows, and judging it on rows whose truth is known.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/model/pipeline.h"
#include "cairn/run/train_options.h"

namespace cairn {

// MODEL as a person types it: a model file, a run folder, or trees in a file of XGBoost (JSON, UBJSON) or
// LightGBM (text). ModelFileError when it is none of them.
std::unique_ptr<PipelineModel> open_model(const std::string& model, const Registry& registry);

struct PredictOptions {
  std::string model, data;
  bool probabilities = false;
  double interval = 0;            // coverage in (0, 1): low and high, or prediction_set; 0: not wanted
  std::vector<double> quantiles;  // levels in (0, 1): columns q_<level>, of models that know them
  bool explain = false;           // base, score of a classifier, and contribution_<column> a column
  std::vector<std::string> id;    // columns of the data to keep beside the predictions
  ReadFlags read;
};
struct Predictions {
  Table table;  // id columns, prediction, p_<class>, low, high, ...; rows in input order
  std::vector<Warning> warnings;
};
Predictions predict(const PredictOptions& options, const Registry& registry, const StopToken& stop = {});

struct EvaluateOptions {
  std::string model, data, slice;
  std::vector<std::string> metric;
  std::int64_t seed = 0;
  ReadFlags read;
};
// {"model", "data", "rows", "task", "target", "metrics", "confusion", "per_class", "curves", "slices",
// "warnings"}
Json evaluate_file(const EvaluateOptions& options, const Registry& registry, const StopToken& stop = {});

}  // namespace cairn
