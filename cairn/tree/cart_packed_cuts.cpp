// Where the rows of a node are best cut by one feature.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "cairn/base/index.h"
#include "cairn/tree/cart_packed_grower_internal.h"
#include "cairn/tree/small_sort_internal.h"

namespace cairn::tree {
// Sums of every bin, then a look between any two of them.
template <class Kind>
void PackedGrower<Kind>::cut_bins(std::int32_t feature, const PackedNode& node, PackedCut& cut,
                                  bool& constant) {
  const RankedFeature& f = data_.feature(feature);
  kind_.clear_bins();
  std::array<std::uint32_t, kCartBins> rows{};
  const std::uint8_t* bins = bins_of(feature, node);
  const std::uint32_t* row = rows_.data() + node.begin;
  for (std::size_t i = 0; i < at(node.count); ++i) {
    const std::size_t b = bins[row[i]];
    kind_.add_to_bin(b, i);
    ++rows[b];
  }
  const std::int64_t num_missing = rows[kMissingBin];
  std::int64_t last = std::ssize(f.bin_ends) - 1;
  while (last >= 0 && rows[at(last)] == 0) --last;
  constant = last < 0 || (num_missing == 0 && rows[at(last)] == node.count);
  if (constant) return;
  Scan scan = this->scan();
  std::int64_t place = -1;
  for (const bool with_missing : {false, true}) {
    if (with_missing && num_missing == 0) break;
    scan.start();
    if (with_missing) scan.move_bin(kMissingBin);
    std::int64_t moved = with_missing ? num_missing : 0;
    const std::int64_t end = with_missing || num_missing == 0 ? last : last + 1;
    for (std::int64_t b = 0; b < end; ++b) {
      if (rows[at(b)] == 0) continue;
      scan.move_bin(at(b));
      moved += rows[at(b)];
      if (!scan.offer(moved)) continue;
      place = b;
      cut.missing_left = num_missing == 0 ? 2 * moved > node.count : with_missing;
    }
  }
  if (place < 0) return;
  cut.gain = scan.gain();
  cut.rank = f.bin_ends[at(place)];
  cut.bin = static_cast<int>(place);
  if (place < last) cut.next_rank = cut.rank + 1;
}

// Rows sorted by rank, then a look between any two values. An item is rank << shift | key.
template <class Kind>
template <class Item>
void PackedGrower<Kind>::cut_values(std::int32_t feature, const PackedNode& node, std::vector<Item>& items,
                                    int shift, PackedCut& cut, bool& constant) {
  items.resize(at(node.count));
  missing_.clear();
  const std::uint32_t *ranks = ranks_of(feature, node), *row = rows_.data() + node.begin;
  std::size_t count = 0;
  std::uint32_t low = kMissingRank, high = 0;
  for (std::size_t i = 0; i < at(node.count); ++i) {
    const std::uint32_t rank = ranks[row[i]];
    if (rank == kMissingRank) {
      missing_.push_back(kind_.key(i));
      continue;
    }
    items[count++] = static_cast<Item>(rank) << shift | kind_.key(i);
    low = std::min(low, rank);
    high = std::max(high, rank);
  }
  items.resize(count);
  constant = count == 0 || (low == high && missing_.empty());
  if (constant) return;
  if constexpr (sizeof(Item) == 4)
    sort_small(items, merged_);
  else
    sort_by_rank(items, data_.feature(feature).num_ranks, wide_memory_);
  const Item key_mask = (Item{1} << shift) - 1;
  Scan scan = this->scan();
  std::size_t place = count;
  for (const bool with_missing : {false, true}) {
    if (with_missing && missing_.empty()) break;
    start(scan, with_missing);
    const std::size_t first = with_missing ? missing_.size() : 0;
    // The last cut asks only whether the value is missing.
    const std::size_t end = with_missing || missing_.empty() ? count - 1 : count;
    for (std::size_t i = 0; i < end; ++i) {
      scan.move(static_cast<std::uint32_t>(items[i] & key_mask));
      if (i + 1 < count && items[i] >> shift == items[i + 1] >> shift) continue;
      if (!scan.offer(static_cast<std::int64_t>(first + i) + 1)) continue;
      place = i;
      cut.missing_left = missing_.empty() ? 2 * (i + 1) > count : with_missing;
    }
  }
  if (!scan.found()) return;
  cut.gain = scan.gain();
  cut.rank = static_cast<std::uint32_t>(items[place] >> shift);
  if (place + 1 < count) cut.next_rank = static_cast<std::uint32_t>(items[place + 1] >> shift);
}

// One threshold between the least and the largest value of the node.
template <class Kind>
void PackedGrower<Kind>::cut_drawn(std::int32_t feature, const PackedNode& node, Random& random,
                                   PackedCut& cut, bool& constant) {
  const std::uint32_t *ranks = ranks_of(feature, node), *row = rows_.data() + node.begin;
  narrow_.resize(at(node.count));
  missing_.clear();
  std::uint32_t low = kMissingRank, high = 0;
  for (std::size_t i = 0; i < at(node.count); ++i) {
    const std::uint32_t rank = ranks[row[i]];
    narrow_[i] = rank;
    if (rank == kMissingRank) {
      missing_.push_back(kind_.key(i));
      continue;
    }
    low = std::min(low, rank);
    high = std::max(high, rank);
  }
  constant = std::ssize(missing_) == node.count || (low == high && missing_.empty());
  if (constant) return;
  const auto [drawn, threshold] = drawn_cut(data_.feature(feature), low, high, random);
  Scan scan = this->scan();
  scan.start();
  std::int64_t moved = scan.move_up_to(narrow_.data(), drawn);
  if (scan.offer(moved)) cut.missing_left = missing_.empty() && 2 * moved > node.count;
  if (!missing_.empty() && low != high) {
    for (const std::uint32_t key : missing_) scan.move(key);
    moved += std::ssize(missing_);
    if (scan.offer(moved)) cut.missing_left = true;
  }
  if (!scan.found()) return;
  cut.gain = scan.gain();
  cut.rank = drawn;
  cut.threshold = threshold;
}

// The levels that rows of the node have, by their codes, and the keys of their rows side by side. Costs what
// the rows cost, however many levels there are elsewhere.
template <class Kind>
void PackedGrower<Kind>::group_levels(std::int32_t feature, const PackedNode& node) {
  const std::uint32_t *ranks = ranks_of(feature, node), *row = rows_.data() + node.begin;
  level_of_.resize(std::max<std::size_t>(level_of_.size(), data_.feature(feature).num_ranks), -1);
  levels_.clear();
  missing_.clear();
  narrow_.resize(at(node.count));
  for (std::size_t i = 0; i < at(node.count); ++i) {
    const std::uint32_t code = ranks[row[i]];
    narrow_[i] = code;
    if (code == kMissingRank) {
      missing_.push_back(kind_.key(i));
      continue;
    }
    if (level_of_[code] < 0) {
      level_of_[code] = 0;
      levels_.push_back({static_cast<std::int32_t>(code), 0, 0, 0});
    }
  }
  std::ranges::sort(levels_, {}, &Level::code);
  for (std::size_t l = 0; l < levels_.size(); ++l) level_of_[at(levels_[l].code)] = static_cast<int>(l);
  for (const std::uint32_t code : narrow_)
    if (code != kMissingRank) ++levels_[at(level_of_[code])].rows;
  std::size_t sum = 0;
  for (Level& l : levels_) l.end = std::exchange(sum, sum + l.rows);
  grouped_.resize(sum);
  for (std::size_t i = 0; i < narrow_.size(); ++i)
    if (narrow_[i] != kMissingRank) grouped_[levels_[at(level_of_[narrow_[i]])].end++] = kind_.key(i);
  for (const Level& l : levels_) level_of_[at(l.code)] = -1;
}

// Levels in the order of the mean target or a class's share: the first ones against the others. Of few levels
// with several classes each against the others; extra trees: in a drawn order, of which some go left.
template <class Kind>
void PackedGrower<Kind>::cut_levels(std::int32_t feature, const PackedNode& node, Random* random,
                                    PackedCut& cut, bool& constant) {
  group_levels(feature, node);
  constant = levels_.empty() || (levels_.size() == 1 && missing_.empty());
  if (constant) return;
  Scan scan = this->scan();
  const auto take = [&](std::size_t first, std::size_t end) {
    cut.left_codes.clear();
    for (std::size_t l = first; l < end; ++l) cut.left_codes.push_back(levels_[l].code);
  };
  const auto move = [&](const Level& level) {
    for (const std::uint32_t key : keys_of(level)) scan.move(key);
    return static_cast<std::int64_t>(level.rows);
  };
  if (random) {
    random->shuffle(std::span(levels_));
    const std::size_t drawn = levels_.size() < 2 ? 1 : 1 + random->below(levels_.size() - 1);
    std::int64_t moved = 0;
    scan.start();
    for (std::size_t l = 0; l < drawn; ++l) moved += move(levels_[l]);
    if (scan.offer(moved)) take(0, drawn);
  } else if (kind_.num_orders() > 1 && std::ssize(levels_) <= rules_.max_one_hot) {
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      scan.start();
      if (scan.offer(move(levels_[l]))) take(l, l + 1);
    }
  } else {
    for (std::int32_t order = 0; order < kind_.num_orders(); ++order) {
      if (!kind_.has_order(order)) continue;
      for (Level& l : levels_) l.order = kind_.order_of(keys_of(l), order);
      std::ranges::sort(levels_, {}, [](const Level& l) { return std::pair(l.order, l.code); });
      for (const bool with_missing : {false, true}) {
        if (with_missing && missing_.empty()) break;
        start(scan, with_missing);
        std::int64_t moved = with_missing ? std::ssize(missing_) : 0;
        const std::size_t last = levels_.size() - (with_missing || missing_.empty() ? 1 : 0);
        for (std::size_t l = 0; l < last; ++l) {
          moved += move(levels_[l]);
          if (!scan.offer(moved)) continue;
          take(0, l + 1);
          cut.missing_left = with_missing;
        }
      }
    }
  }
  if (!scan.found()) return;
  cut.gain = scan.gain();
  cut.category = true;
  std::ranges::sort(cut.left_codes);
}

template <class Kind>
PackedCut PackedGrower<Kind>::cut_by(std::int32_t feature, const PackedNode& node, Random* random,
                                     bool& constant) {
  const RankedFeature& f = data_.feature(feature);
  PackedCut cut;
  if (f.category)
    cut_levels(feature, node, random, cut, constant);
  else if (random)
    cut_drawn(feature, node, *random, cut, constant);
  else if (node.count >= kind_.binned_from())
    cut_bins(feature, node, cut, constant);
  else if (static_cast<int>(std::bit_width(f.num_ranks)) + kind_.key_bits() <= 32)
    cut_values(feature, node, narrow_, kind_.key_bits(), cut, constant);
  else
    cut_values(feature, node, wide_, 32, cut, constant);
  if (cut.gain > -INFINITY) cut.feature = feature;
  return cut;
}

template PackedCut PackedGrower<TwoClasses>::cut_by(std::int32_t, const PackedNode&, Random*, bool&);
template PackedCut PackedGrower<Classes>::cut_by(std::int32_t, const PackedNode&, Random*, bool&);
template PackedCut PackedGrower<Values>::cut_by(std::int32_t, const PackedNode&, Random*, bool&);

}  // namespace cairn::tree
