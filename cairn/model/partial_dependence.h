// Partial dependence: the mean prediction when one column is given each of its values in turn and everything
// else stays as it is (Friedman: Greedy function approximation, 2001, section 8.2), and how differently the
// rows answer: their own curves, centred (Goldstein et al.: Peeking inside the black box, 2015).
//
//   const auto income = partial_dependence(*model, features, "income");
//   income.mean[v]   // at income.numbers[v]
//
// Where columns go together the rows that are asked about may not exist: the curve then tells what the model
// would say of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/data/table.h"
#include "cairn/model/learner.h"

namespace cairn {

struct PartialDependenceOptions {
  std::int64_t most_rows = 200;  // at even distances
  std::int64_t most_values = 20;
};

struct PartialDependence {
  std::string column;
  bool is_number = true;
  std::vector<double> numbers;       // [values] that the column has, ascending, from 1 % to 99 % of the rows
  std::vector<std::string> levels;   // [values] of another column, the most frequent first
  std::vector<double> share;         // [values] of a level: which part of the rows has it
  std::vector<double> rug;           // quantiles of a number at even distances: where the rows lie
  std::vector<std::string> outputs;  // [k] "" for a quantity; the classes whose probability is told
  std::vector<double> mean, low, high;  // [k, values]: over the rows; low to high: the middle 80 % of
                                        // the rows' curves, each moved to the mean of all
  std::int64_t rows = 0;                // that were asked about
};

// `outputs`: classes, all of them when empty. Columns of numbers, yes or no, and categories only: DataError
// for other kinds and for a column without a value.
PartialDependence partial_dependence(const Model& model, const Table& rows, const std::string& column,
                                     const std::vector<std::string>& outputs = {},
                                     const PartialDependenceOptions& options = {});
bool has_partial_dependence(const Column& column);  // of a kind that is told, with two values or more

}  // namespace cairn
