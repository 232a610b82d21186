// Proximal Newton for a smooth convex function plus an L1 penalty: the quadratic model is minimised by
// coordinate descent on its Gram matrix, over the variables that are not zero or want to leave it (Yuan, Ho,
// Lin: An improved GLMNET for l1-regularized logistic regression; 2012).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "cairn/solve/minimum.h"

namespace cairn {

// The Hessian at x among the variables named (ascending): hessian [k, k].
using PartialHessian = std::function<void(std::span<const double> x, std::span<const std::int64_t> variables,
                                          std::span<double> hessian)>;

struct ProximalNewtonOptions {
  StopRule rule;
  std::int64_t max_working_set = 2000;  // variables in one quadratic model
};

struct ProximalMinimum : Minimum {
  bool too_wide = false;  // more variables matter than max_working_set allows; x is the best point so far
};

// Minimises objective(x) + sum_i l1[i] |x_i|, l1 [n], >= 0. FitError when the objective is not finite at
// `start`.
ProximalMinimum proximal_newton(const Objective& objective, const PartialHessian& hessian,
                                std::span<const double> l1, std::vector<double> start,
                                const ProximalNewtonOptions& options);

}  // namespace cairn
