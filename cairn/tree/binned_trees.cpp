#include "cairn/tree/binned_trees_internal.h"

#include <hwy/base.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/index.h"

namespace cairn::tree {
namespace {

constexpr std::size_t kMostCuts = 254;  // of a feature, so that its bins are 1 to 255
constexpr std::int64_t kMostUsed = std::numeric_limits<std::uint16_t>::max() / 2;
constexpr std::int64_t kLeastTrees = 8;  // fewer do not repay the binning
constexpr int kShift = 128;              // bins in the tile begin at -128
constexpr std::int8_t kLowest = -128, kHighest = 127;

}  // namespace

std::shared_ptr<const BinnedTrees> BinnedTrees::of(const TreeEnsemble& trees) {
  if (trees.num_trees() < kLeastTrees || trees.is_linear()) return nullptr;  // lines need the numbers
  auto binned = std::make_shared<BinnedTrees>();
  binned->num_features_ = std::max<std::int64_t>(trees.num_features(), 1);
  binned->num_outputs_ = trees.num_outputs();
  binned->vector_leaves_ = trees.options().vector_leaves;
  if (!binned->number_thresholds(trees)) return nullptr;
  if (binned->vector_leaves_) binned->leaf_values_.assign(trees.values().begin(), trees.values().end());
  for (std::int64_t t = 0; t < trees.num_trees(); ++t) binned->lay_out(trees, t);
  return binned;
}

bool BinnedTrees::number_thresholds(const TreeEnsemble& trees) {
  slot_of_.assign(at(num_features_), -1);
  const auto features = trees.features();
  const auto thresholds = trees.thresholds();
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i) {
    if (trees.is_leaf(i)) continue;
    if (trees.is_category(i) || std::isnan(thresholds[at(i)])) return false;
    std::int32_t& slot = slot_of_[at(features[at(i)])];
    if (slot < 0) {
      slot = static_cast<std::int32_t>(used_.size());
      used_.push_back(features[at(i)]);
      cuts_.emplace_back();
      if (std::ssize(used_) > kMostUsed) return false;
    }
    auto& cuts = cuts_[at(slot)];
    const auto place = std::ranges::lower_bound(cuts, thresholds[at(i)]);
    if (place != cuts.end() && *place == thresholds[at(i)]) continue;
    cuts.insert(place, thresholds[at(i)]);
    if (cuts.size() > kMostCuts) return false;
  }
  return true;
}

// Breadth first, siblings side by side.
void BinnedTrees::lay_out(const TreeEnsemble& trees, std::int64_t tree) {
  const auto first = static_cast<std::int32_t>(steps_.size());
  std::vector<std::int64_t> level{trees.roots()[at(tree)]}, next;
  std::int32_t depth = 0;
  for (;; ++depth) {
    next.clear();
    const std::size_t below = steps_.size() + level.size();
    for (const std::int64_t i : level) {
      const auto me = static_cast<std::int32_t>(steps_.size());
      if (trees.is_leaf(i)) {
        steps_.push_back({me, 0, kHighest});
        if (vector_leaves_)
          leaf_rows_.push_back(trees.left()[at(i)]);
        else
          leaf_values_.push_back(trees.leaf_values(i)[0]);
        continue;
      }
      if (vector_leaves_)
        leaf_rows_.push_back(0);
      else
        leaf_values_.push_back(0);
      const std::int32_t slot = slot_of_[at(trees.features()[at(i)])];
      const auto& cuts = cuts_[at(slot)];
      const auto bin = std::ranges::lower_bound(cuts, trees.thresholds()[at(i)]) - cuts.begin() + 1;
      steps_.push_back({static_cast<std::int32_t>(below + next.size()),
                        static_cast<std::uint16_t>(2 * slot + (trees.missing_left()[at(i)] ? 0 : 1)),
                        static_cast<std::int16_t>(bin - kShift)});
      next.push_back(trees.left()[at(i)]);
      next.push_back(trees.right()[at(i)]);
    }
    if (next.empty()) break;
    level.swap(next);
  }
  TreeTop& top = tops_.emplace_back();
  top.levels = std::clamp(depth, 1, kMostTopLevels);
  below_.push_back(depth - std::min(depth, kMostTopLevels));
  outputs_.push_back(trees.tree_outputs()[at(tree)]);
  const std::size_t exits = std::size_t{1} << top.levels;
  top.slot.resize(exits - 1);
  top.bin.resize(exits - 1);
  top.exit.resize(exits);
  fill_top(top, 0, first);
}

