// Trees whose thresholds are few enough to ask whole numbers of 8 bits: how many rows are predicted at once.
// A feature's distinct thresholds number its values' bins; 64 rows are binned once and walk down every tree:
// the top levels by comparing vectors of rows with all nodes of a level, the rest one by one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cairn/tree/ensemble.h"

namespace cairn::tree {

constexpr std::int64_t kTileRows = 64;
constexpr int kMostTopLevels = 7;

// The top of a tree as a heap; above a leaf every row goes left.
struct TreeTop {
  int levels = 1;
  std::vector<std::uint16_t> slot;  // [2^levels - 1] row of the tile that the node looks at
  std::vector<std::int8_t> bin;     // larger ones go right
  std::vector<std::int32_t> exit;   // [2^levels] the step where the walk goes on
};

class BinnedTrees {
 public:
  // Null where the trees ask about categories, or a feature has too many thresholds.
  static std::shared_ptr<const BinnedTrees> of(const TreeEnsemble& trees);

  // raw[r] += leaves of the first `trees` trees, for n <= kTileRows rows x [n, num_features].
  void add(const double* x, std::int64_t n, std::int64_t trees, double* raw) const;

 private:
  struct Step {
    std::int32_t left;  // a leaf's is itself
    std::uint16_t slot;
    std::int16_t bin;
  };
  // A bin b of a value lies in the tile as b - 128; a missing one as the least or the largest number.
  using Tile = std::vector<std::int8_t>;  // [2 * used features, kTileRows]: missing left, missing right
  void fill(const double* x, std::int64_t n, Tile& tile) const;
  bool number_thresholds(const TreeEnsemble& trees);
  void lay_out(const TreeEnsemble& trees, std::int64_t tree);
  void fill_top(TreeTop& top, std::size_t node, std::int32_t step) const;

  std::int64_t num_features_ = 0, num_outputs_ = 1;
  bool vector_leaves_ = false;
  std::vector<std::int32_t> used_;         // features that are asked about
  std::vector<std::int32_t> slot_of_;      // [num_features] place in used_
  std::vector<std::vector<double>> cuts_;  // of used features, ascending, filled up to 255 with infinity
  std::vector<TreeTop> tops_;
  std::vector<Step> steps_;              // breadth first in a tree, siblings side by side
  std::vector<double> leaf_values_;      // by step; or rows of num_outputs, as leaf_rows_ says
  std::vector<std::int32_t> leaf_rows_;  // by step, of leaves that hold several numbers
  std::vector<std::int32_t> below_;      // levels a tree has below its top
  std::vector<std::int32_t> outputs_;
};

// exits[r]: which of the top's exits the rows of a tile leave by.
void walk_top(const TreeTop& top, const std::int8_t* tile, std::uint8_t* exits);

}  // namespace cairn::tree
