// Logistic and softmax regression with the strength of the penalty found by cross-validation along a path.
//
//   auto model = LogisticRegressionCv({.penalty = "l1", .rule = "one_standard_error"}).fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/model/registry.h"

namespace cairn {

struct LogisticRegressionCvParams {
  std::vector<std::string> Cs;
  std::int64_t num_Cs = 25;
  double smallest = 1e-6;
  int folds = 5;
  std::string rule = "minimum";
  std::string penalty = "l2";
  double l1_ratio = 0.5;
  int max_iter = 1000;
  double tol = 1e-6;
  std::string class_weight = "none";
  static const ParamList& list();
};

// logistic_regression's objective along values of C whose logarithms lie evenly, from one at which hardly
// anything (with an L1 share: nothing) is left of the coefficients, or along those that were written. Each
// fit starts from the one before (Friedman, Hastie, Tibshirani 2010); folds are judged by their mean log
// loss. The model is logistic_regression's at the C chosen, to the last bit. DataError: one class, too few
// rows for the folds, or a class without rows where a fold learns.
class LogisticRegressionCv final : public LearnerWith<LogisticRegressionCv, LogisticRegressionCvParams> {
 public:
  static constexpr const char* kName = "logistic_regression_cv";
  explicit LogisticRegressionCv(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
