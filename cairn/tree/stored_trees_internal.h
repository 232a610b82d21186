// Trees as a model file holds them: nothing that follows from the rest, and whole numbers in as few bytes as
// they need. The same arrays come back, to the last bit.
#pragma once

#include <cstdint>

#include "cairn/tensor/visitor.h"
#include "cairn/tree/ensemble.h"
#include "cairn/tree/tree_arrays.h"

namespace cairn::tree {

// A whole number of b bytes is u8 [n, b], the least byte first. Children that are not stored stand where
// depth first search puts them: both side by side behind all nodes so far, the left one looked at first.
class StoredTrees {
 public:
  StoredTrees() = default;  // blank, for visit()
  explicit StoredTrees(const TreeEnsemble& trees);
  void visit(Visitor& v);
  bool defined() const { return splits_.defined(); }
  // ModelFileError where the parts do not fit together. What the arrays then say is for TreeEnsemble to
  // check.
  TreeArrays arrays(std::size_t width) const;

 private:
  void store_children(const TreeEnsemble& trees);
  void store_covers(const TreeEnsemble& trees);
  void store_values(const TreeEnsemble& trees);
  void store_lines(const TreeEnsemble& trees);
  void store_sets(const TreeEnsemble& trees);
  void read_children(TreeArrays& trees) const;
  void read_values(TreeArrays& trees, std::size_t width) const;
  void read_lines(TreeArrays& trees) const;
  void read_covers(TreeArrays& trees) const;
  void read_sets(TreeArrays& trees) const;

  Tensor roots_, outputs_;
  Tensor splits_;        // [nodes] the feature + 1; 0: a leaf
  Tensor children_;      // i32 [2 * splits], left and right; undefined: as said above
  Tensor thresholds_;    // f32 or f64 [splits], or the distinct ones
  Tensor threshold_of_;  // [splits] its place among them; undefined: one a split
  Tensor missing_left_;  // u8 [splits / 8], a bit a split
  Tensor gains_;         // f32 [splits]
  Tensor covers_;        // f32 [nodes], or whole numbers [leaves], of which nodes above have the sum
  Tensor values_;        // f64 [leaves, width], or the distinct ones
  Tensor value_of_;      // [leaves] its place among them; undefined: one a leaf
  Tensor num_slopes_;    // [leaves] of leaves that answer along lines; undefined: none does
  Tensor intercepts_;    // f64 [leaves with slopes]
  Tensor along_;         // [slopes] the feature that each goes along
  Tensor slopes_;        // f64 [slopes]
  Tensor categories_;    // u8 [splits / 8], a bit a split; undefined: none
  Tensor set_sizes_;     // [sets]
  Tensor set_codes_;     // [codes]
};

}  // namespace cairn::tree
