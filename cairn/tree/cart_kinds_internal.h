// Private to the packed grower: what a tree learns from, as its search for a cut looks at it: two classes
// with whole weights, any classes, values. A kind keeps the sums of the node it has entered; its Scan moves
// rows of that node from right to left and tells what the cut is worth.
//
//   Row        what a row carries from node to node
//   key(i)     how Scan::move() is told of row i of the node; in key_bits() bits
//   add_to_bin the sums of a feature's bins, which Scan::move_bin() moves at once
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "cairn/tree/cart_internal.h"
#include "cairn/tree/cart_two_classes_internal.h"

namespace cairn::tree {

constexpr std::size_t kCartBins = 256;
constexpr std::int64_t kBinnedRows = 256;  // from here on a node is cut between bins; below, between any two

inline double weight_of(const CartSample& sample, std::size_t i) {
  return sample.weights.empty() ? 1 : sample.weights[i];
}

class TwoClasses {
 public:
  using Row = std::uint32_t;  // weight << 1 | class
  TwoClasses(const CartTarget& target, const CartSample& sample, std::vector<Row>& rows) {
    std::uint32_t most = 1;
    for (std::size_t i = 0; i < sample.rows.size(); ++i) {
      const auto w = static_cast<std::uint32_t>(weight_of(sample, i));
      most = std::max(most, w);
      rows[i] = pack_two_classes(w, target.labels[sample.rows[i]]);
    }
    key_bits_ = static_cast<int>(std::bit_width(most)) + 1;
  }
  std::int64_t binned_from() const { return kBinnedRows; }
  void enter(std::span<const Row> rows) {
    rows_ = rows;
    std::uint64_t weight = 0, second = 0;
    for (const Row p : rows) {
      weight += p >> 1;
      second += (p >> 1) & (~(p & 1) + 1);
    }
    all_ = {static_cast<std::int64_t>(weight), static_cast<std::int64_t>(second)};
  }
  bool pure() const { return all_.second == 0 || all_.second == all_.weight; }
  double weight() const { return static_cast<double>(all_.weight); }
  std::vector<double> answer() const {
    return {static_cast<double>(all_.weight - all_.second) / weight(),
            static_cast<double>(all_.second) / weight()};
  }
  std::uint32_t key(std::size_t i) const { return rows_[i]; }
  int key_bits() const { return key_bits_; }
  void clear_bins() { weights_.fill(0), seconds_.fill(0); }
  void add_to_bin(std::size_t bin, std::size_t i) {
    const std::uint32_t p = rows_[i], w = p >> 1;
    weights_[bin] += w;
    seconds_[bin] += w & (~(p & 1) + 1);
  }
  // Levels of a category stand best in the order of the second class's share (Breiman and others 1984,
  // section 4.2).
  std::int32_t num_orders() const { return 1; }
  bool has_order(std::int32_t) const { return true; }
  double order_of(std::span<const std::uint32_t> keys, std::int32_t) const {
    TwoClassSide side;
    for (const std::uint32_t k : keys) side.add(k);
    return static_cast<double>(side.second) / static_cast<double>(side.weight);
  }

  class Scan {
   public:
    Scan(const TwoClasses& kind, std::int64_t min_leaf)
        : kind_(kind), best_(kind.all_, std::ssize(kind.rows_), min_leaf) {}
    void start() { left_ = {}; }
    void move(std::uint32_t key) { left_.add(key); }
    void move_bin(std::size_t b) {
      left_.weight += static_cast<std::int64_t>(kind_.weights_[b]);
      left_.second += static_cast<std::int64_t>(kind_.seconds_[b]);
    }
    std::int64_t move_up_to(const std::uint32_t* ranks, std::uint32_t last) {  // ranks of the node's rows
      std::int64_t moved = 0;
      for (std::size_t i = 0; i < kind_.rows_.size(); ++i) {
        const auto taken = -static_cast<std::int64_t>(ranks[i] <= last);
        const std::int64_t w = (kind_.rows_[i] >> 1) & taken;
        left_.weight += w;
        left_.second += w & -static_cast<std::int64_t>(kind_.rows_[i] & 1);
        moved -= taken;
      }
      return moved;
    }
    bool offer(std::int64_t moved) { return best_.offer(left_, moved); }
    bool found() const { return best_.found(); }
    double gain() const { return best_.gain(); }

   private:
    const TwoClasses& kind_;
    TwoClassScan best_;
    TwoClassSide left_;
  };

 private:
  std::span<const Row> rows_;
  TwoClassSide all_;
  int key_bits_ = 0;
  std::array<std::uint64_t, kCartBins> weights_{}, seconds_{};
};

// What the scans of values and of any classes keep: equal gains summed in another order differ a little, and
// the first one found is kept.
class BestCut {
 public:
  BestCut(std::int64_t rows, std::int64_t min_leaf) : rows_(rows), leaf_(min_leaf) {}
  bool allows(std::int64_t moved) const { return moved >= leaf_ && rows_ - moved >= leaf_; }
  bool found() const { return found_; }
  double gain() const { return gain_; }
  void take(double gain) { found_ = true, gain_ = gain; }

