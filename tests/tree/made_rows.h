// Rows that scripts/golden/boosting_objectives.py makes in the same way, so that a peer's figures on them
// need no file of data.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "cairn/tree/gradient_boosting.h"
#include "tests/support/numeric_dataset.h"

namespace cairn::test {

// Uniform numbers of Knuth's linear congruential generator (MMIX), the upper 53 bits.
class MadeNumbers {
 public:
  explicit MadeNumbers(std::uint64_t seed) : state_(seed) {
    for (int i = 0; i < 4; ++i) uniform();
  }
  double uniform() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }
  double normal() {  // nearly: a sum of twelve
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  std::uint64_t state_;
};

// A spread that grows with x1, noise that is skewed.
inline Dataset quantile_rows(std::uint64_t seed, int n) {
  MadeNumbers made(seed);
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < n; ++i) {
    std::vector<double> row;
    for (int f = 0; f < 3; ++f) row.push_back(4 * made.uniform() - 2);
    const double e = made.normal();
    y.push_back(row[0] + row[0] * row[2] + (0.3 + std::abs(row[1])) * (e + 0.3 * e * e));
    x.push_back(std::move(row));
  }
  return regression_data(x, y);
}

// Every row and feature in every one of 100 rounds, where the parameters say nothing else: what can be
// calculated by hand.
inline GradientBoostingParams by_hand(GradientBoostingParams p) {
  const GradientBoostingParams usual;
  if (p.trees == usual.trees) p.trees = 100;
  if (p.learning_rate == usual.learning_rate) p.learning_rate = 0.1;
  if (p.row_share == usual.row_share) p.row_share = 1;
  if (p.column_share_node == usual.column_share_node) p.column_share_node = 1;
  if (p.category_splits == usual.category_splits) p.category_splits = "groups";
  if (p.outputs == usual.outputs) p.outputs = "a_tree_each";
  return p;
}

inline std::unique_ptr<TreeModel> fit_boosting(const GradientBoostingParams& params, const Dataset& data,
                                               const FitContext& context = {}) {
  auto model = GradientBoosting(by_hand(params)).fit(data, context);
  return std::unique_ptr<TreeModel>(dynamic_cast<TreeModel*>(model.release()));
}

}  // namespace cairn::test
