// What a model found of itself while it was fitted: training rows, of many a part at even distances, each
// judged by the parts that have not seen it.
#pragma once

#include <string>
#include <vector>

#include "cairn/metrics/metric.h"

namespace cairn {

struct OwnEstimate {
  std::string metric;
  Estimate estimate;
};

class OutOfBagModel {
 public:
  virtual ~OutOfBagModel() = default;
  // Empty where no row could be judged.
  virtual std::vector<OwnEstimate> out_of_bag() const = 0;
};

}  // namespace cairn
