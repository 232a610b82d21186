// Leaves that answer along a line: intercept + sum of slope * number, of the numbers asked about on the way
// to them (Shi, Li, Li: Gradient boosting with piece-wise linear regression trees, 2019). Where one of these
// numbers is missing or infinite the leaf's constant is the answer.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cairn {

// intercept + sum of slopes[i] * number(features[i]), in this order; `otherwise` where a number is not
// finite.
template <class Number>
double line_at(double intercept, std::span<const std::int32_t> features, std::span<const double> slopes,
               double otherwise, Number&& number) {
  double sum = intercept;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double x = number(features[i]);
    if (!std::isfinite(x)) return otherwise;
    sum += slopes[i] * x;
  }
  return sum;
}

// The lines of many leaves. Leaves beyond those that are held have none.
class LinearLeaves {
 public:
  bool empty() const { return features_.empty(); }
  std::int64_t size() const { return static_cast<std::int64_t>(intercepts_.size()); }  // leaves held
  // Leaves come in their order.
  void add(std::int64_t leaf, double intercept, std::span<const std::int32_t> features,
           std::span<const double> slopes);
  void append(const LinearLeaves& later, std::int64_t first_leaf);
  bool has(std::int64_t leaf) const { return leaf < size() && !features(leaf).empty(); }
  double intercept(std::int64_t leaf) const { return intercepts_[static_cast<std::size_t>(leaf)]; }
  std::span<const std::int32_t> features(std::int64_t leaf) const { return part(features_, leaf); }
  std::span<const double> slopes(std::int64_t leaf) const { return part(slopes_, leaf); }

 private:
  template <class T>
  std::span<const T> part(const std::vector<T>& all, std::int64_t leaf) const {
    const std::size_t from = begins_[static_cast<std::size_t>(leaf)];
    return std::span<const T>(all).subspan(from, begins_[static_cast<std::size_t>(leaf) + 1] - from);
  }
  std::vector<double> intercepts_;      // [leaves held]
  std::vector<std::size_t> begins_{0};  // [leaves held + 1]
  std::vector<std::int32_t> features_;  // ascending in a leaf
  std::vector<double> slopes_;
};

}  // namespace cairn
