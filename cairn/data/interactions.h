// Products of two number columns, those that a linear model predicts better with.
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct InteractionsParams {
  std::int64_t most = 10;
  std::int64_t most_columns = 30;
  std::int64_t folds = 5;
  bool squares = false;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Forward selection: to a least-squares model of the standardised columns (a class as 0 and 1, of several
// each for itself, of more than 100 the 100 most frequent) the product is added that lowers its squared error
// most, then the next. How many: in each fold of a cross-validation (by the rules of k_fold; where groups or
// times are few, of as many folds as they allow) products are chosen from the other rows alone and the errors
// on the fold's rows added up; the fewest whose mean error is within one standard error of the difference to
// the least (Hastie, Tibshirani, Friedman: The elements of statistical learning, 3.3, 7.10). The new columns
// 'x*y' stand at the end and are products of the columns as they are. Of more than most_columns columns those
// of largest correlation with the target are looked at, and of many rows 20,000 at even distances. A missing
// value counts as the column's mean while choosing, and makes the product missing. UsageError: no target.
class Interactions : public TransformWith<Interactions, InteractionsParams> {
 public:
  static constexpr const char* kName = "interactions";
  explicit Interactions(InteractionsParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry interactions_entry();

}  // namespace cairn
