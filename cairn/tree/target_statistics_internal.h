// A category as a number: the mean of the target among its rows (Micci-Barreca: A preprocessing scheme for
// high-cardinality categorical attributes, 2001). A training row sees only the rows before it in a random
// order, never its own target (Prokhorenkova and others: CatBoost, 2018, section 3).
#pragma once

#include <cstdint>
#include <vector>

#include "cairn/tree/bins_internal.h"
#include "cairn/tree/tree.h"

namespace cairn::tree {

// Columns of statistics in the place of categories: what boosting grows trees on. A question about a
// statistic is one about levels, so grown trees are told in the features they came from.
class TargetStatistics {
 public:
  // Of every category with more than `most_levels` levels among the rows. A level of few rows is drawn to the
  // mean of all, which counts as `smoothing` rows.
  TargetStatistics(const TreeData& data, int most_levels, double smoothing);

  bool any() const { return !encoded_.empty(); }
  bool is_statistic(std::int64_t encoded) const { return statistic_[static_cast<std::size_t>(encoded)] >= 0; }
  // [encoded features] which feature of the data each stands for.
  const std::vector<std::int32_t>& source() const { return source_; }
  // The training rows, in an order drawn from `seed`. Statistics are counted from the mean of all rows, in
  // standard deviations of the target, so that f32 can tell them apart.
  TreeData training(std::uint64_t seed) const;
  // Other rows, by the statistics of all training rows.
  TreeData others(const TreeData& data) const;
  // From encoded features to those of the data.
  void decode(Tree& tree) const;

 private:
  struct Encoded {  // a category of the data
    std::int32_t feature = 0;
    std::vector<std::int32_t> slot;   // [codes] the number of a level; -1: one of the rare ones
    std::vector<std::int32_t> codes;  // [slots - 2] the other way round, ascending
    std::int64_t slots = 0;           // the last two are of rare levels and of missing ones
    std::vector<double> values;       // [averages * slots] over all rows, f32 numbers
  };
  struct Sums {
    Sums(std::int64_t slots, std::int64_t averages)
        : weight(static_cast<std::size_t>(slots)), sum(static_cast<std::size_t>(slots * averages)) {}
    std::vector<double> weight, sum;
  };
  struct LevelSplit {
    std::vector<std::int32_t> codes;
    bool missing_listed = false, swapped = false;
  };
  void find_averages();
  double target(std::int64_t average, std::size_t row) const;
  std::int64_t add_category(std::int64_t feature, int most_levels);
  std::int64_t slot_of(const Encoded& e, double code) const;
  void add_row(Sums& sums, std::int64_t slot, std::size_t row) const;
  double mean(const Sums& sums, std::int64_t slot, std::int64_t average) const;
  TreeData with_statistics(const TreeData& data, const Matrix& x,
                           const std::vector<Tensor>& statistics) const;
  LevelSplit split_of(const TreeNode& node) const;

  const TreeData& data_;
  double smoothing_;
  Matrix x_;                            // of data_, by columns
  std::vector<std::int32_t> averaged_;  // what is averaged: the class, or 1 for the target itself
  std::vector<double> prior_, spread_;  // its mean over all rows and standard deviation
  std::vector<Encoded> encoded_;
  std::vector<std::int32_t> source_;     // [encoded features]
  std::vector<std::int32_t> statistic_;  // [encoded features] encoded * averages + average; -1: no statistic
};

}  // namespace cairn::tree
