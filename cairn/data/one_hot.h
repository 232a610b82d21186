// Categories and booleans to numbers: a feature 'column=level' a level, 1 where the row has it.
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct OneHotParams {
  bool drop_first = false;
  std::int64_t min_frequency = 1;
  std::int64_t max_levels = 1000;
  std::string sparse = "auto";
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Each column becomes one of kind tensor and the same name. Levels that no training row has are left out; a
// level never seen in training and a missing one give zeros everywhere. Sparse, unless told otherwise, when
// all columns together have more than 50 features.
class OneHot : public TransformWith<OneHot, OneHotParams> {
 public:
  static constexpr const char* kName = "one_hot";
  explicit OneHot(OneHotParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry one_hot_entry();

}  // namespace cairn
