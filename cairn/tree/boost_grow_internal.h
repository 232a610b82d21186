// Grows one tree of a boosting model from gradients: level by level or leaf by leaf. The node with fewer rows
// is summed, its sibling follows by subtraction.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/tree/histogram_internal.h"
#include "cairn/tree/split_search_internal.h"
#include "cairn/tree/tree.h"

namespace cairn::tree {

struct GrowRules {
  SplitRules split;
  int max_depth = 6;   // 0: no limit
  int max_leaves = 0;  // 0: no limit
  bool leaf_wise = false;
  double columns_by_tree = 1, columns_by_level = 1, columns_by_node = 1;  // shares of the features
  std::vector<std::vector<std::int32_t>>
      interactions;             // groups of features that may meet on a path; empty: all
  bool need_leaf_rows = false;  // every row ends in the range of its leaf, as leaf_ranges() needs
};

class TreeGrower {
 public:
  // A node while the tree grows; its rows are [begin, begin + count) of the grower's list.
  struct Node {
    std::int64_t begin = 0, count = 0, total = 0;
    int depth = 0;
    std::uint64_t path = 1;  // names the node whatever the order of growing: 1, then 2 path + side
    Bounds bounds;
    NodeSplit split;
    std::int32_t left = -1;           // children are left and left + 1; -1: a leaf
    bool rows_divided = false;        // the children have their rows
    std::vector<std::int32_t> asked;  // features on the way here, kept for interaction constraints only
  };

  TreeGrower(const BinnedData& data, GrowRules rules, std::uint64_t seed)
      : data_(data), rules_(std::move(rules)), seed_(seed) {}

  // `rows`: ascending rows to learn from. The number of the tree names its random streams.
  void grow(const Gradients& gradients, std::span<const std::uint32_t> rows, std::uint64_t number,
            const StopToken& stop);
  // The grown tree; leaves hold rate times their value. `leaf_nodes`: of every leaf in the order of
  // leaf_of_all() its node.
  Tree tree(double rate, std::vector<std::int32_t>* leaf_nodes = nullptr) const;
  // raw[row] += the value of its leaf, for the rows learned from.
  void add_to(std::span<double> raw, double rate) const;

  // The same for all rows of the data.
  void add_to_all(std::span<double> raw, double rate) const;

  // The leaf of every row of the data, counted from 0 in the order of leaf_rows() and set_leaf_values().
  std::vector<std::int32_t> leaf_of_all() const;
  std::int64_t num_leaves() const;

  // With need_leaf_rows: the rows of every leaf, and other values for the leaves in the same order.
  std::vector<std::span<const std::uint32_t>> leaf_rows() const;
  void set_leaf_values(std::span<const double> values, std::int64_t outputs = 1);

 private:
  struct Open {  // a node with its histogram, its best split known
    std::int32_t node;
    HistogramPool::Histogram histogram;
  };
  bool may_split(const Node& node) const;
  void grow_levels(std::vector<Open>& level, const StopToken& stop);
  void grow_leaves(Open root, const StopToken& stop);
  void grow_subtrees(std::vector<Open> roots, const StopToken& stop);
  void grow_subtree(std::vector<Node>& nodes, Open root, std::uint32_t* memory, HistogramPool& pool,
                    const StopToken& stop);
  void add_children(std::vector<Node>& nodes, std::int32_t node) const;
  void set_child_counts(std::vector<Node>& nodes, std::int32_t node, std::int64_t left) const;
  std::vector<std::int64_t> divide_rows(std::span<const std::int32_t> which);
  void sum_histograms(std::span<const std::int32_t> which, std::span<const HistogramPool::Histogram> into,
                      const StopToken& stop);
  void find_split(Node& node, std::int64_t* histogram) const;  // null: by its rows, which are few
  bool is_small(const Node& node) const;
  std::vector<std::uint8_t> allowed_features(const Node& node) const;
  void keep_share(std::vector<std::uint8_t>& allowed, double share, const char* stream,
                  std::uint64_t index) const;
  void prune();
  double value_of(const Node& node, std::int32_t index) const;
  template <class F>
  void walk_all(F&& found) const;
  static std::int64_t chunk_rows(std::int64_t count);

  const BinnedData& data_;
  GrowRules rules_;
  std::uint64_t seed_ = 0, number_ = 0;
  const Gradients* gradients_ = nullptr;
  std::vector<std::uint32_t> rows_, memory_;
  std::vector<std::uint8_t> tree_features_;
  std::vector<Node> nodes_;
  std::vector<double> own_values_;  // by node, where set_leaf_values was called
  std::int64_t outputs_ = 1;        // numbers a node in own_values_
};

}  // namespace cairn::tree
