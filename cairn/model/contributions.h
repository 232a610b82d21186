// What each column of a table adds to a model's score: exact, for models whose score is a sum.
//
// A score is the prediction of a regression, the log-odds of the positive class for two classes, and for more
// classes one score a class: the logarithm of its probability less the mean of these logarithms (softmax), or
// the log-odds of its own yes or no (one against the rest). For a linear model f(x) = b + sum_j w_j x_j the
// contribution of feature j is w_j (x_j - m_j) with m_j the mean over training rows: the Shapley value of the
// feature when features count as independent (Strumbelj, Kononenko 2014; Lundberg, Lee 2017, corollary 1).
// The base is the score of the mean row. Features that were prepared from a column add up to the column's
// contribution; what was made of several columns is shared by them (made_columns() of its transform).
//
// For trees the contributions are their exact Shapley values (cairn/tree/shap.h), the base what they expect
// of a row of which nothing is known. The score of a single tree or a forest that classifies is the
// probability itself, of boosting the log-odds or the scores above.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/model/pipeline.h"

namespace cairn {

struct ColumnShare {
  std::int32_t column = 0;
  double share = 1;
};
// Which columns stand behind each feature that a model sees, by the feature's name.
struct ColumnShares {
  std::int64_t num_columns = 0;
  std::unordered_map<std::string, std::vector<ColumnShare>> of_feature;
};

// Of what the model's transforms made of a table with the columns of its schema.
ColumnShares column_shares(const PipelineModel& model, const Table& transformed);

struct Contributions {
  std::vector<std::string> outputs;  // [k]: "" for one score; the class or quantile of each else
  std::vector<std::string> columns;  // [c]
  std::vector<double> base;          // [k]
  std::vector<double> parts;         // [n, k, c]: base + the sum over c is the score
  bool of_probabilities = false;     // scores are probabilities
  double score(std::int64_t row, std::size_t output) const;
};

// Of each column of the model's schema. NotSupported: the model has no exact contributions.
Contributions contributions(const PipelineModel& model, const Table& table);

// The same, counted from what is expected of a row of `background` (of the same columns): features that are
// not known take their values from its rows, one after the other, whatever goes with what ("interventional"
// Shapley values). UsageError: no rows.
Contributions contributions_against(const PipelineModel& model, const Table& table, const Table& background);

// What a model needs whose contributions against other rows are not a difference of its own: trees.
class BackgroundModel {
 public:
  virtual ~BackgroundModel() = default;
  // Of each column behind the features of `table`, which the model sees, as Model::contributions() has them.
  virtual Contributions contributions_against(const Table& table, const Table& background,
                                              const ColumnShares& shares) const = 0;
};

// Mean contributions [k, c], counted from the intercept, over rows that the model was trained on: what
// contributions() are counted from once the model holds them.
Tensor mean_contributions(const PipelineModel& model, const Dataset& data);
// The same from rows at even distances, as many as tell a mean.
Tensor mean_contributions_of_sample(const PipelineModel& model, const Dataset& data);

}  // namespace cairn