void BinnedTrees::fill_top(TreeTop& top, std::size_t node, std::int32_t step) const {
  if (node >= top.slot.size()) {
    top.exit[node - top.slot.size()] = step;
    return;
  }
  const Step& s = steps_[at(step)];
  const bool leaf = s.left == step;
  top.slot[node] = s.slot;
  top.bin[node] = leaf ? kHighest : static_cast<std::int8_t>(s.bin);
  fill_top(top, 2 * node + 1, s.left);
  fill_top(top, 2 * node + 2, leaf ? step : s.left + 1);
}

void BinnedTrees::fill(const double* x, std::int64_t n, Tile& tile) const {
  constexpr std::int64_t kAtOnce = 8;
  std::array<double, kTileRows> column{};
  for (std::size_t f = 0; f < used_.size(); ++f) {
    const double* from = x + used_[f];
    bool missing = false;
    for (std::int64_t r = 0; r < n; ++r) {
      column[at(r)] = from[r * num_features_];
      missing |= std::isnan(column[at(r)]);
    }
    const double* cuts = cuts_[f].data();
    const auto num_cuts = static_cast<std::int64_t>(cuts_[f].size());
    std::int8_t* left = tile.data() + 2 * static_cast<std::int64_t>(f) * kTileRows;
    // How many cuts are below each value, by halving; several values at a time hide each step's waiting.
    for (std::int64_t r = 0; r < kTileRows; r += kAtOnce) {
      std::int64_t below[kAtOnce] = {};
      for (std::int64_t size = num_cuts; size > 0;) {
        const std::int64_t half = (size + 1) / 2;
        HWY_UNROLL(8)
        for (std::int64_t j = 0; j < kAtOnce; ++j)
          below[j] += cuts[below[j] + half - 1] < column[at(r + j)] ? half : 0;
        size -= half;
      }
      for (std::int64_t j = 0; j < kAtOnce; ++j)
        left[r + j] = static_cast<std::int8_t>(below[j] + 1 - kShift);
    }
    std::int8_t* right = left + kTileRows;
    std::copy_n(left, kTileRows, right);
    if (!missing) continue;
    for (std::int64_t r = 0; r < n; ++r)
      if (std::isnan(column[at(r)])) left[r] = kLowest, right[r] = kHighest;
  }
}

void BinnedTrees::add(const double* x, std::int64_t n, std::int64_t trees, double* raw) const {
  thread_local Tile tile;
  tile.resize(std::max<std::size_t>(2 * used_.size(), 1) * kTileRows);
  fill(x, n, tile);
  const std::int8_t* const bins = tile.data();
  const Step* const steps = steps_.data();
  std::array<std::uint8_t, kTileRows> exits{};
  std::array<std::int32_t, kTileRows> where{};
  for (std::size_t t = 0; t < at(trees); ++t) {
    walk_top(tops_[t], bins, exits.data());
    for (std::size_t r = 0; r < kTileRows; ++r) where[r] = tops_[t].exit[exits[r]];
    for (std::int32_t level = below_[t]; level > 0; --level)
      for (std::size_t r = 0; r < kTileRows; ++r) {
        const Step s = steps[where[r]];
        where[r] = s.left +
                   static_cast<std::int32_t>(bins[s.slot * kTileRows + static_cast<std::int64_t>(r)] > s.bin);
      }
    if (!vector_leaves_) {
      double* to = raw + outputs_[t];
      for (std::int64_t r = 0; r < n; ++r) to[r * num_outputs_] += leaf_values_[at(where[at(r)])];
      continue;
    }
    for (std::int64_t r = 0; r < n; ++r) {
      const double* leaf = leaf_values_.data() + leaf_rows_[at(where[at(r)])] * num_outputs_;
      for (std::int64_t o = 0; o < num_outputs_; ++o) raw[r * num_outputs_ + o] += leaf[o];
    }
  }
}

}  // namespace cairn::tree
