// Columns that tell nothing, or nothing new, left out.
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

struct VarianceFilterParams {
  double threshold = 0;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Leaves out number, boolean and category columns, and single features of encoded columns (which stay
// sparse), that vary no more than `threshold`: by the population's variance of a number, a boolean or a
// feature (its missing values apart); a category goes when training rows have one level at most. A column
// that is constant to rounding has variance 0 (scikit-learn's VarianceThreshold).
class VarianceFilter : public TransformWith<VarianceFilter, VarianceFilterParams> {
 public:
  static constexpr const char* kName = "variance_filter";
  explicit VarianceFilter(VarianceFilterParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

struct CorrelationFilterParams {
  double threshold = 0.95;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Of number columns whose correlation (Pearson's, its absolute value) with an earlier column that stays is
// above `threshold`, the later one is left out. A missing value counts as the column's mean.
class CorrelationFilter : public TransformWith<CorrelationFilter, CorrelationFilterParams> {
 public:
  static constexpr const char* kName = "correlation_filter";
  explicit CorrelationFilter(CorrelationFilterParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry variance_filter_entry();
TransformEntry correlation_filter_entry();

}  // namespace cairn
