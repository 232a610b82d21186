#include "cairn/tree/cart_packed_internal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/tree/bins_internal.h"
#include "cairn/tree/cart_two_classes_internal.h"
#include "cairn/tree/small_sort_internal.h"

namespace cairn::tree {
namespace {

// From here on a node is cut between bins; below, between any two values.
constexpr std::int64_t kBinnedRows = 256;
constexpr std::int64_t kAhead = 16;              // rows fetched before they are needed
constexpr std::int64_t kLocalCells = 96 * 1024;  // ranks that stay in a core's cache
constexpr std::int64_t kLevels = 12;             // about how many levels a copied node still has

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct PackedNode {
  std::int64_t begin = 0, count = 0;
  int depth = 0;
  std::uint64_t path = 1;
  TwoClassSide sums;
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
  TwoClassSide left;
  bool found() const { return feature >= 0; }
};

class PackedGrower {
 public:
  PackedGrower(const RankedData& data, const CartTarget& target, const CartSample& sample,
               const CartRules& rules, std::uint64_t seed, const StopToken& stop)
      : data_(data), rules_(rules), seed_(seed), stop_(stop), rows_(sample.rows), order_(num_features()) {
    const std::size_t n = rows_.size();
    packed_.resize(n);
    std::uint32_t most = 1;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t w = sample.weights.empty() ? 1 : static_cast<std::uint32_t>(sample.weights[i]);
      most = std::max(most, w);
      packed_[i] = pack_two_classes(w, target.labels[rows_[i]]);
    }
    shift_ = static_cast<int>(std::bit_width(most)) + 1;
    row_memory_.resize(n);
    packed_memory_.resize(n);
    narrow_.resize(n);
    std::iota(order_.begin(), order_.end(), 0);
  }
  Tree grow();

 private:
  std::size_t num_features() const { return at(data_.num_features()); }
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
  std::int64_t divide(const PackedNode& node, const PackedCut& cut);
  bool worth_copying(const PackedNode& node) const;
  void copy_rows(PackedNode& node);
  const std::uint32_t* ranks_of(std::int32_t feature, const PackedNode& node) const {
    return node.local ? local_.data() + feature * local_rows_ : data_.feature(feature).ranks.data();
  }
  const std::uint8_t* bins_of(std::int32_t feature, const PackedNode& node) const {
    return node.local ? local_bins_.data() + feature * local_rows_ : data_.feature(feature).bins.data();
  }
  TwoClassScan scan_of(const PackedNode& node) const {
    return {node.sums, node.count, std::max<std::int64_t>(rules_.min_samples_leaf, 1)};
  }

