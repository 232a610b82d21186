// A value for what is missing, learned from the training rows; and a column that says where it was missing.
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

struct ImputeParams {
  std::string numbers = "median";
  double fill_value = 0;
  bool indicators = true;
  std::string categories = "own_level";
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Number and integer columns become numbers without a gap. Where training rows had gaps, a feature '<column>
// is missing' (0 or 1, kind tensor, so that scales and powers leave it be) is added. Categories and booleans
// get a level 'missing', or their most frequent one; a boolean without gaps in training always gets the
// latter. A column without any value counts as 0, or as 'missing'.
class Impute : public TransformWith<Impute, ImputeParams> {
 public:
  static constexpr const char* kName = "impute";
  explicit Impute(ImputeParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry impute_entry();

}  // namespace cairn
