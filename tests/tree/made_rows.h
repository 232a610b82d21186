// Rows that scripts/golden/boosting_objectives.py makes in the same way, so that a peer's figures on them
// need no file of data.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cairn/tree/gradient_boosting.h"

namespace cairn::test {

// Uniform numbers of Knuth's linear congruential generator (MMIX), the upper 53 bits.
class MadeNumbers {
 public:
  explicit MadeNumbers(std::uint64_t seed) : state_(seed) {
    for (int i = 0; i < 4; ++i) uniform();
  }
  double uniform() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }
  double normal() {  // nearly: a sum of twelve
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  std::uint64_t state_;
};

inline std::unique_ptr<TreeModel> fit_boosting(const GradientBoostingParams& params, const Dataset& data,
                                               const FitContext& context = {}) {
  auto model = GradientBoosting(params).fit(data, context);
  return std::unique_ptr<TreeModel>(dynamic_cast<TreeModel*>(model.release()));
}

}  // namespace cairn::test
