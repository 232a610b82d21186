// Which of several finished models is better on the same rows, and whether chance explains it.
#pragma once

#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/model/registry.h"
#include "cairn/run/train_options.h"

namespace cairn {

struct CompareOptions {
  std::vector<std::string> models;  // two or more; the first is what the others are held against
  std::string data, metric;         // metric "": the task's own
  bool refit = false;               // 5x2cv as well: both learners are fitted ten times on halves of the data
  std::vector<std::string> require;
  std::int64_t seed = 0;
  ReadFlags read;
};

// Every pair of models by a paired bootstrap of the metric, by McNemar's test where classes are decided, and
// with `refit` by the combined 5x2cv F test; p-values adjusted over the pairs (Holm). Positive gains are
// better for the second of a pair, whichever way the metric points.
//
// {"data", "rows", "task", "target", "metric", "higher_is_better", "models": [{"model", "learner", "value",
// "low", "high"}], "pairs": [{"first", "second", "gain", "low", "high", "p", "p_adjusted", "mcnemar",
// "five_by_two", "verdict"}], "verdict", "requirements": [{"expression", "value", "met"}], "warnings"}
//
// UsageError: fewer than two models, models of another task or target, a bar that cannot be read.
Json compare_models(const CompareOptions& options, const Registry& registry, const StopToken& stop = {});

}  // namespace cairn
