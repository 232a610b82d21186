// Lasso and elastic net with the strength of the penalty found by cross-validation along a path.
//
//   auto model = ElasticNetCv({.rule = "one_standard_error"}).fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/model/registry.h"

namespace cairn {

struct ElasticNetCvParams {
  double l1_ratio = 1.0;
  std::vector<std::string> alphas;
  std::int64_t num_alphas = 100;
  double smallest = 1e-3;
  int folds = 5;
  std::string rule = "minimum";
  bool intercept = true;
  double tol = 1e-6;
  std::int64_t max_iter = 10'000;
  static const ParamList& list();
};

// elastic_net's objective along alphas that fall evenly in their logarithm from the one that sets every
// weight to 0, or along those that were written, each started from the one before (Friedman, Hastie,
// Tibshirani 2010). A fold's sums of products tell all its errors, so the rows are read once. `minimum` takes
// the alpha of least mean squared error, `one_standard_error` the largest within one standard error of it
// (Breiman et al. 1984, section 3.4.3). DataError: too few rows for the folds.
class ElasticNetCv final : public LearnerWith<ElasticNetCv, ElasticNetCvParams> {
 public:
  static constexpr const char* kName = "elastic_net_cv";
  explicit ElasticNetCv(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
