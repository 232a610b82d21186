// Gini's best threshold of a number for two classes, with weights that are whole numbers. A row's class and
// weight travel with its rank through the sort, so that the scan reads one array.
#include "cairn/tree/cart_two_classes_internal.h"

#include <algorithm>
#include <cmath>

#include "cairn/tree/bins_internal.h"

namespace cairn::tree {
namespace {

constexpr std::size_t kAhead = 16;  // rows fetched before they are needed
constexpr int kRankShift = 32;

}  // namespace

CartSplit two_class_split(const RankedFeature& feature, std::int32_t number, const NodeRows& node,
                          const CartRules& rules, CartMemory& memory, bool& constant) {
  CartSplit best;
  auto& items = memory.items;
  items.resize(node.rows.size());
  std::size_t count = 0;
  TwoClassSide missing;
  std::uint32_t low = kMissingRank, high = 0;
  const std::uint32_t* ranks = feature.ranks.data();
  for (std::size_t i = 0; i < node.rows.size(); ++i) {
    __builtin_prefetch(ranks + node.rows[std::min(i + kAhead, node.rows.size() - 1)]);
    const std::uint32_t rank = ranks[node.rows[i]];
    if (rank == kMissingRank) {
      missing.add(node.packed[i]);
      continue;
    }
    items[count++] = static_cast<std::uint64_t>(rank) << kRankShift | node.packed[i];
    low = std::min(low, rank);
    high = std::max(high, rank);
  }
  items.resize(count);
  const auto num_missing = static_cast<std::int64_t>(node.rows.size() - count);
  constant = count == 0 || (low == high && num_missing == 0);
  if (constant) return best;
  sort_by_rank(items, feature.num_ranks, memory.other);
  TwoClassScan scan({static_cast<std::int64_t>(node.weight), static_cast<std::int64_t>(node.sums[1])},
                    std::ssize(node.rows), std::max<std::int64_t>(rules.min_samples_leaf, 1));
  const std::int64_t place = scan_items(std::span<const std::uint64_t>(items), kRankShift, missing,
                                        num_missing, scan, best.missing_left);
  if (place < 0) return best;
  best.feature = number;
  best.gain = scan.gain();
  const auto rank_at = [&](std::int64_t i) {
    return static_cast<std::uint32_t>(items[static_cast<std::size_t>(i)] >> kRankShift);
  };
  best.rank = rank_at(place);
  best.threshold = place + 1 == std::ssize(items)
                       ? INFINITY
                       : between_values(feature.values[best.rank], feature.values[rank_at(place + 1)]);
  return best;
}

}  // namespace cairn::tree
