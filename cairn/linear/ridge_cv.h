// Ridge regression with the strength of the penalty found by leaving out each row in turn, or by folds.
//
//   auto model = RidgeCv({.rule = "one_standard_error"}).fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/model/registry.h"

namespace cairn {

struct RidgeCvParams {
  std::vector<std::string> alphas;
  std::int64_t num_alphas = 100;
  double smallest = 1e-7;
  int folds = 0;
  std::string rule = "minimum";
  bool intercept = true;
  static const ParamList& list();
};

// ridge's objective along alphas that fall evenly in their logarithm from ten times the sum of squares of the
// centred columns, where hardly anything is left of the weights, or along those that were written. The
// eigenvectors of the products of the columns (of the rows, where those are fewer) are found once and serve
// every alpha. With folds = 0 the error of each row comes from a fit without it in closed form, the residual
// over 1 - leverage (Allen's PRESS; 1974); a row of weight 2 is left out whole. Where rows have copies,
// groups or an order of time, five folds judge instead. The model is ridge's at the alpha chosen, to the last
// bit. DataError: fewer than 2 rows that count, or too few for the folds.
class RidgeCv final : public LearnerWith<RidgeCv, RidgeCvParams> {
 public:
  static constexpr const char* kName = "ridge_cv";
  explicit RidgeCv(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