 private:
  std::int64_t rows_, leaf_;
  bool found_ = false;
  double gain_ = 0;
};

// Squared error. Sums are of what rows are above the node's mean, so that their squares do not cancel.
class Values {
 public:
  struct Row {
    double y, w;
  };
  Values(const CartTarget& target, const CartSample& sample, std::vector<Row>& rows) {
    for (std::size_t i = 0; i < sample.rows.size(); ++i)
      rows[i] = {target.y[sample.rows[i]], weight_of(sample, i)};
  }
  std::int64_t binned_from() const { return kBinnedRows; }
  void enter(std::span<const Row> rows) {
    double sum = 0, low = INFINITY, high = -INFINITY;
    weight_ = 0;
    for (const Row& r : rows) {
      weight_ += r.w;
      sum += r.w * r.y;
      low = std::min(low, r.y);
      high = std::max(high, r.y);
    }
    mean_ = sum / weight_;
    pure_ = low == high;
    above_.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) above_[i] = {rows[i].w * (rows[i].y - mean_), rows[i].w};
    key_bits_ = static_cast<int>(std::bit_width(rows.size()));
  }
  bool pure() const { return pure_; }
  double weight() const { return weight_; }
  std::vector<double> answer() const { return {mean_}; }
  std::uint32_t key(std::size_t i) const { return static_cast<std::uint32_t>(i); }
  int key_bits() const { return key_bits_; }
  void clear_bins() { bins_.fill({}); }
  void add_to_bin(std::size_t bin, std::size_t i) { bins_[bin].add(above_[i]); }
  std::int32_t num_orders() const { return 1; }
  bool has_order(std::int32_t) const { return true; }
  double order_of(std::span<const std::uint32_t> keys, std::int32_t) const {
    Sums sums;
    for (const std::uint32_t k : keys) sums.add(above_[k]);
    return sums.above / sums.w;
  }

 private:
  struct Sums {
    double above = 0, w = 0;
    void add(const Sums& other) { above += other.above, w += other.w; }
  };

 public:
  // A cut is worth above^2 W / (left weight * right weight): compared without a division.
  class Scan {
   public:
    Scan(const Values& kind, std::int64_t min_leaf) : kind_(kind), best_(std::ssize(kind.above_), min_leaf) {}
    void start() { left_ = {}; }
    void move(std::uint32_t key) { left_.add(kind_.above_[key]); }
    void move_bin(std::size_t b) { left_.add(kind_.bins_[b]); }
    std::int64_t move_up_to(const std::uint32_t* ranks, std::uint32_t last) {
      std::int64_t moved = 0;
      for (std::size_t i = 0; i < kind_.above_.size(); ++i) {
        const bool taken = ranks[i] <= last;
        left_.above += taken ? kind_.above_[i].above : 0;
        left_.w += taken ? kind_.above_[i].w : 0;
        moved += taken ? 1 : 0;
      }
      return moved;
    }
    bool offer(std::int64_t moved) {
      if (!best_.allows(moved)) return false;
      const double top = left_.above * left_.above, bottom = left_.w * (kind_.weight_ - left_.w);
      if (best_.found() && !(top > bar_ * bottom)) return false;
      // Next to a huge weight the others round away: a side of no weight, or a gain that is no number.
      if (!(bottom > 0)) return false;
      const double gain = top * kind_.weight_ / bottom;
      if (!std::isfinite(gain)) return false;
      best_.take(gain);
      bar_ = top / bottom * (1 + TwoClassScan::kTie);
      return true;
    }
    bool found() const { return best_.found(); }
    double gain() const { return best_.gain(); }

   private:
    const Values& kind_;
    BestCut best_;
    double bar_ = 0;
    Sums left_;
  };

 private:
  std::vector<Sums> above_;  // of the node's rows
  double weight_ = 0, mean_ = 0;
  bool pure_ = false;
  int key_bits_ = 0;
  std::array<Sums, kCartBins> bins_{};
};

