// Categories as numbers in the order of their levels, for learners that only compare: trees.
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

struct OrdinalParams {
  std::vector<std::string> order;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Category and boolean columns become 0, 1, 2, ... by the levels that training rows have, in their own order
// or in that of `order` (a level of a training row that it does not name is a UsageError). A missing or an
// unseen level is missing. It can be turned back.
class Ordinal : public TransformWith<Ordinal, OrdinalParams> {
 public:
  static constexpr const char* kName = "ordinal";
  explicit Ordinal(OrdinalParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry ordinal_entry();

}  // namespace cairn
