#include "cairn/tree/linear_leaves.h"

#include "cairn/base/error.h"

namespace cairn {

void LinearLeaves::add(std::int64_t leaf, double intercept, std::span<const std::int32_t> features,
                       std::span<const double> slopes) {
  CAIRN_ASSERT(leaf >= size() && features.size() == slopes.size());
  intercepts_.resize(static_cast<std::size_t>(leaf), 0.0);
  begins_.resize(static_cast<std::size_t>(leaf) + 1, features_.size());
  intercepts_.push_back(intercept);
  features_.insert(features_.end(), features.begin(), features.end());
  slopes_.insert(slopes_.end(), slopes.begin(), slopes.end());
  begins_.push_back(features_.size());
}

void LinearLeaves::append(const LinearLeaves& later, std::int64_t first_leaf) {
  for (std::int64_t l = 0; l < later.size(); ++l)
    if (later.has(l)) add(first_leaf + l, later.intercept(l), later.features(l), later.slopes(l));
}

}  // namespace cairn
