// The nodes of several trees as arrays, one tree after the other: how trees are kept once they are grown. 33
// bytes a node of a regression, where a Tree of nodes takes about four times as much.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cairn/tree/linear_leaves.h"
#include "cairn/tree/tree.h"

namespace cairn {

// Children are indices into the same arrays. A leaf's `feature` is -1, its `left` its row of `values`, its
// `right` -1. Leaves of one number have a row each, in their order; those of several may share rows.
struct TreeArrays {
  std::vector<std::int64_t> roots{0};  // [trees + 1] where a tree begins
  std::vector<std::int32_t> outputs;   // [trees]
  std::vector<std::int32_t> feature, left, right;
  std::vector<double> threshold;
  std::vector<std::uint8_t> missing_left;
  std::vector<float> gain, cover;
  std::vector<double> values;     // [leaves or fewer, width]
  LinearLeaves lines;             // of leaves of one number
  std::vector<std::int32_t> set;  // -1: a number; empty where no node asks for a category
  std::vector<std::int64_t> set_begin{0};
  std::vector<std::int32_t> set_codes;

  std::int64_t num_nodes() const { return static_cast<std::int64_t>(feature.size()); }
  // A leaf must hold `width` numbers: ModelFileError, also where children are no nodes of the tree.
  void add(const Tree& tree, std::size_t width);
  // Rows of values that are alike become one: most leaves of a forest hold rows of one class.
  void share_values(std::size_t width);
  // The trees of `later` behind these.
  void append(const TreeArrays& later, std::size_t width);
};

// Takes the parts apart as it goes, so that little more memory is taken than they had.
TreeArrays joined(std::vector<TreeArrays> parts, std::size_t width);

}  // namespace cairn
