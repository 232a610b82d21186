// Ordinary least squares and ridge regression.
//
//   auto model = Ridge({.alpha = 10}).fit(data);
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "cairn/model/parts.h"
#include "cairn/model/registry.h"

namespace cairn {

struct LinearRegressionParams {
  std::string solver = "auto";
  bool intercept = true;
  static const ParamList& list();
};

// Least squares; the weights of least norm when columns are collinear or more than the rows.
class LinearRegression final : public LearnerWith<LinearRegression, LinearRegressionParams>,
                               public PartsLearner {
 public:
  static constexpr const char* kName = "linear_regression";
  explicit LinearRegression(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;
};

struct RidgeParams {
  double alpha = 1.0;
  std::string solver = "auto";
  bool intercept = true;
  static const ParamList& list();
};

// min |y - X w - b|^2 + alpha |w|^2 (Hoerl, Kennard: Ridge regression; 1970); the intercept is not penalised.
class Ridge final : public LearnerWith<Ridge, RidgeParams>, public PartsLearner {
 public:
  static constexpr const char* kName = "ridge";
  explicit Ridge(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;
};

}  // namespace cairn
