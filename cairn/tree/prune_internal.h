// Private to cart.cpp: nodes of a grown tree, and cutting it back.
#pragma once

#include <vector>

#include "cairn/tree/cart_split_internal.h"

namespace cairn::tree {

struct CartNode {
  std::int64_t begin = 0, count = 0;  // its rows in the grower's list
  int depth = 0;
  std::uint64_t path = 1;    // names the node whatever the order of growing
  double low = 0, high = 0;  // what monotone constraints let it answer
  double impurity = 0, weight = 0, gain = 0;
  std::vector<double> answer;
  CartSplit split;
  std::vector<std::int32_t> asked;  // features on the way here, kept for interaction constraints only
  std::int32_t left = -1;           // children are left and left + 1; -1: a leaf
};

// Minimal cost-complexity pruning (Breiman and others 1984, section 3.3): the branch whose leaves lower the
// impurity least, per leaf, goes first, until the next would cost more than alpha. What each of those that
// went cost, never less than the one before.
std::vector<double> prune_weakest_links(std::vector<CartNode>& nodes, double alpha, double total_weight);

Tree tree_of(std::vector<CartNode>& nodes);  // answers are moved out

}  // namespace cairn::tree
