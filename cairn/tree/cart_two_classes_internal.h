// Private to the growers of trees: what two classes with whole weights make quick. A row's class and weight
// are one small word, so a node's sums are whole numbers and its best threshold a scan without a division.
#pragma once

#include <cstdint>
#include <span>

#include "cairn/tree/cart_split_internal.h"

namespace cairn::tree {

// weight << 1 | class
inline std::uint32_t pack_two_classes(std::uint32_t weight, std::int32_t label) {
  return weight << 1 | static_cast<std::uint32_t>(label);
}
constexpr double kMostPackedWeight = 1 << 20;

struct TwoClassSide {
  std::int64_t weight = 0, second = 0;  // of all rows, and of those of the second class
  void add(std::uint32_t packed) {
    const std::int64_t w = packed >> 1;
    weight += w;
    second += w & -static_cast<std::int64_t>(packed & 1);
  }
  // Half of weight times Gini's impurity: a b / (a + b).
  double mixed() const {
    return weight == 0 ? 0
                       : static_cast<double>(second) * static_cast<double>(weight - second) /
                             static_cast<double>(weight);
  }
};

// The best of the cuts offered, all of one node and one feature.
class TwoClassScan {
 public:
  static constexpr double kTie = 1e-10;  // as in cart_split.cpp: the first of equal cuts is kept
  TwoClassScan(const TwoClassSide& all, std::int64_t rows, std::int64_t min_leaf)
      : all_(all), rows_(rows), leaf_(min_leaf), parent_(all.mixed()), bar_(parent_ * (1 + kTie)) {}

  // Whether this left side of `moved` rows is the best yet. Fractions are compared by multiplying.
  bool offer(const TwoClassSide& left, std::int64_t moved) {
    if (moved < leaf_ || rows_ - moved < leaf_) return false;
    const auto lw = static_cast<double>(left.weight), ls = static_cast<double>(left.second);
    const double rw = static_cast<double>(all_.weight) - lw, rs = static_cast<double>(all_.second) - ls;
    const double top = ls * (lw - ls) * rw + rs * (rw - rs) * lw, bottom = lw * rw;
    if (!(top < bar_ * bottom) && (found_ || !(top <= bar_ * bottom))) return false;
    found_ = true;
    mixed_ = top / bottom;
    bar_ = mixed_ - kTie * (parent_ - mixed_);
    return true;
  }
  bool found() const { return found_; }
  double gain() const { return 2 * (parent_ - mixed_); }

 private:
  const TwoClassSide all_;
  const std::int64_t rows_, leaf_;
  const double parent_;
  double bar_, mixed_ = 0;
  bool found_ = false;
};

// Offers every cut between items of different rank, ascending; an item is rank << shift | packed, whose low
// `shift` bits are its class and weight. Rows with a missing value, when there are some, are tried on both
// sides. Returns the place of the last item that goes left, or -1; sets missing_left.
template <class Item>
std::int64_t scan_items(std::span<const Item> items, int shift, const TwoClassSide& missing,
                        std::int64_t num_missing, TwoClassScan& scan, bool& missing_left) {
  const auto count = std::ssize(items), n = count + num_missing;
  const Item low = (Item{1} << shift) - 1;
  std::int64_t place = -1;
  for (const bool with_missing : {false, true}) {
    if (with_missing && num_missing == 0) break;
    TwoClassSide left = with_missing ? missing : TwoClassSide{};
    const std::int64_t first = with_missing ? num_missing : 0;
    // The last cut asks only whether the value is missing.
    const std::int64_t last = with_missing || num_missing == 0 ? count - 1 : count;
    for (std::int64_t i = 0; i < last; ++i) {
      const Item item = items[static_cast<std::size_t>(i)];
      left.add(static_cast<std::uint32_t>(item & low));
      if (i + 1 < count && item >> shift == items[static_cast<std::size_t>(i + 1)] >> shift) continue;
      if (!scan.offer(left, first + i + 1)) continue;
      place = i;
      missing_left = num_missing == 0 ? 2 * (i + 1) > n : with_missing;
    }
  }
  return place;
}

}  // namespace cairn::tree
