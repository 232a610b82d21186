// Private to cart_split.cpp: what a split is worth, kept up to date while rows move from right to left one by
// one. gain() is the fall of impurity times weight; NaN where the split may not be.
#pragma once

#include <cmath>
#include <vector>

#include "cairn/tree/cart_split_internal.h"

namespace cairn::tree {

class GiniGain {
 public:
  explicit GiniGain(const NodeRows& node) : node_(node) { start(); }
  void start() {
    left_.assign(node_.sums.size(), 0.0);
    right_ = node_.sums;
    weight_left_ = squares_left_ = squares_right_ = 0;
    for (const double c : right_) squares_right_ += c * c;
    parent_ = squares_right_ / node_.weight;
  }
  void move(std::size_t i) {
    const double w = node_.w.empty() ? 1 : node_.w[i];
    double &l = left_[static_cast<std::size_t>(node_.labels[i])],
           &r = right_[static_cast<std::size_t>(node_.labels[i])];
    squares_left_ += w * (2 * l + w);
    squares_right_ -= w * (2 * r - w);
    l += w;
    r -= w;
    weight_left_ += w;
  }
  double gain() const {
    const double weight_right = node_.weight - weight_left_;
    return squares_left_ / weight_left_ + squares_right_ / weight_right - parent_;
  }
  double left_value() const { return left_[1] / weight_left_; }
  double right_value() const { return right_[1] / (node_.weight - weight_left_); }

 private:
  const NodeRows& node_;
  std::vector<double> left_, right_;
  double weight_left_ = 0, squares_left_ = 0, squares_right_ = 0, parent_ = 0;
};

class EntropyGain {
 public:
  explicit EntropyGain(const NodeRows& node) : node_(node) { start(); }
  void start() {
    left_.assign(node_.sums.size(), 0.0);
    weight_left_ = 0;
    parent_ = term(node_.weight);
    for (const double c : node_.sums) parent_ -= term(c);
  }
  void move(std::size_t i) {
    const double w = node_.w.empty() ? 1 : node_.w[i];
    left_[static_cast<std::size_t>(node_.labels[i])] += w;
    weight_left_ += w;
  }
  double gain() const {
    double children = term(weight_left_) + term(node_.weight - weight_left_);
    for (std::size_t c = 0; c < left_.size(); ++c)
      children -= term(left_[c]) + term(node_.sums[c] - left_[c]);
    return parent_ - children;
  }
  double left_value() const { return left_[1] / weight_left_; }
  double right_value() const { return (node_.sums[1] - left_[1]) / (node_.weight - weight_left_); }

 private:
  static double term(double x) { return x > 0 ? x * std::log2(x) : 0; }
  const NodeRows& node_;
  std::vector<double> left_;
  double weight_left_ = 0, parent_ = 0;
};

// Sums of y less the node's mean: what the left side has more, the right side has less.
class SquaredGain {
 public:
  explicit SquaredGain(const NodeRows& node) : node_(node), mean_(node.sums[0] / node.weight) {}
  void start() { weight_left_ = sum_ = 0; }
  void move(std::size_t i) {
    const double w = node_.w.empty() ? 1 : node_.w[i];
    sum_ += w * (node_.y[i] - mean_);
    weight_left_ += w;
  }
  double gain() const { return sum_ * sum_ * (1 / weight_left_ + 1 / (node_.weight - weight_left_)); }
  double left_value() const { return mean_ + sum_ / weight_left_; }
  double right_value() const { return mean_ - sum_ / (node_.weight - weight_left_); }

 private:
  const NodeRows& node_;
  const double mean_;
  double weight_left_ = 0, sum_ = 0;
};

// Half the deviance; a side whose counts are all 0 has none and may not be.
class PoissonGain {
 public:
  explicit PoissonGain(const NodeRows& node) : node_(node) {}
  void start() { weight_left_ = sum_ = 0; }
  void move(std::size_t i) {
    const double w = node_.w.empty() ? 1 : node_.w[i];
    sum_ += w * node_.y[i];
    weight_left_ += w;
  }
  double gain() const {
    const double right = node_.sums[0] - sum_, all = node_.sums[0];
    if (!(sum_ > kLeast * all) || !(right > kLeast * all)) return NAN;
    return sum_ * std::log(left_value()) + right * std::log(right_value()) -
           all * std::log(all / node_.weight);
  }
  double left_value() const { return sum_ / weight_left_; }
  double right_value() const { return (node_.sums[0] - sum_) / (node_.weight - weight_left_); }

 private:
  static constexpr double kLeast = 1e-12;
  const NodeRows& node_;
  double weight_left_ = 0, sum_ = 0;
};

// Distances from a quantile of both sides, those above it counted by its level and those below by the rest
// (Koenker and Bassett: Regression quantiles, 1978); of the median both by 1. Weights and sums stand in
// binary indexed trees (Fenwick, 1994) by the order of y, where a quantile is found in log n steps.
class QuantileGain {
 public:
  explicit QuantileGain(const NodeRows& node, double scale = 1);
  void start();
  void move(std::size_t i);
  double gain() const;
  double left_value() const { return side(true).middle; }
  double right_value() const { return side(false).middle; }

 private:
  struct Side {
    double middle = 0, distance = 0;
  };
  Side side(bool left) const;
  const NodeRows& node_;
  const double above_, below_;                             // what a distance counts
  std::vector<std::size_t> place_;                         // of row i in the order of y, from 1
  std::vector<double> sorted_;                             // y in order
  std::vector<double> all_w_, all_wy_, left_w_, left_wy_;  // binary indexed trees
  double weight_left_ = 0, sum_left_ = 0, parent_ = 0;
};

class AbsoluteGain : public QuantileGain {
 public:
  explicit AbsoluteGain(const NodeRows& node) : QuantileGain(node, 2) {}
};

}  // namespace cairn::tree