  const RankedData& data_;
  const CartRules& rules_;
  const std::uint64_t seed_;
  const StopToken& stop_;
  std::vector<std::uint32_t> rows_, packed_;  // of a node side by side
  std::vector<std::uint32_t> row_memory_, packed_memory_;
  int shift_ = 0;                     // bits of a packed row
  std::vector<std::int32_t> order_;   // features, put back in order after each node
  std::vector<std::int32_t> chosen_;  // what was swapped in order_
  std::vector<std::uint32_t> narrow_, merged_;
  std::vector<std::uint64_t> wide_, wide_memory_;
  // The ranks of the rows of one small node, feature after feature: what its whole subtree looks at.
  std::vector<std::uint32_t> local_;
  std::vector<std::uint8_t> local_bins_;
  std::int64_t local_rows_ = 0;
};

bool PackedGrower::worth_copying(const PackedNode& node) const {
  const std::int64_t looked_at = rules_.max_features > 0 ? rules_.max_features : data_.num_features();
  return !node.local && node.count * data_.num_features() <= kLocalCells &&
         data_.num_features() <= kLevels * looked_at;
}

void PackedGrower::copy_rows(PackedNode& node) {
  const std::int64_t d = data_.num_features();
  local_rows_ = node.count;
  local_.resize(at(d * local_rows_));
  local_bins_.resize(at(d * local_rows_));
  std::uint32_t* rows = rows_.data() + node.begin;
  for (std::int64_t i = 0; i < node.count; ++i) {
    __builtin_prefetch(data_.row(rows[std::min(i + kAhead, node.count - 1)]));
    const std::uint32_t* ranks = data_.row(rows[i]);
    for (std::int64_t f = 0; f < d; ++f) local_[at(f * local_rows_ + i)] = ranks[f];
    if (node.count < kBinnedRows) continue;
    const std::uint8_t* bins = data_.bins(rows[i]);
    for (std::int64_t f = 0; f < d; ++f) local_bins_[at(f * local_rows_ + i)] = bins[f];
  }
  std::iota(rows, rows + node.count, 0U);
  node.local = true;
}

// Sums of every bin, then a look between any two of them.
void PackedGrower::cut_bins(std::int32_t feature, const PackedNode& node, PackedCut& cut, bool& constant) {
  const RankedFeature& f = data_.feature(feature);
  std::array<std::uint64_t, 256> second{}, weight{};
  std::array<std::uint32_t, 256> rows{};
  const std::uint8_t* bins = bins_of(feature, node);
  const std::uint32_t *row = rows_.data() + node.begin, *packed = packed_.data() + node.begin;
  for (std::int64_t i = 0; i < node.count; ++i) {
    const std::size_t b = bins[row[i]];
    const std::uint32_t p = packed[i], w = p >> 1;
    weight[b] += w;
    second[b] += w & -(p & 1);
    ++rows[b];
  }
  const auto last_bin = std::ssize(f.bin_ends) - 1;
  const TwoClassSide missing{static_cast<std::int64_t>(weight[kMissingBin]),
                             static_cast<std::int64_t>(second[kMissingBin])};
  const std::int64_t num_missing = rows[kMissingBin];
  std::int64_t last = last_bin;
  while (last >= 0 && rows[at(last)] == 0) --last;
  constant = last < 0 || (num_missing == 0 && rows[at(last)] == node.count);
  if (constant) return;
  TwoClassScan scan = scan_of(node);
  std::int64_t place = -1;
  for (const bool with_missing : {false, true}) {
    if (with_missing && num_missing == 0) break;
    TwoClassSide left = with_missing ? missing : TwoClassSide{};
    std::int64_t moved = with_missing ? num_missing : 0;
    const std::int64_t end = with_missing || num_missing == 0 ? last : last + 1;
    for (std::int64_t b = 0; b < end; ++b) {
      if (rows[at(b)] == 0) continue;
      left.weight += static_cast<std::int64_t>(weight[at(b)]);
      left.second += static_cast<std::int64_t>(second[at(b)]);
      moved += rows[at(b)];
      if (!scan.offer(left, moved)) continue;
      place = b;
      cut.missing_left = num_missing == 0 ? 2 * moved > node.count : with_missing;
    }
  }
  if (place < 0) return;
  cut.gain = scan.gain();
  cut.left = scan.left();
  cut.rank = f.bin_ends[at(place)];
  cut.bin = static_cast<int>(place);
  if (place < last) cut.next_rank = cut.rank + 1;
}

template <class Item>
void PackedGrower::cut_values(std::int32_t feature, const PackedNode& node, std::vector<Item>& items,
                              int shift, PackedCut& cut, bool& constant) {
  items.resize(at(node.count));
  const std::uint32_t *ranks = ranks_of(feature, node), *row = rows_.data() + node.begin,
                      *packed = packed_.data() + node.begin;
  TwoClassSide missing;
  std::size_t count = 0;
  std::uint32_t low = kMissingRank, high = 0;
  for (std::int64_t i = 0; i < node.count; ++i) {
    const std::uint32_t rank = ranks[row[i]];
    if (rank == kMissingRank) {
      missing.add(packed[i]);
      continue;
    }
    items[count++] = static_cast<Item>(rank) << shift | packed[i];
    low = std::min(low, rank);
    high = std::max(high, rank);
  }
  items.resize(count);
  const std::int64_t num_missing = node.count - static_cast<std::int64_t>(count);
  constant = count == 0 || (low == high && num_missing == 0);
  if (constant) return;
  if constexpr (sizeof(Item) == 4)
    sort_small(items, merged_);
  else
    sort_by_rank(items, data_.feature(feature).num_ranks, wide_memory_);
  TwoClassScan scan = scan_of(node);
  const std::int64_t place =
      scan_items(std::span<const Item>(items), shift, missing, num_missing, scan, cut.missing_left);
  if (place < 0) return;
  cut.gain = scan.gain();
  cut.left = scan.left();
  const auto rank_at = [&](std::int64_t i) { return static_cast<std::uint32_t>(items[at(i)] >> shift); };
  cut.rank = rank_at(place);
  if (place + 1 < std::ssize(items)) cut.next_rank = rank_at(place + 1);
}

// One threshold between the least and the largest value of the node.
void PackedGrower::cut_drawn(std::int32_t feature, const PackedNode& node, Random& random, PackedCut& cut,
                             bool& constant) {
  const std::uint32_t *ranks = ranks_of(feature, node), *row = rows_.data() + node.begin,
                      *packed = packed_.data() + node.begin;
  narrow_.resize(at(node.count));
  std::uint32_t low = kMissingRank, high = 0;
  TwoClassSide missing;
  std::int64_t num_missing = 0;
  for (std::int64_t i = 0; i < node.count; ++i) {
    const std::uint32_t rank = ranks[row[i]];
    narrow_[at(i)] = rank;
    if (rank == kMissingRank) {
      missing.add(packed[i]);
      ++num_missing;
      continue;
    }
    low = std::min(low, rank);
    high = std::max(high, rank);
  }
  constant = num_missing == node.count || (low == high && num_missing == 0);
  if (constant) return;
  const auto [drawn, threshold] = drawn_cut(data_.feature(feature), low, high, random);
  TwoClassSide side;
  std::int64_t moved_values = 0;
  for (std::int64_t i = 0; i < node.count; ++i) {
    const auto taken = -static_cast<std::int64_t>(narrow_[at(i)] <= drawn);
    const std::int64_t w = (packed[i] >> 1) & taken;
    side.weight += w;
    side.second += w & -static_cast<std::int64_t>(packed[i] & 1);
    moved_values -= taken;
  }
  TwoClassScan scan = scan_of(node);
  for (const bool with_missing : {false, true}) {
    if (with_missing && (num_missing == 0 || low == high)) break;
    TwoClassSide left = side;
    if (with_missing) left.weight += missing.weight, left.second += missing.second;
    const std::int64_t moved = moved_values + (with_missing ? num_missing : 0);
    if (scan.offer(left, moved)) cut.missing_left = num_missing == 0 ? 2 * moved > node.count : with_missing;
  }
  if (!scan.found()) return;
  cut.gain = scan.gain();
  cut.left = scan.left();
  cut.rank = drawn;
  cut.threshold = threshold;
}

// Levels in the order of the second class's share, which is where the best two groups are (Breiman and
// others 1984, section 4.2); extra trees: in a drawn order, of which some go left.
void PackedGrower::cut_levels(std::int32_t feature, const PackedNode& node, Random* random, PackedCut& cut,
                              bool& constant) {
  struct Level {
    std::int32_t code;
    std::int64_t rows;
    TwoClassSide sums;
  };
  const std::uint32_t* ranks = ranks_of(feature, node);
  std::vector<Level> levels(data_.feature(feature).num_ranks);
  TwoClassSide missing;
  std::int64_t num_missing = 0;
  for (std::size_t c = 0; c < levels.size(); ++c) levels[c].code = static_cast<std::int32_t>(c);
  for (std::int64_t i = node.begin; i < node.begin + node.count; ++i) {
    const std::uint32_t code = ranks[rows_[at(i)]];
    if (code == kMissingRank) {
      missing.add(packed_[at(i)]);
      ++num_missing;
      continue;
    }
    levels[code].sums.add(packed_[at(i)]);
    ++levels[code].rows;
  }
  std::erase_if(levels, [](const Level& l) { return l.rows == 0; });
  constant = levels.empty() || (levels.size() == 1 && num_missing == 0);
  if (constant) return;
  if (random)
    random->shuffle(std::span(levels));
  else
    std::ranges::stable_sort(levels, [](const Level& a, const Level& b) {
      return a.sums.second * b.sums.weight < b.sums.second * a.sums.weight;
    });
  const std::size_t drawn = !random ? 0 : levels.size() < 2 ? 1 : 1 + random->below(levels.size() - 1);
  TwoClassScan scan = scan_of(node);
  std::size_t best = 0;
  for (const bool with_missing : {false, true}) {
    if (with_missing && (num_missing == 0 || random)) break;
    TwoClassSide left = with_missing ? missing : TwoClassSide{};
    std::int64_t moved = with_missing ? num_missing : 0;
    const std::size_t last = random ? drawn : levels.size() - (with_missing || num_missing == 0 ? 1 : 0);
    for (std::size_t l = 0; l < last; ++l) {
      left.weight += levels[l].sums.weight;
      left.second += levels[l].sums.second;
      moved += levels[l].rows;
      if ((random && l + 1 < last) || !scan.offer(left, moved)) continue;
      best = l + 1;
      cut.missing_left = with_missing;
    }
  }
  if (!scan.found()) return;
  cut.gain = scan.gain();
  cut.left = scan.left();
  cut.category = true;
  for (std::size_t l = 0; l < best; ++l) cut.left_codes.push_back(levels[l].code);
  std::ranges::sort(cut.left_codes);
}

PackedCut PackedGrower::cut_by(std::int32_t feature, const PackedNode& node, Random* random, bool& constant) {
  const RankedFeature& f = data_.feature(feature);
  PackedCut cut;
  if (f.category)
    cut_levels(feature, node, random, cut, constant);
  else if (random)
    cut_drawn(feature, node, *random, cut, constant);
  else if (node.count >= kBinnedRows)
    cut_bins(feature, node, cut, constant);
  else if (static_cast<int>(std::bit_width(f.num_ranks)) + shift_ <= 32)
    cut_values(feature, node, narrow_, shift_, cut, constant);
  else
    cut_values(feature, node, wide_, 32, cut, constant);
  if (cut.gain > -INFINITY) cut.feature = feature;
  return cut;
}

// Features in a drawn order until enough have been looked at and one of them was not constant.
PackedCut PackedGrower::find_cut(const PackedNode& node) {
  PackedCut best;
  if ((rules_.max_depth > 0 && node.depth >= rules_.max_depth) || node.count < rules_.min_samples_split ||
      node.count < 2 * rules_.min_samples_leaf || node.sums.second == 0 ||
      node.sums.second == node.sums.weight)
    return best;
  stop_.throw_if_requested("growing a tree");
  const std::size_t d = order_.size();
  const bool some = rules_.max_features > 0 && at(rules_.max_features) < d;
  Random random(seed_, "features", node.path);
  chosen_.clear();
  bool any = false;
  for (std::size_t looked = 0; looked < d; ++looked) {
    if (some) {
      if (static_cast<std::int64_t>(looked) >= rules_.max_features && any) break;
      const std::size_t other = looked + random.below(d - looked);
      std::swap(order_[looked], order_[other]);
      chosen_.push_back(static_cast<std::int32_t>(other));
    }
    bool constant = false;
    PackedCut cut = cut_by(order_[looked], node, rules_.random_thresholds ? &random : nullptr, constant);
    any |= !constant;
    if (cut.found() && (!best.found() || cut.gain > best.gain * (1 + 1e-9))) best = std::move(cut);
  }
  for (std::size_t i = chosen_.size(); i-- > 0;) std::swap(order_[i], order_[at(chosen_[i])]);
  return best;
}

// Both sides keep their order; how many rows went left.
std::int64_t PackedGrower::divide(const PackedNode& node, const PackedCut& cut) {
  std::uint32_t *rows = rows_.data() + node.begin, *packed = packed_.data() + node.begin;
  std::int64_t l = 0, r = 0;
  const auto part = [&](const auto* values, auto&& goes_left) {
    for (std::int64_t i = 0; i < node.count; ++i) {
      __builtin_prefetch(values + rows[std::min(i + kAhead, node.count - 1)]);
      const std::uint32_t row = rows[i], p = packed[i];
      const bool left = goes_left(values[row]);
      rows[l] = row_memory_[at(r)] = row;
      packed[l] = packed_memory_[at(r)] = p;
      l += left ? 1 : 0;
      r += left ? 0 : 1;
    }
  };
  const std::uint32_t* ranks = ranks_of(cut.feature, node);
  if (cut.category)
    part(ranks, [&](std::uint32_t rank) {
      return rank == kMissingRank
                 ? cut.missing_left
                 : std::ranges::binary_search(cut.left_codes, static_cast<std::int32_t>(rank));
    });
  else if (cut.bin >= 0 && !cut.missing_left)
    part(bins_of(cut.feature, node), [bin = cut.bin](std::uint8_t other) { return other <= bin; });
  else if (cut.missing_left)  // the rank of missing ones, plus one, is 0
    part(ranks, [rank = cut.rank](std::uint32_t other) { return other + 1 <= rank + 1; });
  else
    part(ranks, [rank = cut.rank](std::uint32_t other) { return other <= rank; });
  CAIRN_ASSERT(l > 0 && r > 0);
  std::copy_n(row_memory_.data(), r, rows + l);
  std::copy_n(packed_memory_.data(), r, packed + l);
  return l;
}

Tree PackedGrower::grow() {
  Tree tree;
  tree.nodes.emplace_back();
  PackedNode root{.count = std::ssize(rows_)};
  for (const std::uint32_t p : packed_) root.sums.add(p);
  const auto total = static_cast<double>(root.sums.weight);
  std::vector<PackedNode> open{root};
  // Thresholds are looked up in the end, side by side: each is a wait for memory.
  struct Between {
    std::int32_t node;
    std::uint32_t rank, next_rank;
  };
  std::vector<Between> between;
  constexpr double kRounding = 1e-12;
  while (!open.empty()) {
    PackedNode node = open.back();
    open.pop_back();
    if (worth_copying(node)) copy_rows(node);
    const PackedCut cut = find_cut(node);
    const auto weight = static_cast<double>(node.sums.weight);
    tree.nodes[at(node.tree_node)].cover = weight;
    if (!cut.found() || cut.gain / total + kRounding < rules_.min_impurity_decrease) {
      const double share = static_cast<double>(node.sums.second) / weight;
      tree.nodes[at(node.tree_node)].value = {
          static_cast<double>(node.sums.weight - node.sums.second) / weight, share};
      continue;
    }
    const std::int64_t l = divide(node, cut);
    const std::int32_t left = tree.split(node.tree_node);
    TreeNode& out = tree.nodes[at(node.tree_node)];
    out.feature = cut.feature;
    out.threshold = cut.threshold;
    if (!cut.category && std::isnan(cut.threshold))
      between.push_back({node.tree_node, cut.rank, cut.next_rank});
    out.category = cut.category;
    out.missing_left = cut.missing_left;
    out.left_codes = cut.left_codes;
    out.gain = std::max(0.0, cut.gain / total);
    const auto path = [&](std::uint64_t side) {
      return node.depth < 62 ? 2 * node.path + side : derive_seed(node.path, "path", side);
    };
    open.push_back({node.begin + l, node.count - l, node.depth + 1, path(1), node.sums.without(cut.left),
                    left + 1, node.local});
    open.push_back({node.begin, l, node.depth + 1, path(0), cut.left, left, node.local});
  }
  for (const Between& b : between) {
    TreeNode& node = tree.nodes[at(b.node)];
    const auto& values = data_.feature(node.feature).values;
    node.threshold =
        b.next_rank == kMissingRank ? INFINITY : between_values(values[b.rank], values[b.next_rank]);
  }
  return tree;
}

}  // namespace

std::optional<Tree> grow_packed(const RankedData& data, const CartTarget& target, const CartSample& sample,
                                const CartRules& rules, std::uint64_t seed, const StopToken& stop) {
  const bool serves = target.num_classes == 2 && rules.criterion == Criterion::gini && !rules.parallel &&
                      rules.max_leaves == 0 && rules.ccp_alpha == 0 && rules.monotone.empty() &&
                      std::ranges::all_of(sample.weights, [](double w) {
                        return w >= 1 && w <= kMostPackedWeight && w == std::floor(w);
                      });
  if (!serves) return std::nullopt;
  return PackedGrower(data, target, sample, rules, seed, stop).grow();
}

}  // namespace cairn::tree
