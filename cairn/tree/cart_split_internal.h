// Private to cart.cpp: the best split of a node by one feature.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "cairn/tree/cart_internal.h"

namespace cairn::tree {

// A node's rows side by side, as its splits look at them.
struct NodeRows {
  std::span<const std::uint32_t> rows;
  std::vector<double> y, w;           // y: value, or class; w empty: ones
  std::vector<std::uint32_t> packed;  // two classes, whole weights: weight << 1 | class; else empty
  std::vector<std::int32_t> labels;   // classes
  std::int64_t num_classes = 0;
  double weight = 0, impurity = 0;  // of all
  double level = 0.5;               // of the quantile that a leaf of absolute distances answers
  std::vector<double> sums;         // classes: weight of each; values: {sum of w y, sum of w y^2}
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};

struct CartSplit {
  double gain =
      -std::numeric_limits<double>::infinity();  // fall of impurity * weight within the node; may be 0
  std::int32_t feature = -1;
  double threshold = 0;
  std::uint32_t rank = 0;  // ranks up to this one go left
  bool category = false, missing_left = false;
  std::vector<std::int32_t> left_codes;
  bool found() const { return feature >= 0; }
  bool goes_left(std::uint32_t r) const;
};

struct CartMemory {  // reused from node to node by one thread
  std::vector<std::uint64_t> items, other;
  std::vector<std::uint32_t> position;
};

// Fills weight, impurity and sums from rows, y, w, labels.
void summarise(NodeRows& node, Criterion criterion);
// The node's answer.
std::vector<double> leaf_answer(const NodeRows& node, Criterion criterion);

// The best split by this feature; `constant` says that all rows of the node have one value of it. `random` is
// used for random thresholds only.
CartSplit best_cart_split(const RankedData& data, std::int32_t feature, const NodeRows& node,
                          const CartRules& rules, Random* random, CartMemory& memory, bool& constant);

// The same for a number, two classes, Gini and packed rows, without demands: quicker.
CartSplit two_class_split(const RankedFeature& feature, std::int32_t number, const NodeRows& node,
                          const CartRules& rules, CartMemory& memory, bool& constant);

}  // namespace cairn::tree
