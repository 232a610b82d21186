// The best split of a node from its histogram (Chen and Guestrin: XGBoost, 2016, equations 6 and 7;
// categories in the order of their gradient statistics: Fisher: On grouping for maximum homogeneity, 1958).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "cairn/tree/histogram_internal.h"

namespace cairn::tree {

struct SplitRules {
  double l1 = 0, l2 = 1;
  double min_child_weight = 1;  // least sum of second derivatives of a leaf
  double min_gain = 0;          // least fall of the loss
  int max_one_hot = 4;          // categories of this many levels are split one against the rest
  double category_l2 = 10, category_smoothing = 10;  // for splits of more levels into groups
  std::vector<std::int8_t> monotone;  // [features] +1 rising, -1 falling, 0 free; empty: all free
};

struct NodeSplit {
  double gain = 0;  // by how much the loss falls; 0: there is no split
  std::int32_t feature = -1;
  std::int32_t bin = 0;  // number: bins up to this one go left
  bool category = false, missing_left = false;
  std::array<std::uint64_t, 4> left_bins{};  // category: the bins that go left
  std::int64_t left = 0;                     // words of the rows that go left
  bool found() const { return feature >= 0; }
};

// What a leaf may answer: monotone constraints above it say so.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};

// The value of a leaf with these sums: the minimum of g v + (h + l2) v^2 / 2 + l1 |v|, within bounds.
double leaf_value(double g, double h, const SplitRules& rules, const Bounds& bounds = {});

// `total`: words of all the node's rows; allowed[f]: whether feature f may be asked. Of equal gains the first
// feature and bin.
NodeSplit best_split(const BinnedData& data, const Gradients& gradients, const std::int64_t* histogram,
                     std::int64_t total, std::span<const std::uint8_t> allowed, const SplitRules& rules,
                     const Bounds& bounds);

// The same from the rows of a small node themselves, at most kMostListed: less work than a histogram of bins
// that are mostly empty.
constexpr std::size_t kMostListed = 128;
NodeSplit best_split_of_rows(const BinnedData& data, const Gradients& gradients,
                             std::span<const std::uint32_t> rows, std::int64_t total,
                             std::span<const std::uint8_t> allowed, const SplitRules& rules,
                             const Bounds& bounds);

// 1 for the bins that go left, missing included, 0 for the others: [256].
void left_table(const BinnedFeature& feature, const NodeSplit& split, std::uint8_t* goes_left);

}  // namespace cairn::tree
