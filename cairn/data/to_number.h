// Integers and booleans (false 0, true 1) as numbers, for learners that see nothing else.
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

struct ToNumberParams {
  std::vector<std::string> columns;
  static const ParamList& list();
};

// A missing value stays missing.
class ToNumber : public TransformWith<ToNumber, ToNumberParams> {
 public:
  static constexpr const char* kName = "to_number";
  explicit ToNumber(ToNumberParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry to_number_entry();

}  // namespace cairn
