// Numbers cut into bins, so that a linear model can step.
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct BinsParams {
  std::int64_t bins = 5;
  std::string strategy = "quantile";
  std::string output = "category";
  std::vector<std::string> columns;
  static const ParamList& list();
};

// A number column becomes a category of its bins ('below 3.5', '3.5 to 7.2', '7.2 and above'), or the bin's
// number from 0 on. Strategy width: equal widths between the smallest and the largest training value;
// quantile: edges at the training rows' quantiles (definition 7), those that are equal, or nearly, counted
// once. A value on an edge belongs to the bin above, one beyond the ends to the last bin (scikit-learn's
// KBinsDiscretizer). A missing value stays missing. Weights count rows.
class Bins : public TransformWith<Bins, BinsParams> {
 public:
  static constexpr const char* kName = "bins";
  explicit Bins(BinsParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry bins_entry();

}  // namespace cairn
