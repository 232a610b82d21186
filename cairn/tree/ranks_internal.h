// Features as ranks: equal values share a number, so that exact splits sort small whole numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/base/stop.h"
#include "cairn/tree/tree_data_internal.h"

namespace cairn::tree {

constexpr std::uint32_t kMissingRank = 0xFFFFFFFF;
constexpr std::uint8_t kMissingBin = 0xFF;  // bins of values are below

struct RankedFeature {
  bool category = false;
  std::vector<std::uint32_t> ranks;  // [n]; category: the code
  std::vector<double> values;        // number: of each rank, ascending
  bool keyed = false;                // a rank is the bits of its f32, in the order of the numbers
  std::uint32_t num_ranks = 0;       // category: of levels
  // Numbers, when asked for: runs of ranks that about as many rows have, of which there are at most 255.
  std::vector<std::uint8_t> bins;       // [n]
  std::vector<std::uint32_t> bin_ends;  // the last rank of each bin
  double value(std::uint32_t rank) const;
};

enum class RanksFor : std::uint8_t {
  tree,
  forest,      // bins, and a copy of the ranks row after row
  extra_trees  // the copy; the ranks of f32 numbers are keys, which need no order
};

class RankedData {
 public:
  RankedData(const TreeData& data, RanksFor purpose, const StopToken& stop);
  std::int64_t rows() const { return rows_; }
  std::int64_t num_features() const { return static_cast<std::int64_t>(features_.size()); }
  const RankedFeature& feature(std::int64_t f) const { return features_[static_cast<std::size_t>(f)]; }
  // A row's ranks, and bins, side by side, [num_features()].
  const std::uint32_t* row(std::int64_t r) const { return by_row_.data() + r * num_features(); }
  const std::uint8_t* bins(std::int64_t r) const { return bins_by_row_.data() + r * num_features(); }

 private:
  std::int64_t rows_ = 0;
  std::vector<RankedFeature> features_;
  std::vector<std::uint32_t> by_row_;
  std::vector<std::uint8_t> bins_by_row_;
};

// Sorts by the high 32 bits, of which all are below `limit`; rows with equal ones keep their order.
void sort_by_rank(std::vector<std::uint64_t>& items, std::uint64_t limit, std::vector<std::uint64_t>& memory);

// A threshold drawn between the values of two ranks, as extra trees do, and the last rank below it. It is the
// nearest f32 where that parts the same values: half the bytes of a model.
struct DrawnCut {
  std::uint32_t rank;
  double threshold;
};
DrawnCut drawn_cut(const RankedFeature& feature, std::uint32_t low, std::uint32_t high, Random& random);

}  // namespace cairn::tree
