// Lasso and elastic net: least squares with a penalty that sets weights to exactly zero.
//
//   auto model = Lasso({.alpha = 0.1}).fit(data);
//
// In parts the products of the columns are summed, whatever the number of columns (ResourceError beyond what
// their square may take).
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "cairn/model/numeric.h"
#include "cairn/model/registry.h"

namespace cairn {

struct LassoParams {
  double alpha = 1.0;
  bool intercept = true;
  double tol = 1e-6;
  std::int64_t max_iter = 10'000;
  static const ParamList& list();
};

// min 1/2m |y - X w - b|^2 + alpha |w|_1 (Tibshirani: Regression shrinkage and selection via the lasso;
// 1996), m the sum of the weights of the rows.
class Lasso final : public LearnerWith<Lasso, LassoParams>, public PartsLearner {
 public:
  static constexpr const char* kName = "lasso";
  using LearnerWith::LearnerWith;
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;

 private:
  std::unique_ptr<Model> fit_rows(const NumericRows& rows, const FitContext& context) const;
};

struct ElasticNetParams {
  double alpha = 1.0;
  double l1_ratio = 0.5;
  bool intercept = true;
  double tol = 1e-6;
  std::int64_t max_iter = 10'000;
  static const ParamList& list();
};

// min 1/2m |y - X w - b|^2 + alpha (l1_ratio |w|_1 + (1 - l1_ratio)/2 |w|^2) (Zou, Hastie: Regularization and
// variable selection via the elastic net; 2005).
class ElasticNet final : public LearnerWith<ElasticNet, ElasticNetParams>, public PartsLearner {
 public:
  static constexpr const char* kName = "elastic_net";
  using LearnerWith::LearnerWith;
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;

 private:
  std::unique_ptr<Model> fit_rows(const NumericRows& rows, const FitContext& context) const;
};

}  // namespace cairn
