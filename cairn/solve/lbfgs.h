// Limited-memory BFGS for smooth functions of many variables (Nocedal, Wright: Numerical Optimization, 2nd
// ed., algorithms 7.4 and 7.5), with a line search for the strong Wolfe conditions (algorithms 3.5 and 3.6),
// and its orthant-wise form for an L1 penalty (Andrew, Gao: Scalable training of L1-regularized log-linear
// models; 2007).
#pragma once

#include <span>
#include <vector>

#include "cairn/solve/minimum.h"

namespace cairn {

struct LbfgsOptions {
  StopRule rule;
  int memory = 10;  // pairs of steps and gradient changes kept
};

// FitError when the objective is not finite at `start`.
Minimum lbfgs(const Objective& objective, std::vector<double> start, const LbfgsOptions& options);

// Minimises objective(x) + sum_i l1[i] |x_i|; l1 [n], >= 0. Value and gradient norm are those of the whole
// function.
Minimum orthant_wise_lbfgs(const Objective& objective, std::span<const double> l1, std::vector<double> start,
                           const LbfgsOptions& options);

// The subgradient of least norm of objective + sum l1 |x|, given the objective's gradient: zero exactly at
// the minimum.
void least_subgradient(std::span<const double> x, std::span<const double> gradient,
                       std::span<const double> l1, std::span<double> out);

}  // namespace cairn
