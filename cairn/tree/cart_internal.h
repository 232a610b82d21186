// Grows one tree with exact splits: the core of decision trees, random forests and extra trees.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/base/stop.h"
#include "cairn/tree/impurity.h"
#include "cairn/tree/ranks_internal.h"
#include "cairn/tree/tree.h"

namespace cairn::tree {

struct CartRules {
  Criterion criterion = Criterion::gini;
  double quantile = 0.5;  // criterion quantile: the level that leaves answer
  int max_depth = 0;      // 0: no limit
  int max_leaves = 0;     // 0: no limit; else the leaf with the largest gain is split first
  std::int64_t min_samples_split = 2, min_samples_leaf = 1;  // rows, whatever their weights
  double min_impurity_decrease = 0;
  double ccp_alpha = 0;
  std::int64_t max_features = 0;  // looked at in a node; 0: all
  bool random_thresholds =
      false;  // extra trees: one threshold a feature, drawn (Geurts, Ernst, Wehenkel, 2006)
  int max_one_hot =
      4;  // several classes: categories of more levels are split in the order of a class's share
  std::vector<std::int8_t> monotone;  // [features]; empty: free. Values and two classes only
  std::vector<std::vector<std::int32_t>> interactions;  // groups of features that may meet; empty: all
  bool parallel = true;                                 // a forest spreads its trees over threads instead
};

// What a tree learns from. Weights are of the rows listed, all > 0; empty: each counts once.
struct CartTarget {
  std::span<const double> y;             // values
  std::span<const std::int32_t> labels;  // or classes
  std::int64_t num_classes = 0;          // 0: values
};
struct CartSample {
  std::vector<std::uint32_t> rows;  // ascending
  std::vector<double> weights;      // of each listed row; empty: ones
};

// Leaves hold shares of classes, the mean (absolute, quantile: the median, the quantile) of the values
// otherwise; gain is the fall of the mean impurity of all rows, cover the weight.
Tree grow_cart(const RankedData& data, const CartTarget& target, CartSample sample, const CartRules& rules,
               std::uint64_t seed, const StopToken& stop);

// The strengths of cost-complexity pruning at which this tree, grown without any, loses branches, ascending.
std::vector<double> pruning_strengths(const RankedData& data, const CartTarget& target, CartSample sample,
                                      const CartRules& rules, std::uint64_t seed, const StopToken& stop);
// One tree, pruned with each of these strengths, ascending. Each is handed out, with the place of its
// strength, before the next is made: a hundred large trees are never held at once.
using PrunedTree = std::function<void(std::size_t, const Tree&)>;
void grow_pruned(const RankedData& data, const CartTarget& target, CartSample sample, const CartRules& rules,
                 std::span<const double> alphas, std::uint64_t seed, const StopToken& stop,
                 const PrunedTree& each);

}  // namespace cairn::tree
