// Linear support vector machines.
//
//   auto model = LinearSvm({.C = 0.1}).fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "cairn/model/registry.h"

namespace cairn {

struct LinearSvmParams {
  double C = 1.0;
  std::string loss = "squared_hinge";
  std::string penalty = "l2";
  std::string class_weight = "none";
  double tol = 1e-3;
  std::int64_t max_iter = 1000;
  static const ParamList& list();
};

// liblinear's objectives, with the intercept as the weight of a column of ones (Fan et al.: LIBLINEAR: a
// library for large linear classification; 2008):
//   l2: min 1/2 |w|^2 + sum C s loss(y w.x)     l1: min |w|_1 + sum C s loss(y w.x)
// where loss(m) is max(0, 1 - m) or its square. l2 by coordinate descent on the dual (Hsieh et al. 2008), l1
// by an orthant-wise L-BFGS. More than two classes: one against the rest. Probabilities are sigmoids fitted
// to margins out of fold. DataError: rows of one class only. UsageError: hinge with l1, which has no solver.
class LinearSvm final : public LearnerWith<LinearSvm, LinearSvmParams> {
 public:
  static constexpr const char* kName = "linear_svm";
  explicit LinearSvm(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
