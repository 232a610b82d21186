// What a finished model leans on, on rows of a person's choice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/metrics/metric.h"
#include "cairn/model/pipeline.h"
#include "cairn/run/train_options.h"

namespace cairn {

struct ExplainOptions {
  std::string model, data, metric;
  std::string background;           // data whose rows the prediction of `row` is compared with; "": none
  std::vector<std::string> column;  // whose partial dependence is told; empty: those that matter most
  std::int64_t row = 0;             // the row whose prediction is taken apart, counted from 1; 0: none
  std::int64_t null = 0;            // fits on permuted targets behind a p-value; 0: none
  std::int64_t neighbors = 0;       // of each row, by the forest's proximity; 0: none
  std::int64_t interactions = 0;    // pairs of columns told, of trees; 0: none
  std::int64_t seeds = 0;           // fits with other seeds behind the stability of importance; 0: none
  std::int64_t seed = 0;
  ReadFlags read;
};

// {"model", "data", "rows", "task", "target", "learner", "classes", "metric", "importance",
// "stability", "partial_dependence", "interactions", "background", "row", "neighbors", "trees", "warnings",
// "versions"}; what was not asked for, or needs a target that the data lack, is absent. With `null`, each
// entry of "importance" has "p": see null_importance(). The row of a single tree has "path", its questions in
// words.
Json explain_file(const ExplainOptions& options, const Registry& registry, const StopToken& stop = {});

// How often a column gets as much importance where there is nothing to learn: the model's learner is fitted
// again on two thirds of the rows and judged on the others, once with the target as it is and `fits` times
// with the target permuted among either rows; p = (1 + times the permuted importance was as large) / (1 +
// fits) (Altmann, Tolosi, Sander and Lengauer: Permutation importance, a corrected feature importance
// measure, 2010). {column: p}; a column whose importance is not defined on the judged rows is absent.
// UsageError for a model whose learner cannot be fitted again.
Json null_importance(const PipelineModel& model, const Dataset& data, const Metric& metric, std::int64_t fits,
                     std::uint64_t seed, const Registry& registry, const StopToken& stop);

// How far importance depends on the seed: the model's learner is fitted again with `fits` seeds, each on two
// thirds of the rows drawn by it, and judged on the others. {"fits", "pairs", "pairs_compared",
// "rank_correlation", "columns": [{"feature", "mean", "deviation", "best_rank", "worst_rank"}]}, the most
// important first; rank_correlation is the mean over the pairs of fits that can be compared (Spearman 1904):
// a fit that finds all columns alike is in none of them; null where none can. UsageError for a model whose
// learner cannot be fitted again.
Json importance_stability(const PipelineModel& model, const Dataset& data, const Metric& metric,
                          std::int64_t fits, std::uint64_t seed, const Registry& registry,
                          const StopToken& stop);

}  // namespace cairn
