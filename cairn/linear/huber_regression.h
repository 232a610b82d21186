// A line that wild targets do not bend: squared errors near it, absolute ones far from it.
//
//   auto model = HuberRegression({.epsilon = 1.35}).fit(data);
#pragma once

#include <memory>
#include <utility>

#include "cairn/model/registry.h"

namespace cairn {

struct HuberRegressionParams {
  double epsilon = 1.35;
  double alpha = 1e-4;
  bool intercept = true;
  double tol = 1e-8;
  int max_iter = 200;
  static const ParamList& list();
};

// min over w, b, sigma of sum s (sigma + H((y - X w - b) / sigma) sigma) + alpha |w|^2, with H(z) = z^2 up to
// epsilon and 2 epsilon |z| - epsilon^2 beyond (Huber: Robust statistics, 1981; jointly convex: Owen, A
// robust hybrid of lasso and ridge regression, 2007). The scale sigma is fitted too, so epsilon has no unit.
class HuberRegression final : public LearnerWith<HuberRegression, HuberRegressionParams> {
 public:
  static constexpr const char* kName = "huber_regression";
  explicit HuberRegression(const Params& params) : LearnerWith(params) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
