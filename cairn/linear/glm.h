// Generalised linear models with a log link: counts, rates and positive amounts.
//
//   auto model = GeneralizedLinear({.family = "gamma"}).fit(data);
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "cairn/model/registry.h"

namespace cairn {

struct GeneralizedLinearParams {
  std::string family = "poisson";
  double power = 1.5;
  double alpha = 0;
  bool intercept = true;
  double tol = 1e-8;
  int max_iter = 200;
  static const ParamList& list();
};

// log E[y] = X w + b, fitted by maximum likelihood (Nelder, Wedderburn: Generalized linear models; 1972):
//   min 1/(2 sum s) sum s deviance(y, mu) + alpha/2 |w|^2
// with s the weights of the rows. A rate per exposure is fitted as y / exposure with exposure as weight. The
// penalty is on the columns as given; the intercept bears none. DataError: a target outside the family's
// range, naming the row.
class GeneralizedLinear final : public LearnerWith<GeneralizedLinear, GeneralizedLinearParams> {
 public:
  static constexpr const char* kName = "glm";
  explicit GeneralizedLinear(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
