// Linear quantiles: the median or any other level of the target, or several at once.
//
//   auto model = QuantileRegression({.quantiles = {"0.1,0.5,0.9"}}).fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/model/registry.h"

namespace cairn {

struct QuantileRegressionParams {
  std::vector<std::string> quantiles;  // empty: 0.5
  bool intercept = true;
  double tol = 1e-9;
  int max_iter = 100;
  static const ParamList& list();
};

// For each level tau: min sum s rho_tau(y - X w - b), rho_tau(r) = r (tau - [r < 0]) (Koenker, Bassett:
// Regression quantiles; 1978), exactly, by an interior-point method.
class QuantileRegression final : public LearnerWith<QuantileRegression, QuantileRegressionParams> {
 public:
  static constexpr const char* kName = "quantile_regression";
  explicit QuantileRegression(Params params) : LearnerWith(std::move(params)) {}
  Predicts predicts() const override { return Predicts::quantiles; }
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
