// The common floor of learners that see a matrix of numbers: takes features, target and weights out of the
// dataset, checks what the learner accepts, and gives the fitted model its feature names, classes and
// prediction columns.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/model/learner.h"
#include "cairn/model/parts.h"
#include "cairn/ops/matrix.h"

namespace cairn {

// What a numeric learner is fitted on.
struct NumericData {
  Matrix x;                                // [n, d]; no missing or infinite value
  std::vector<std::string> feature_names;  // d
  Task task = Task::regression;
  std::vector<double> y;             // regression: values
  std::vector<std::int32_t> labels;  // classification: codes into classes
  std::vector<std::string> classes;
  std::int32_t positive = 1;
  std::vector<double> weights;  // empty: every row counts once
};

// DataError: a column that is not numeric, a missing or infinite value (naming column and row, and
// `prepare`), a sparse matrix when the learner's entry does not accept one; no rows; weights that are all
// zero.
// With check_values = false, x may hold missing and infinite values: for learners that meet them in their own
// sums, at no price, and then call check_finite (data/finite.h).
NumericData numeric_data(const Dataset& data, std::string_view learner_name, bool check_values = true);

// The rows of a fit that only passes over them: all in memory, or in parts that are read at every pass.
class NumericRows {
 public:
  explicit NumericRows(const NumericData& all);  // which outlives it
  // As numeric_data() of each part.
  NumericRows(DatasetParts& parts, std::string_view learner_name, bool check_values);

  // Everything but the rows: names, task, classes.
  const NumericData& head() const { return all_ ? *all_ : head_; }
  std::int64_t columns() const { return head().x.columns(); }
  std::int64_t num_rows() const;
  const NumericData* in_memory() const { return all_; }  // null: in parts
  void each(const std::function<void(const NumericData& part)>& use) const;

 private:
  const NumericData* all_ = nullptr;
  DatasetParts* parts_ = nullptr;
  std::string learner_name_;
  bool check_values_ = true;
  NumericData head_;  // of parts: one row of the sample
};

// The features named, in that order, out of the number and tensor columns of a table. DataError names those
// that are missing.
Matrix matching_features(const Table& table, const std::vector<std::string>& wanted);

// The prediction of a model: `prediction` and, for classes, a column p_<class> each. outputs: [n] values, or
// [n * k] probabilities, row after row; the class decided for is the most probable, of several the first.
Table prediction_table(Task task, const std::vector<std::string>& classes, std::vector<double> outputs);

// ModelFileError unless these classes can belong to a model of this task: two or more that differ, or none.
void check_classes(Task task, const std::vector<std::string>& classes);

// Base of models on numbers. A derived class computes raw outputs for a matrix; this one checks the columns
// by name and builds the prediction table.
class NumericModel : public Model {
 public:
  Table predict(const Table& table) const final;
  Task task() const final { return task_; }
  const std::vector<std::string>& classes() const final { return classes_; }
  const std::vector<std::string>& feature_names() const { return feature_names_; }
  std::int32_t positive() const { return positive_; }
  std::vector<std::string> notes() const override { return notes_; }
  void visit(Visitor& v) final;

  // Regression: [n] values, of quantiles [n * levels]. Classification: [n * k] probabilities, row after row,
  // each row summing to 1.
  virtual void compute(const Matrix& x, std::span<double> outputs) const = 0;

  // By linear_score(); a model with another exact method has its own.
  Contributions contributions(const Table& table, const ColumnShares& shares) const override;

 protected:
  // A score that is a sum: for output k, intercepts[k] + sum_j weights[k, j] x_j.
  struct LinearScore {
    std::vector<std::string> outputs;         // as in Contributions
    std::vector<double> weights, intercepts;  // [k, d] and [k]
  };
  virtual LinearScore linear_score() const;      // of a model that explains()
  Matrix features_of(const Table& table) const;  // those of feature_names(), in this order, all finite
  NumericModel() = default;
  explicit NumericModel(const NumericData& data);
  virtual void visit_members(Visitor& v) = 0;
  virtual std::span<const double> quantile_levels() const { return {}; }  // those a regression predicts
  std::int64_t num_features() const { return static_cast<std::int64_t>(feature_names_.size()); }
  // Values per row that compute() writes: 1, or the number of levels or classes.
  std::int64_t num_outputs() const {
    if (task_ == Task::regression) return std::max<std::int64_t>(1, std::ssize(quantile_levels()));
    return std::ssize(classes_);
  }
  std::vector<std::string> notes_;

 private:
  Task task_ = Task::regression;
  std::int32_t positive_ = 1;
  std::vector<std::string> feature_names_, classes_;
};

}  // namespace cairn
