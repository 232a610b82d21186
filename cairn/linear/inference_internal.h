// The parts of inference that depend on the family of a model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/linear/inference.h"
#include "cairn/linear/standard_design_internal.h"
#include "cairn/model/numeric.h"

namespace cairn::inference_detail {

// A fitted model on its training rows, all [n]: sums (eta), means (mu), prior weights, the weights of the
// last step of iteratively re-weighted least squares, and Pearson residuals sqrt(weight / variance(mu)) (y -
// mu).
struct Fitted {
  std::string name;
  bool intercept = true, is_least_squares = false, is_logistic = false, dispersion_is_one = false;
  double power = 0;  // of the log-link families
  std::vector<double> sums, mean, truth, weight, curvature, pearson;
};
Fitted fitted_of(std::string_view learner, const ParamsView& params, const Model& model,
                 const NumericData& data);
// Why standard errors of this fit would be wrong; "" where they would not.
std::string why_wrong(std::string_view learner, const ParamsView& params, const Model& model);

// R2, likelihood, information criteria, tests of the whole; of least squares the checks of residuals too.
void add_fit_and_tests(const Fitted& fitted, Inference& to);

}  // namespace cairn::inference_detail
