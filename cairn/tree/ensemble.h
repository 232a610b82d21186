// Trees and how they make a prediction: the one structure of single trees, forests and boosting, and of
// models read from other programs. Immutable, thread-safe.
//
//   raw[o] = base[o] + sum over trees t of the leaf of x in t      (divided by the trees when `average`)
//   prediction = output(raw)
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/ops/matrix.h"
#include "cairn/tensor/visitor.h"
#include "cairn/tree/tree_arrays.h"

namespace cairn {

// How raw outputs become a prediction.
enum class TreeOutput : std::uint8_t {
  identity,     // a value
  exponential,  // exp(raw): Poisson, Gamma, Tweedie
  logistic,     // one raw output, the log-odds of the second of two classes
  softmax,      // one raw output a class
  share,        // leaves hold shares of classes: their sum, made to sum to 1
};
const char* name_of(TreeOutput output);
TreeOutput tree_output_from_name(std::string_view name);  // ModelFileError

namespace tree {
class BinnedTrees;
}

struct TreeEnsembleOptions {
  std::int64_t num_features = 0;
  std::int64_t num_outputs = 1;  // raw outputs
  bool vector_leaves = false;    // a leaf holds num_outputs numbers; else one, for Tree::output
  bool average = false;          // the mean of the trees instead of their sum
  TreeOutput output = TreeOutput::identity;
  std::vector<double> base;  // [num_outputs]; empty: zeros
  bool f32_inputs = false;   // inputs are rounded to f32 before they are compared
};

class TreeEnsemble {
 public:
  TreeEnsemble() = default;  // blank, for visit(); predicts base, of which there is none
  // ModelFileError unless the trees are trees: features, children, leaves and numbers in range.
  TreeEnsemble(TreeEnsembleOptions options, std::span<const Tree> trees);
  TreeEnsemble(TreeEnsembleOptions options, TreeArrays trees);
  // On loading everything is checked: see check() in the source for what a file may not hold.
  void visit(Visitor& v);

  std::int64_t num_trees() const { return roots_.defined() ? roots_.size() - 1 : 0; }
  std::int64_t num_nodes() const { return feature_.defined() ? feature_.size() : 0; }
  std::int64_t num_features() const { return options_.num_features; }
  std::int64_t num_outputs() const { return options_.num_outputs; }  // raw
  std::int64_t num_predicted() const;  // numbers a prediction: as outputs, but 2 for logistic
  std::int64_t max_depth() const { return max_depth_; }
  const TreeEnsembleOptions& options() const { return options_; }

  // The arrays, nodes of all trees one after the other. Tree t owns the nodes [roots[t], roots[t + 1]), its
  // root first; left and right are indices into the same arrays, always greater than their parent's.
  std::span<const std::int64_t> roots() const { return roots_.data<std::int64_t>(); }  // [trees + 1]
  std::span<const std::int32_t> tree_outputs() const {
    return tree_outputs_.data<std::int32_t>();
  }  // [trees]
  std::span<const std::int32_t> features() const { return feature_.data<std::int32_t>(); }  // -1: a leaf
  std::span<const double> thresholds() const { return threshold_.data<double>(); }
  std::span<const std::int32_t> left() const { return left_.data<std::int32_t>(); }
  std::span<const std::int32_t> right() const { return right_.data<std::int32_t>(); }
  std::span<const std::uint8_t> missing_left() const { return missing_left_.data<std::uint8_t>(); }
  std::span<const float> gains() const { return gain_.data<float>(); }
  std::span<const float> covers() const { return cover_.data<float>(); }
  bool is_leaf(std::int64_t node) const { return features()[static_cast<std::size_t>(node)] < 0; }
  bool is_category(std::int64_t node) const {
    return set_.defined() && set_.data<std::int32_t>()[static_cast<std::size_t>(node)] >= 0;
  }
  std::vector<std::int32_t> left_codes(std::int64_t node) const;  // of a category split
  // One number, or num_outputs of them with vector_leaves.
  std::span<const double> leaf_values(std::int64_t leaf) const;
  bool is_linear() const { return !lines_.empty(); }  // some leaf answers along a line
  // Of leaves of one number, whose row of values() numbers them; leaf_values() is then what holds where a
  // number is missing.
  const LinearLeaves& lines() const { return lines_; }
  // Of all leaves, row after row; those of several numbers may share a row.
  std::span<const double> values() const { return values_.data<double>(); }
  bool goes_left(std::int64_t node, double value) const;  // NaN is missing
  std::int64_t leaf_of(std::int64_t tree, std::span<const double> row) const;
  Tree tree(std::int64_t index) const;  // as it was given, children counted from the tree's own root