// Gini's impurity of any number of classes, whose sums of squares follow a row that moves in two additions.
class Classes {
 public:
  struct Row {
    double w;
    std::uint32_t label;
  };
  Classes(const CartTarget& target, const CartSample& sample, std::vector<Row>& rows)
      : k_(static_cast<std::size_t>(target.num_classes)), all_(k_), left_(k_), bins_(kCartBins * k_) {
    for (std::size_t i = 0; i < sample.rows.size(); ++i)
      rows[i] = {weight_of(sample, i), static_cast<std::uint32_t>(target.labels[sample.rows[i]])};
  }
  // Bins cost a look at every class of each, sorting does not.
  std::int64_t binned_from() const {
    return std::max<std::int64_t>(kBinnedRows, 16 * static_cast<std::int64_t>(k_));
  }
  void enter(std::span<const Row> rows) {
    rows_ = rows;
    std::ranges::fill(all_, 0.0);
    for (const Row& r : rows) all_[r.label] += r.w;
    weight_ = squares_ = 0;
    int present = 0;
    for (const double c : all_) {
      weight_ += c;
      squares_ += c * c;
      present += c > 0 ? 1 : 0;
    }
    pure_ = present < 2;
    key_bits_ = static_cast<int>(std::bit_width(rows.size()));
  }
  bool pure() const { return pure_; }
  double weight() const { return weight_; }
  std::vector<double> answer() const {
    std::vector<double> shares = all_;
    for (double& s : shares) s /= weight_;
    return shares;
  }
  std::uint32_t key(std::size_t i) const { return static_cast<std::uint32_t>(i); }
  int key_bits() const { return key_bits_; }
  void clear_bins() { std::ranges::fill(bins_, 0.0); }
  void add_to_bin(std::size_t bin, std::size_t i) { bins_[bin * k_ + rows_[i].label] += rows_[i].w; }
  // Of two classes the second one's share is the only order; of more each class's own is tried.
  std::int32_t num_orders() const { return k_ == 2 ? 1 : static_cast<std::int32_t>(k_); }
  bool has_order(std::int32_t order) const { return k_ == 2 || all_[static_cast<std::size_t>(order)] > 0; }
  double order_of(std::span<const std::uint32_t> keys, std::int32_t order) const {
    const std::uint32_t label = k_ == 2 ? 1 : static_cast<std::uint32_t>(order);
    double sum = 0, weight = 0;
    for (const std::uint32_t k : keys) {
      sum += rows_[k].label == label ? rows_[k].w : 0;
      weight += rows_[k].w;
    }
    return sum / weight;
  }

  class Scan {
   public:
    Scan(Classes& kind, std::int64_t min_leaf)
        : kind_(kind),
          left_(kind.left_.data()),
          all_(kind.all_.data()),
          best_(std::ssize(kind.rows_), min_leaf),
          parent_(kind.squares_ / kind.weight_) {}
    void start() {
      std::fill_n(left_, kind_.k_, 0.0);
      weight_ = squares_left_ = 0;
      squares_right_ = kind_.squares_;
    }
    void move(std::uint32_t key) {
      const Row& row = kind_.rows_[key];
      double& l = left_[row.label];
      squares_left_ += row.w * (2 * l + row.w);
      squares_right_ -= row.w * (2 * (all_[row.label] - l) - row.w);
      l += row.w;
      weight_ += row.w;
    }
    void move_bin(std::size_t b) {
      const double* sums = kind_.bins_.data() + b * kind_.k_;
      for (std::size_t c = 0; c < kind_.k_; ++c) {
        left_[c] += sums[c];
        weight_ += sums[c];
      }
      sum_squares();
    }
    std::int64_t move_up_to(const std::uint32_t* ranks, std::uint32_t last) {
      std::int64_t moved = 0;
      for (std::size_t i = 0; i < kind_.rows_.size(); ++i) {
        const bool taken = ranks[i] <= last;
        const double w = taken ? kind_.rows_[i].w : 0;
        left_[kind_.rows_[i].label] += w;
        weight_ += w;
        moved += taken ? 1 : 0;
      }
      sum_squares();
      return moved;
    }
    bool offer(std::int64_t moved) {
      if (!best_.allows(moved)) return false;
      const double right = kind_.weight_ - weight_;
      const double top = squares_left_ * right + squares_right_ * weight_, bottom = weight_ * right;
      if (best_.found() && !(top > bar_ * bottom)) return false;
      if (!(bottom > 0)) return false;  // as above
      const double gain = top / bottom - parent_;
      if (!(gain >= -TwoClassScan::kTie * kind_.weight_ && std::isfinite(gain))) return false;
      best_.take(gain);
      bar_ = top / bottom + TwoClassScan::kTie * (std::abs(gain) + parent_ * TwoClassScan::kTie);
      return true;
    }
    bool found() const { return best_.found(); }
    double gain() const { return best_.gain(); }

   private:
    void sum_squares() {
      squares_left_ = squares_right_ = 0;
      for (std::size_t c = 0; c < kind_.k_; ++c) {
        squares_left_ += left_[c] * left_[c];
        squares_right_ += (all_[c] - left_[c]) * (all_[c] - left_[c]);
      }
    }
    Classes& kind_;
    double* const left_;
    const double* const all_;
    BestCut best_;
    const double parent_;
    double weight_ = 0, squares_left_ = 0, squares_right_ = 0, bar_ = 0;
  };

 private:
  const std::size_t k_;
  std::span<const Row> rows_;
  std::vector<double> all_, left_;  // weight of each class
  double weight_ = 0, squares_ = 0;
  bool pure_ = false;
  int key_bits_ = 0;
  std::vector<double> bins_;  // [bins, classes]
};

}  // namespace cairn::tree
