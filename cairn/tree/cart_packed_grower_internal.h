// Private to cart_packed.cpp and cart_packed_cuts.cpp: one tree grown on the rows of a node kept side by
// side.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "cairn/tree/cart_kinds_internal.h"

namespace cairn::tree {

struct PackedNode {
  std::int64_t begin = 0, count = 0;
  int depth = 0;
  std::uint64_t path = 1;
  std::int32_t tree_node = 0;
  bool local = false;  // its rows are numbered within local_
};

// The best cut of one feature.
struct PackedCut {
  double gain = -std::numeric_limits<double>::infinity();
  std::int32_t feature = -1;
  std::uint32_t rank = 0;                  // ranks up to this one go left
  std::uint32_t next_rank = kMissingRank;  // the least one that goes right, if any
  int bin = -1;                            // of this rank, when it was cut between bins
  double threshold = NAN;                  // where it was drawn
  bool missing_left = false, category = false;
  std::vector<std::int32_t> left_codes;
  bool found() const { return feature >= 0; }
};

template <class Kind>
class PackedGrower {
 public:
  PackedGrower(const RankedData& data, const CartTarget& target, const CartSample& sample,
               const CartRules& rules, std::uint64_t seed, const StopToken& stop)
      : data_(data),
        rules_(rules),
        seed_(seed),
        stop_(stop),
        rows_(sample.rows),
        known_(rows_.size()),
        kind_(target, sample, known_),
        order_(static_cast<std::size_t>(data.num_features())) {
    row_memory_.resize(rows_.size());
    known_memory_.resize(rows_.size());
    std::iota(order_.begin(), order_.end(), 0);
  }
  Tree grow();

 private:
  using Scan = typename Kind::Scan;
  struct Level {  // of a category, among the rows of the node
    std::int32_t code;
    std::size_t rows, end;  // in grouped_
    double order;
  };
  PackedCut find_cut(const PackedNode& node);
  PackedCut cut_by(std::int32_t feature, const PackedNode& node, Random* random, bool& constant);
  void cut_bins(std::int32_t feature, const PackedNode& node, PackedCut& cut, bool& constant);
  template <class Item>
  void cut_values(std::int32_t feature, const PackedNode& node, std::vector<Item>& items, int shift,
                  PackedCut& cut, bool& constant);
  void cut_drawn(std::int32_t feature, const PackedNode& node, Random& random, PackedCut& cut,
                 bool& constant);
  void cut_levels(std::int32_t feature, const PackedNode& node, Random* random, PackedCut& cut,
                  bool& constant);
  void group_levels(std::int32_t feature, const PackedNode& node);
  std::span<const std::uint32_t> keys_of(const Level& level) const {
    return std::span(grouped_).subspan(level.end - level.rows, level.rows);
  }
  std::int64_t divide(const PackedNode& node, const PackedCut& cut);
  bool worth_copying(const PackedNode& node) const;
  void copy_rows(PackedNode& node);
  const std::uint32_t* ranks_of(std::int32_t feature, const PackedNode& node) const {
    return node.local ? local_.data() + feature * local_rows_ : data_.feature(feature).ranks.data();
  }
  const std::uint8_t* bins_of(std::int32_t feature, const PackedNode& node) const {
    return node.local ? local_bins_.data() + feature * local_rows_ : data_.feature(feature).bins.data();
  }
  Scan scan() { return Scan(kind_, std::max<std::int64_t>(rules_.min_samples_leaf, 1)); }
  void start(Scan& scan, bool with_missing) const {
    scan.start();
    if (with_missing)
      for (const std::uint32_t key : missing_) scan.move(key);
  }

  const RankedData& data_;
  const CartRules& rules_;
  const std::uint64_t seed_;
  const StopToken& stop_;
  std::vector<std::uint32_t> rows_;        // of a node side by side
  std::vector<typename Kind::Row> known_;  // what is known of them
  Kind kind_;
  std::vector<std::uint32_t> row_memory_;
  std::vector<typename Kind::Row> known_memory_;
  std::vector<std::int32_t> order_;   // features, put back in order after each node
  std::vector<std::int32_t> chosen_;  // what was swapped in order_
  std::vector<std::uint32_t> narrow_, merged_;
  std::vector<std::uint64_t> wide_, wide_memory_;
  std::vector<std::uint32_t> missing_;  // keys of the rows without a value
  std::vector<Level> levels_;
  std::vector<std::uint32_t> grouped_;  // keys of rows with a value, level after level
  std::vector<std::int32_t> level_of_;  // [codes] place in levels_, -1 between the calls
  // The ranks of the rows of one small node, feature after feature: what its whole subtree looks at.
  std::vector<std::uint32_t> local_;
  std::vector<std::uint8_t> local_bins_;
  std::int64_t local_rows_ = 0;
};

}  // namespace cairn::tree
