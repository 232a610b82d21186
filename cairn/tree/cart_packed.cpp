#include "cairn/tree/cart_packed_internal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/tree/bins_internal.h"
#include "cairn/tree/cart_packed_grower_internal.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kAhead = 16;              // rows fetched before they are needed
constexpr std::int64_t kLocalCells = 96 * 1024;  // ranks that stay in a core's cache
constexpr std::int64_t kLevels = 12;             // about how many levels a copied node still has

}  // namespace

template <class Kind>
bool PackedGrower<Kind>::worth_copying(const PackedNode& node) const {
  const std::int64_t looked_at = rules_.max_features > 0 ? rules_.max_features : data_.num_features();
  return !node.local && node.count * data_.num_features() <= kLocalCells &&
         data_.num_features() <= kLevels * looked_at;
}

template <class Kind>
void PackedGrower<Kind>::copy_rows(PackedNode& node) {
  const std::int64_t d = data_.num_features();
  local_rows_ = node.count;
  local_.resize(at(d * local_rows_));
  local_bins_.resize(at(d * local_rows_));
  std::uint32_t* rows = rows_.data() + node.begin;
  for (std::int64_t i = 0; i < node.count; ++i) {
    __builtin_prefetch(data_.row(rows[std::min(i + kAhead, node.count - 1)]));
    const std::uint32_t* ranks = data_.row(rows[i]);
    for (std::int64_t f = 0; f < d; ++f) local_[at(f * local_rows_ + i)] = ranks[f];
    if (node.count < kind_.binned_from()) continue;
    const std::uint8_t* bins = data_.bins(rows[i]);
    for (std::int64_t f = 0; f < d; ++f) local_bins_[at(f * local_rows_ + i)] = bins[f];
  }
  std::iota(rows, rows + node.count, 0U);
  node.local = true;
}

// Features in a drawn order until enough have been looked at and one of them was not constant.
template <class Kind>
PackedCut PackedGrower<Kind>::find_cut(const PackedNode& node) {
  PackedCut best;
  if ((rules_.max_depth > 0 && node.depth >= rules_.max_depth) || node.count < rules_.min_samples_split ||
      node.count < 2 * rules_.min_samples_leaf || kind_.pure())
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
template <class Kind>
std::int64_t PackedGrower<Kind>::divide(const PackedNode& node, const PackedCut& cut) {
  std::uint32_t* rows = rows_.data() + node.begin;
  auto* known = known_.data() + node.begin;
  std::int64_t l = 0, r = 0;
  const auto part = [&](const auto* values, auto&& goes_left) {
    for (std::int64_t i = 0; i < node.count; ++i) {
      __builtin_prefetch(values + rows[std::min(i + kAhead, node.count - 1)]);
      const std::uint32_t row = rows[i];
      const auto what = known[i];
      const bool left = goes_left(values[row]);
      rows[l] = row_memory_[at(r)] = row;
      known[l] = known_memory_[at(r)] = what;
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
  std::copy_n(known_memory_.data(), r, known + l);
  return l;
}

template <class Kind>
Tree PackedGrower<Kind>::grow() {
  Tree tree;
  tree.nodes.emplace_back();
  double total = 0;
  std::vector<PackedNode> open{{.count = std::ssize(rows_)}};
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
    kind_.enter(std::span(known_).subspan(at(node.begin), at(node.count)));
    if (node.depth == 0) total = kind_.weight();
    const PackedCut cut = find_cut(node);
    tree.nodes[at(node.tree_node)].cover = kind_.weight();
    if (!cut.found() || cut.gain / total + kRounding < rules_.min_impurity_decrease) {
      tree.nodes[at(node.tree_node)].value = kind_.answer();
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
    open.push_back({node.begin + l, node.count - l, node.depth + 1, path(1), left + 1, node.local});
    open.push_back({node.begin, l, node.depth + 1, path(0), left, node.local});
  }
  for (const Between& b : between) {
    TreeNode& node = tree.nodes[at(b.node)];
    const auto& values = data_.feature(node.feature).values;
    node.threshold =
        b.next_rank == kMissingRank ? INFINITY : between_values(values[b.rank], values[b.next_rank]);
  }
  return tree;
}

std::optional<Tree> grow_packed(const RankedData& data, const CartTarget& target, const CartSample& sample,
                                const CartRules& rules, std::uint64_t seed, const StopToken& stop) {
  if (rules.parallel || rules.max_leaves > 0 || rules.ccp_alpha > 0 || !rules.monotone.empty() ||
      !rules.interactions.empty())
    return std::nullopt;
  if (rules.criterion == Criterion::squared)
    return PackedGrower<Values>(data, target, sample, rules, seed, stop).grow();
  if (rules.criterion != Criterion::gini) return std::nullopt;
  const bool two = target.num_classes == 2 && std::ranges::all_of(sample.weights, [](double w) {
                     return w >= 1 && w <= kMostPackedWeight && w == std::floor(w);
                   });
  if (two) return PackedGrower<TwoClasses>(data, target, sample, rules, seed, stop).grow();
  return PackedGrower<Classes>(data, target, sample, rules, seed, stop).grow();
}

}  // namespace cairn::tree
