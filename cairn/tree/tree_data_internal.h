// What tree learners are fitted on, taken out of a dataset once.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "cairn/data/dataset.h"
#include "cairn/ops/matrix.h"
#include "cairn/tree/features.h"

namespace cairn::tree {

// Rows of weight 0 are left out: they count for nothing, not even for where bins are cut.
struct TreeData {
  TreeFeatures features;
  Matrix x;  // [n, d]; NaN is missing
  Task task = Task::regression;
  std::vector<double> y;             // regression
  std::vector<std::int32_t> labels;  // classification
  std::vector<std::string> classes;
  std::vector<double> weights;  // > 0; empty: every row counts once
  std::vector<std::string> group_names;
  std::vector<std::int64_t> groups;  // numbers into group_names; empty: there is no such role
  std::vector<std::uint8_t> events;  // the same
  std::int64_t rows() const { return x.rows(); }
};

// DataError: no target, no rows, all weights 0, a kind of column that trees cannot ask about. `known`: the
// features are these and not those of the data.
TreeData tree_data(const Dataset& data, std::string_view learner, const TreeFeatures* known = nullptr);

// The rows of weight above 0, or none where all of them are that, or none is.
std::optional<Dataset> rows_that_count(const Dataset& data);

// "balanced": by what the weights of a class's rows are multiplied, so that every class present gets the same
// sum of weights, in all as much as there were. [classes]; empty for a regression.
std::vector<double> balancing_factors(const TreeData& data);
void weigh_classes(TreeData& data, const std::vector<double>& factors);
inline void balance_classes(TreeData& data) { weigh_classes(data, balancing_factors(data)); }

// Every number rounded to f32.
Matrix in_f32(const Matrix& x);

// One feature's values for all rows, NaN where missing, in the numbers they are stored in.
class ColumnValues {
 public:
  ColumnValues(const Matrix& x, std::int64_t column);
  bool is_f32() const { return is_f32_; }
  std::span<const float> f32() const { return values_.data<float>(); }
  std::span<const double> f64() const { return values_.data<double>(); }

 private:
  Tensor values_;
  bool is_f32_ = false;
};

// The same matrix, one tensor a column, so that ColumnValues copies nothing. Sparse ones stay as they are
// when they would not fit.
Matrix by_columns(const Matrix& x);

}  // namespace cairn::tree