  // Raw outputs of the first `trees` trees (-1: of all): [n, num_outputs], row after row. x may hold NaN. The
  // work is spread over threads; a row's sum does not depend on the rows beside it.
  void predict_raw(const Matrix& x, std::span<double> raw, std::int64_t trees = -1) const;
  // The same for one row of num_features numbers: takes no memory, locks nothing.
  void predict_raw_row(std::span<const double> row, std::span<double> raw) const;
  // raw[r] += the leaf of row r in one tree, for the rows listed of x [n, num_features], row after row.
  void add_tree(std::int64_t tree, std::span<const double> x, std::span<const std::int32_t> rows,
                std::span<double> raw) const;
  // Predictions [n, num_predicted] from raw outputs [n, num_outputs].
  void finish(std::span<const double> raw, std::span<double> predicted) const;

 private:
  struct Step {             // 16 bytes: what a walk reads of a node, siblings side by side
    double threshold;       // category: the number of its set
    std::uint32_t feature;  // with kMissingRight, kCategory; a leaf points to itself
    std::int32_t left;
  };
  static constexpr std::uint32_t kMissingRight = 1U << 31, kCategory = 1U << 30, kFeature = kCategory - 1;

  std::size_t leaf_width() const;
  void take(TreeArrays trees);
  void visit_arrays(Visitor& v);
  void check() const;
  void check_lines() const;
  void check_trees() const;
  void prepare();  // builds what follows from the arrays
  void lay_out(std::int64_t tree);
  bool in_set(std::int64_t set, double code) const;
  enum class Rows : std::uint8_t {
    complete,
    numbers,
    any
  };  // no missing ones; no categories; whatever comes
  template <Rows Kind>
  void walk_block(const double* rows, std::int64_t n, std::int64_t trees, double* raw) const;
  template <Rows Kind>
  void walk_row(const double* row, double* raw) const;
  template <Rows Kind, class RowOf>
  void walk(std::int32_t* where, std::int32_t depth, RowOf&& row_of) const;
  template <Rows Kind>
  std::int32_t step(const Step* steps, const double* row, std::int32_t at) const;
  void add_leaf(std::size_t tree, std::int32_t at, const double* row, double* raw) const;

  TreeEnsembleOptions options_;
  Tensor roots_, tree_outputs_, feature_, threshold_, left_, right_, missing_left_, gain_, cover_;
  Tensor values_;  // f64 [leaves, 1], or [distinct, num_outputs]; `left` of a leaf is its row here
  LinearLeaves lines_;
  Tensor set_, set_begin_, set_codes_;  // i32 [nodes], -1: a number; i64 [sets + 1]; i32 ascending in a set

  std::int64_t max_depth_ = 0;
  bool general_ = false;                             // some split is of a category
  std::vector<Step> steps_;                          // breadth first in a tree
  std::vector<std::int32_t> leaf_rows_;              // of a step that is a leaf: its row of values_
  std::vector<std::int32_t> step_roots_, depths_;    // a tree's first step and depth
  std::vector<std::uint64_t> set_bits_;              // sets as bits, for quick tests
  std::vector<std::int64_t> set_words_;              // [sets + 1] where a set begins in set_bits_
  std::shared_ptr<const tree::BinnedTrees> binned_;  // for many rows, where thresholds are few
};

}  // namespace cairn
