// Plain batch gradient descent, the courses' own algorithm, as a learner.
#pragma once

#include <memory>
#include <string>

#include "cairn/model/registry.h"

namespace cairn {

struct GradientDescentParams {
  double learning_rate = 0.1;
  std::int64_t num_iterations = 1000;
  double l2 = 0;
  static const ParamList& list();
};

// Regression walks down the squared cost, two classes the logistic cost (linear/cost.h), from zeros or from
// the weights of FitContext::start_model. The model keeps the cost after every iteration. FitError when the
// cost grows.
class GradientDescent : public LearnerWith<GradientDescent, GradientDescentParams> {
 public:
  static constexpr const char* kName = "gradient_descent";
  using LearnerWith::LearnerWith;
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

LearnerEntry gradient_descent_entry();

}  // namespace cairn
