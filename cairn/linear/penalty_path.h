// What cross-validation found along a path of penalties: the loss of rows left out at every strength, the one
// that was chosen, and how the weights grow as the penalty weakens.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/tensor/tensor.h"
#include "cairn/tensor/visitor.h"

namespace cairn {

struct PenaltyPath {
  std::string parameter;            // whose values these are: "alpha", or "C", the inverse of a strength
  std::string loss;                 // "mean squared error", "log loss"
  std::string judged_by;            // "5 folds", "leaving out each row in turn"
  std::string rule;                 // "minimum" or "one_standard_error"
  std::vector<double> values;       // [a], the strongest penalty first
  std::vector<double> mean, error;  // [a]: the loss on rows left out, and its standard error
  std::int64_t least = 0;           // the value of least loss, an index into values
  std::int64_t chosen = 0;          // that of the model
  // The weights along the path of at most kMostLines features, those largest at the chosen value first.
  static constexpr std::size_t kMostLines = 50;
  std::vector<std::string> features, outputs;  // [l]; outputs: a class, or "" where there is one output
  Tensor weights;                              // [l, a]
  std::int64_t num_weights = 0;                // of the model; its lines are some of them

  bool empty() const { return values.empty(); }
  // Keeps the lines: along [a][outputs * features], outputs {""} where there is one.
  void set_lines(const std::vector<std::string>& feature_names, const std::vector<std::string>& output_names,
                 const std::vector<std::vector<double>>& along);
  std::string note() const;  // "alpha = 3.2 by 5 folds (minimum): mean squared error 12.1 +- 0.4; ..."
  Json json() const;         // `penalty_path` of result.json; null when empty
  void visit(Visitor& v);    // stores nothing when empty
};

}  // namespace cairn
