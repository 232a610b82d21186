// One tree while it is grown or read from a file: a list of nodes, the root first, every child after its
// parent.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace cairn {

// x is the value of `feature`. A number goes left when x <= threshold; a category (a code >= 0) goes left
// when it stands in `left_codes`; a missing one (NaN) where missing_left says.
struct TreeNode {
  std::int32_t feature = -1;  // -1: a leaf
  double threshold = 0;       // number; may be infinite
  bool category = false;
  bool missing_left = false;
  std::vector<std::int32_t> left_codes;  // category: ascending codes
  std::int32_t left = -1, right = -1;    // indices into the tree's nodes
  double gain = 0;                       // how much the training criterion fell by this split
  double cover = 0;  // weight of the training rows that came here (boosting: their second derivatives)
  std::vector<double> value;  // a leaf's contribution, one number an output, or one for the tree's output

  // A leaf that answers along a line (linear_leaves.h), of one output only; no slopes: `value` is its answer.
  double intercept = 0;
  std::vector<std::int32_t> slope_features;  // ascending
  std::vector<double> slopes;

  bool is_leaf() const { return feature < 0; }
};

struct Tree {
  std::vector<TreeNode> nodes;
  std::int32_t output = 0;  // which output the tree adds to, when its leaves hold one number

  // Adds two leaves below `parent`, which then splits; returns the left one, the right one follows it.
  std::int32_t split(std::int32_t parent) {
    const auto left = static_cast<std::int32_t>(nodes.size());
    nodes.resize(nodes.size() + 2);
    nodes[static_cast<std::size_t>(parent)].left = left;
    nodes[static_cast<std::size_t>(parent)].right = left + 1;
    return left;
  }
};

}  // namespace cairn
