// Powers and products of number columns, so that a linear model can bend.
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct PolynomialParams {
  std::int64_t degree = 2;
  bool interactions_only = false;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// All products of at most `degree` of the columns, by rising degree and, within one, in the order of the
// columns: x, y, x^2, x*y, y^2, x^3, ... (scikit-learn's order and the courses'). New columns are added at
// the end. ResourceError: more than 10,000 columns or 8 GiB of new values.
class Polynomial : public TransformWith<Polynomial, PolynomialParams> {
 public:
  static constexpr const char* kName = "polynomial";
  explicit Polynomial(PolynomialParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry polynomial_entry();

}  // namespace cairn
