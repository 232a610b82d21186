// Number columns on a common scale: (x - center) / scale, column by column; a constant column keeps its unit
// (scale 1).
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

struct ScaleParams {
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Center the mean, scale the standard deviation (the population's, divided by n).
class StandardScale : public TransformWith<StandardScale, ScaleParams> {
 public:
  static constexpr const char* kName = "standard_scale";
  explicit StandardScale(ScaleParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

// Center the smallest value, scale the range: training values lie in [0, 1].
class MinMaxScale : public TransformWith<MinMaxScale, ScaleParams> {
 public:
  static constexpr const char* kName = "min_max_scale";
  explicit MinMaxScale(ScaleParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

// Center the median, scale the distance between the quartiles: unmoved by a few wild values.
class RobustScale : public TransformWith<RobustScale, ScaleParams> {
 public:
  static constexpr const char* kName = "robust_scale";
  explicit RobustScale(ScaleParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry standard_scale_entry();
TransformEntry min_max_scale_entry();
TransformEntry robust_scale_entry();

}  // namespace cairn
